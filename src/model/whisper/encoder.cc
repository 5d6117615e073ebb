#include "model/whisper/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "model/whisper/constants.h"

namespace amanuensis::model {
namespace {

// Frames are read a tile at a time, so that both the rows read and the columns written stay in the cache.
constexpr std::size_t kTransposeTile = 16;

void transpose(TensorView<const float> from, TensorView<float> to) {
  for (std::size_t column0 = 0; column0 < from.cols(); column0 += kTransposeTile) {
    const std::size_t column1 = std::min(from.cols(), column0 + kTransposeTile);
    for (std::size_t r = 0; r < from.rows(); ++r) {
      for (std::size_t c = column0; c < column1; ++c) to(c, r) = from(r, c);
    }
  }
}

}  // namespace

Encoder::Encoder(const Checkpoint& checkpoint, device::Backend& backend)
    : backend_(backend), whole_blocks_(dynamic_cast<device::EncoderBackend*>(&backend)), dims_(checkpoint.dims) {
  const WeightLoader load(checkpoint, backend);
  const std::size_t width = dims_.n_audio_state;
  conv1_ = load.conv1d("encoder.conv1", width,
                       {.in_channels = dims_.n_mels, .kernel = kConvKernel, .stride = 1, .padding = kConvPadding});
  conv2_ =
      load.conv1d("encoder.conv2", width,
                  {.in_channels = width, .kernel = kConvKernel, .stride = kFramesPerPosition, .padding = kConvPadding});

  static constexpr std::string_view kPositions = "encoder.positional_embedding";
  positions_ = checkpoint.has(kPositions) ? read_table(checkpoint, kPositions, dims_.n_audio_ctx, width)
                                          : sinusoid_positions(dims_.n_audio_ctx, width);

  for (std::size_t i = 0; i < dims_.n_audio_layer; ++i) {
    const std::string block = fmt::format("encoder.blocks.{}", i);
    blocks_.push_back({load.self_attention(block, width), load.mlp(block, width, dims_.n_audio_ffn)});
  }
  last_norm_ = load.layer_norm("encoder.ln_post", width);
}

void Encoder::run(std::span<const TensorView<const float>> log_mels, TensorView<float> out) {
  for (const TensorView<const float>& mel : log_mels) {
    if (mel.rows() != dims_.n_mels || mel.cols() != dims_.window_frames()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("the log-mel window is [{}, {}], but this model takes [{}, {}] (bands, frames); pad or "
                              "cut the audio to one window, with the model's number of bands",
                              mel.rows(), mel.cols(), dims_.n_mels, dims_.window_frames()));
    }
  }
  for (std::size_t i = 0; i < log_mels.size(); ++i) {
    embed(log_mels[i], out.rows_at(i * dims_.n_audio_ctx, dims_.n_audio_ctx));
  }
  for (const Block& block : blocks_) run_block(block, log_mels.size(), out);
  backend_.layer_norm(out, last_norm_.gamma, last_norm_.beta, out);
}

void Encoder::embed(TensorView<const float> log_mel, TensorView<float> x) {
  const TensorView<float> frames = frames_.matrix(log_mel.cols(), log_mel.rows());
  const TensorView<float> features = conv_.matrix(log_mel.cols(), dims_.n_audio_state);
  transpose(log_mel, frames);
  backend_.conv1d_gelu(*conv1_, frames, features);
  backend_.conv1d_gelu(*conv2_, features, x);
  for (std::size_t p = 0; p < x.rows(); ++p) {
    const std::span<float> row = x.row(p);
    const float* position = positions_.data() + p * row.size();
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += position[i];
  }
}

void Encoder::run_block(const Block& block, std::size_t windows, TensorView<float> x) {
  const std::size_t width = dims_.n_audio_state;
  const std::size_t positions = dims_.n_audio_ctx;
  if (whole_blocks_ != nullptr) {
    const device::EncoderBlock whole{.attention_norm = {block.attention.norm.gamma, block.attention.norm.beta},
                                     .query_key_value = block.attention.query_key_value.get(),
                                     .attention_out = block.attention.out.get(),
                                     .heads = dims_.n_audio_head,
                                     .mlp_norm = {block.mlp.norm.gamma, block.mlp.norm.beta},
                                     .mlp_up = block.mlp.up.get(),
                                     .mlp_down = block.mlp.down.get()};
    for (std::size_t i = 0; i < windows; ++i) whole_blocks_->encoder_block(whole, x.rows_at(i * positions, positions));
    return;
  }
  const device::Epilogue add_to_x{.residual = x.data(), .residual_stride = x.stride()};

  const TensorView<float> qkv = wide_.matrix(x.rows(), 3 * width);
  backend_.norm_linear(*block.attention.query_key_value, {block.attention.norm.gamma, block.attention.norm.beta}, x,
                       qkv, {});
  const TensorView<float> attended = attended_.matrix(x.rows(), width);
  for (std::size_t i = 0; i < windows; ++i) {
    const TensorView<float> window = qkv.rows_at(i * positions, positions);
    backend_.self_attention(window.cols_at(0, width), window.cols_at(width, width), window.cols_at(2 * width, width),
                            dims_.n_audio_head, attended.rows_at(i * positions, positions));
  }
  backend_.linear(*block.attention.out, attended, x, add_to_x);

  const TensorView<float> hidden = wide_.matrix(x.rows(), dims_.n_audio_ffn);
  backend_.norm_linear(*block.mlp.up, {block.mlp.norm.gamma, block.mlp.norm.beta}, x, hidden, {.gelu = true});
  backend_.linear(*block.mlp.down, hidden, x, add_to_x);
}

}  // namespace amanuensis::model
