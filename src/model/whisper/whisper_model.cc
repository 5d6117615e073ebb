#include "model/whisper/whisper_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/checkpoint/layout.h"
#include "model/whisper/decoder.h"
#include "model/whisper/encoder.h"
#include "model/whisper/weights.h"

namespace amanuensis::model {
namespace {

// Windows that go through the encoder together. One window already has enough rows (1500) to keep every core busy;
// more would only make the workspace larger (30 MB a window in large-v3's widest layer).
constexpr std::size_t kWindowsPerPass = 4;

}  // namespace

void DecoderSequence::truncate(std::size_t length) {
  if (length > length_) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cannot truncate a sequence of {} tokens to {}", length_, length));
  }
  length_ = length;
}

struct WhisperModel::State {
  State(const Checkpoint& checkpoint, device::Backend& used_backend)
      : backend(used_backend),
        dims(checkpoint.dims),
        encoder(checkpoint, used_backend),
        decoder(checkpoint, used_backend) {}

  device::Backend& backend;
  ModelDimensions dims;
  Encoder encoder;
  Decoder decoder;
  Scratch audio;  // [windows * n_audio_ctx, n_audio_state]
};

WhisperModel::WhisperModel(const Checkpoint& checkpoint, device::Backend& backend) {
  check_dimensions(checkpoint.dims, checkpoint.path.string(), Naming::kOpenAi);
  state_ = std::make_unique<State>(checkpoint, backend);
}

WhisperModel::~WhisperModel() = default;

const ModelDimensions& WhisperModel::dims() const { return state_->dims; }

AlignedBuffer<float> WhisperModel::encoder_output(TensorView<const float> log_mel) const {
  const ModelDimensions& dims = state_->dims;
  AlignedBuffer<float> out(dims.n_audio_ctx * dims.n_audio_state);
  state_->encoder.run({&log_mel, 1}, out.matrix(dims.n_audio_ctx, dims.n_audio_state));
  return out;
}

std::vector<std::shared_ptr<const EncodedWindow>> WhisperModel::encode(
    std::span<const TensorView<const float>> log_mels) const {
  std::vector<std::shared_ptr<EncodedWindow>> windows;
  for (std::size_t i = 0; i < log_mels.size(); ++i) windows.push_back(new_window());
  encode_into(log_mels, windows);
  return {windows.begin(), windows.end()};
}

std::shared_ptr<EncodedWindow> WhisperModel::new_window() const { return state_->decoder.new_window(); }

void WhisperModel::encode_into(std::span<const TensorView<const float>> log_mels,
                               std::span<const std::shared_ptr<EncodedWindow>> windows) const {
  if (log_mels.size() != windows.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} log-mel windows cannot be encoded into {}", log_mels.size(), windows.size()));
  }
  const ModelDimensions& dims = state_->dims;
  for (std::size_t first = 0; first < log_mels.size(); first += kWindowsPerPass) {
    const std::size_t count = std::min(kWindowsPerPass, log_mels.size() - first);
    const TensorView<float> audio = state_->audio.matrix(count * dims.n_audio_ctx, dims.n_audio_state);
    state_->encoder.run(log_mels.subspan(first, count), audio);
    state_->decoder.fill_windows(audio, windows.subspan(first, count));
  }
}

DecoderSequence WhisperModel::new_sequence(std::shared_ptr<const EncodedWindow> window) const {
  return state_->decoder.new_sequence(std::move(window), state_->dims.n_text_ctx);
}

void WhisperModel::restart_sequence(DecoderSequence& sequence, std::shared_ptr<const EncodedWindow> window) const {
  state_->decoder.restart_sequence(sequence, std::move(window));
}

void WhisperModel::copy_sequence(DecoderSequence& to, const DecoderSequence& from) const {
  state_->decoder.copy_sequence(to, from);
}

void WhisperModel::decode(std::span<const DecodeItem> items) const { state_->decoder.run(items); }

device::RowSummary WhisperModel::summarise(std::span<const float> logits) const {
  return state_->backend.summarise(logits);
}

void WhisperModel::align(std::span<const AlignmentItem> items, const AlignmentRequest& request) const {
  state_->decoder.align(items, request);
}

}  // namespace amanuensis::model
