#include "model/whisper/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "model/whisper/constants.h"

namespace amanuensis::model {
namespace {

constexpr std::string_view kTokenEmbedding = "decoder.token_embedding.weight";

[[noreturn]] void reject(const std::string& message) { throw Error(ErrorCode::kInvalidArgument, message); }

// The caller's logits as one matrix, when they lie one row below the other at equal distances; else an empty view.
TensorView<float> joined_logits(std::span<const DecodeItem> items, std::size_t rows) {
  const TensorView<float>& first = items.front().logits;
  std::size_t stride = first.stride();
  if (first.rows() == 1 && items.size() > 1) {
    const float* next = items[1].logits.data();
    if (next < first.data() + first.cols()) return {};
    stride = static_cast<std::size_t>(next - first.data());
  }
  const float* expected = first.data();
  for (const DecodeItem& item : items) {
    if (item.logits.data() != expected || (item.logits.rows() > 1 && item.logits.stride() != stride)) return {};
    expected += item.logits.rows() * stride;
  }
  return {first.data(), rows, first.cols(), stride};
}

}  // namespace

Decoder::Decoder(const Checkpoint& checkpoint, device::Backend& backend)
    : backend_(backend),
      dims_(checkpoint.dims),
      tokens_(checkpoint, kTokenEmbedding, dims_.n_vocab, dims_.n_text_state),
      positions_(read_table(checkpoint, "decoder.positional_embedding", dims_.n_text_ctx, dims_.n_text_state)) {
  const WeightLoader load(checkpoint, backend);
  const std::size_t width = dims_.n_text_state;
  for (std::size_t i = 0; i < dims_.n_text_layer; ++i) {
    const std::string block = fmt::format("decoder.blocks.{}", i);
    blocks_.push_back({load.self_attention(block, width), load.cross_attention(block, width),
                       load.mlp(block, width, dims_.n_text_ffn)});
  }
  last_norm_ = load.layer_norm("decoder.ln", width);
  vocabulary_ = load.projection(std::string(kTokenEmbedding), dims_.n_vocab, width);
}

std::shared_ptr<EncodedWindow> Decoder::new_window() const {
  const std::size_t head_dim = dims_.n_text_state / dims_.n_text_head;
  return std::make_shared<EncodedWindow>(
      backend_.make_kv_caches(blocks_.size(), dims_.n_audio_ctx, dims_.n_text_head, head_dim), dims_.n_audio_ctx);
}

void Decoder::fill_windows(TensorView<const float> audio, std::span<const std::shared_ptr<EncodedWindow>> windows) {
  const std::size_t width = dims_.n_text_state;
  const std::size_t positions = dims_.n_audio_ctx;
  for (const std::shared_ptr<EncodedWindow>& window : windows) check_window(window.get());
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const TensorView<float> key_value = wide_.matrix(audio.rows(), 2 * width);
    backend_.linear(*blocks_[layer].cross.key_value, audio, key_value, {});
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const TensorView<const float> window = key_value.rows_at(i * positions, positions);
      backend_.write_kv(*windows[i]->layers_[layer], 0, window.cols_at(0, width), window.cols_at(width, width));
    }
  }
}

void Decoder::check_window(const EncodedWindow* window) const {
  if (window == nullptr) reject("a decoder sequence needs an encoded window; encode() returns them");
  if (window->layers() != blocks_.size() || window->positions() != dims_.n_audio_ctx) {
    reject(
        fmt::format("the window has {} decoder layers and {} positions, this model {} and {}: it was encoded by "
                    "another model",
                    window->layers(), window->positions(), blocks_.size(), dims_.n_audio_ctx));
  }
}

DecoderSequence Decoder::new_sequence(std::shared_ptr<const EncodedWindow> window, std::size_t capacity) const {
  check_window(window.get());
  std::vector<std::unique_ptr<device::KvCache>> layers;
  layers.reserve(blocks_.size());
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    layers.push_back(backend_.make_kv_cache(capacity, dims_.n_text_head, dims_.n_text_state / dims_.n_text_head));
  }
  return {std::move(window), std::move(layers)};
}

void Decoder::restart_sequence(DecoderSequence& sequence, std::shared_ptr<const EncodedWindow> window) const {
  check_window(window.get());
  if (sequence.layers_.size() != blocks_.size()) reject("a decoder sequence of another model cannot be used again");
  sequence.window_ = std::move(window);
  sequence.length_ = 0;
}

void Decoder::copy_sequence(DecoderSequence& to, const DecoderSequence& from) const {
  if (&to == &from) return;
  if (to.window_ != from.window_) {
    reject("a decoder sequence can be copied only to another one of the same window");
  }
  for (std::size_t i = 0; i < to.layers_.size(); ++i) {
    backend_.copy_kv(*to.layers_[i], *from.layers_[i], from.length_);
  }
  to.length_ = from.length_;
}

void Decoder::check(std::span<const DecodeItem> items) const {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const DecodeItem& item = items[i];
    if (item.sequence == nullptr) reject(fmt::format("item {} of the decoder call has no sequence", i));
    if (item.sequence->layers_.size() != blocks_.size()) {
      reject(fmt::format("item {}: the sequence has {} decoder layers, this model {}: it belongs to another model", i,
                         item.sequence->layers_.size(), blocks_.size()));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (items[j].sequence == item.sequence) {
        reject(fmt::format("items {} and {} of the decoder call are the same sequence; copy it first", j, i));
      }
    }
    if (item.tokens.empty()) reject(fmt::format("item {} of the decoder call has no tokens", i));
    for (const TokenId token : item.tokens) {
      if (token < 0 || static_cast<std::size_t>(token) >= dims_.n_vocab) {
        reject(fmt::format("token {} is outside this model's vocabulary of {}", token, dims_.n_vocab));
      }
    }
    if (item.tokens.size() > dims_.n_text_ctx - item.sequence->length_) {
      reject(fmt::format("{} tokens after the {} that the sequence holds exceed the model's text context of {}",
                         item.tokens.size(), item.sequence->length_, dims_.n_text_ctx));
    }
    const std::size_t rows = item.logits.rows();
    if ((rows != 1 && rows != item.tokens.size()) || item.logits.cols() != dims_.n_vocab) {
      reject(fmt::format("item {}: logits are [{}, {}], expected [1, {}] or [{}, {}]", i, rows, item.logits.cols(),
                         dims_.n_vocab, item.tokens.size(), dims_.n_vocab));
    }
  }
}

TensorView<float> Decoder::begin(std::span<const DecodeItem> items) {
  spans_.clear();
  std::size_t rows = 0;
  for (const DecodeItem& item : items) {
    spans_.push_back({rows, item.tokens.size()});
    rows += item.tokens.size();
  }
  const TensorView<float> x = x_.matrix(rows, dims_.n_text_state);
  embed(items, x);
  return x;
}

void Decoder::run(std::span<const DecodeItem> items) {
  if (items.empty()) return;
  check(items);
  const TensorView<float> x = begin(items);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    self_attention(layer, items, x);
    cross_attention(layer, items, x);
    mlp(layer, x);
  }
  project(items, x);
  for (const DecodeItem& item : items) item.sequence->length_ += item.tokens.size();
}

void Decoder::embed(std::span<const DecodeItem> items, TensorView<float> x) const {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const DecodeItem& item = items[i];
    for (std::size_t t = 0; t < item.tokens.size(); ++t) {
      const std::span<float> row = x.row(spans_[i].first + t);
      tokens_.read_row(static_cast<std::size_t>(item.tokens[t]), row);
      const float* position = positions_.data() + (item.sequence->length_ + t) * row.size();
      for (std::size_t c = 0; c < row.size(); ++c) row[c] += position[c];
    }
  }
}

void Decoder::self_attention(std::size_t layer, std::span<const DecodeItem> items, TensorView<float> x) {
  const SelfAttentionWeights& weights = blocks_[layer].self;
  const std::size_t width = dims_.n_text_state;
  const TensorView<float> normed = normed_.matrix(x.rows(), width);
  backend_.layer_norm(x, weights.norm.gamma, weights.norm.beta, normed);
  const TensorView<float> qkv = wide_.matrix(x.rows(), 3 * width);
  backend_.linear(*weights.query_key_value, normed, qkv, {});
  attention_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    DecoderSequence& sequence = *items[i].sequence;
    device::KvCache& cache = *sequence.layers_[layer];
    const TensorView<float> rows = qkv.rows_at(spans_[i].first, spans_[i].rows);
    attention_.push_back({.cache = &cache,
                          .append_to = &cache,
                          .k = rows.cols_at(width, width),
                          .v = rows.cols_at(2 * width, width),
                          .q = rows.cols_at(0, width),
                          .out = normed.rows_at(spans_[i].first, spans_[i].rows),
                          .visible = sequence.length_ + 1,
                          .causal = true});
  }
  backend_.cached_attention(attention_, dims_.n_text_head);
  backend_.linear(*weights.out, normed, x, {.residual = x.data(), .residual_stride = x.stride()});
}

void Decoder::cross_attention(std::size_t layer, std::span<const DecodeItem> items, TensorView<float> x,
                              const AlignmentCall* alignment) {
  const CrossAttentionWeights& weights = blocks_[layer].cross;
  const std::size_t width = dims_.n_text_state;
  const TensorView<float> normed = normed_.matrix(x.rows(), width);
  backend_.layer_norm(x, weights.norm.gamma, weights.norm.beta, normed);
  const TensorView<float> query = wide_.matrix(x.rows(), width);
  backend_.linear(*weights.query, normed, query, {});
  if (alignment != nullptr) read_maps(layer, *alignment, query);
  attention_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const EncodedWindow& window = *items[i].sequence->window_;
    attention_.push_back({.cache = &window.layer(layer),
                          .q = query.rows_at(spans_[i].first, spans_[i].rows),
                          .out = normed.rows_at(spans_[i].first, spans_[i].rows),
                          .visible = window.positions(),
                          .causal = false});
  }
  backend_.cached_attention(attention_, dims_.n_text_head);
  backend_.linear(*weights.out, normed, x, {.residual = x.data(), .residual_stride = x.stride()});
}

void Decoder::mlp(std::size_t layer, TensorView<float> x) {
  const MlpWeights& weights = blocks_[layer].mlp;
  const TensorView<float> normed = normed_.matrix(x.rows(), x.cols());
  backend_.layer_norm(x, weights.norm.gamma, weights.norm.beta, normed);
  const TensorView<float> hidden = wide_.matrix(x.rows(), dims_.n_text_ffn);
  backend_.linear(*weights.up, normed, hidden, {.gelu = true});
  backend_.linear(*weights.down, hidden, x, {.residual = x.data(), .residual_stride = x.stride()});
}

void Decoder::project(std::span<const DecodeItem> items, TensorView<const float> x) {
  // The vocabulary is the widest layer of all: only rows whose logits somebody wants go through it.
  std::size_t rows = 0;
  for (const DecodeItem& item : items) rows += item.logits.rows();
  const TensorView<float> wanted = normed_.matrix(x.rows(), x.cols()).rows_at(0, rows);
  std::size_t next = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t count = items[i].logits.rows();
    const std::size_t first = spans_[i].first + spans_[i].rows - count;
    backend_.layer_norm(x.rows_at(first, count), last_norm_.gamma, last_norm_.beta, wanted.rows_at(next, count));
    next += count;
  }
  if (const TensorView<float> joined = joined_logits(items, rows); joined.rows() == rows) {
    backend_.linear(*vocabulary_, wanted, joined, {});
    return;
  }
  const TensorView<float> logits = logits_.matrix(rows, dims_.n_vocab);
  backend_.linear(*vocabulary_, wanted, logits, {});
  next = 0;
  for (const DecodeItem& item : items) {
    for (std::size_t r = 0; r < item.logits.rows(); ++r)
      std::ranges::copy(logits.row(next++), item.logits.row(r).begin());
  }
}

}  // namespace amanuensis::model
