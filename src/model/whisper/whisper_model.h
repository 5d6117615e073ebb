// The Whisper forward pass (Radford et al. 2022; openai/whisper, model.py), written once against the backend port.
// A WhisperModel is immutable and shared; what belongs to one window (EncodedWindow) or one running sequence
// (DecoderSequence) is state of the request. Calls are made by one thread at a time, as the backend asks.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"
#include "device/backend.h"
#include "model/checkpoint/checkpoint.h"
#include "model/whisper/alignment.h"

namespace amanuensis::model {

// One window after the encoder: the cross-attention keys and values of every decoder layer.
class EncodedWindow {
 public:
  explicit EncodedWindow(std::vector<std::unique_ptr<device::KvCache>> layers, std::size_t positions)
      : layers_(std::move(layers)), positions_(positions) {}
  const device::KvCache& layer(std::size_t i) const { return *layers_[i]; }
  std::size_t layers() const { return layers_.size(); }  // one for each of the model's decoder layers
  std::size_t positions() const { return positions_; }

 private:
  friend class Decoder;
  std::vector<std::unique_ptr<device::KvCache>> layers_;
  std::size_t positions_;
};

// One sequence being decoded: its window and its self-attention keys and values. Owned by one request.
class DecoderSequence {
 public:
  DecoderSequence(std::shared_ptr<const EncodedWindow> window, std::vector<std::unique_ptr<device::KvCache>> layers)
      : window_(std::move(window)), layers_(std::move(layers)) {}
  // Tokens fed so far; the next token takes this position.
  std::size_t length() const { return length_; }
  // Forgets all tokens from position `length` on. Throws Error{kInvalidArgument} when there are fewer.
  void truncate(std::size_t length);
  const EncodedWindow& window() const { return *window_; }

 private:
  friend class Decoder;
  std::shared_ptr<const EncodedWindow> window_;
  std::vector<std::unique_ptr<device::KvCache>> layers_;
  std::size_t length_ = 0;
};

// One sequence's part in a batched decoder call.
struct DecodeItem {
  DecoderSequence* sequence = nullptr;
  std::span<const TokenId> tokens;  // fed after what the sequence holds; at least one
  // [1, n_vocab]: receives the logits after the last token; or [tokens.size(), n_vocab]: after every token.
  TensorView<float> logits;
};

class WhisperModel {
 public:
  // Packs the weights. The backend must outlive the model; the checkpoint is not needed afterwards.
  // Throws Error{kBadData} naming file and tensor: missing, misshapen or with a value that is not finite.
  WhisperModel(const Checkpoint& checkpoint, device::Backend& backend);
  ~WhisperModel();
  WhisperModel(const WhisperModel&) = delete;
  WhisperModel& operator=(const WhisperModel&) = delete;

  const ModelDimensions& dims() const;

  // Encoder output [n_audio_ctx, n_audio_state] of one log-mel window [n_mels, 2 * n_audio_ctx].
  // Throws Error{kInvalidArgument} when the shape differs.
  AlignedBuffer<float> encoder_output(TensorView<const float> log_mel) const;

  // Runs the encoder over a batch of windows and computes their cross-attention keys and values. Throws as
  // encoder_output does.
  std::vector<std::shared_ptr<const EncodedWindow>> encode(std::span<const TensorView<const float>> log_mels) const;

  // Room for one window's keys and values, to be encoded into as often as the owner likes: memory that is allocated
  // once.
  std::shared_ptr<EncodedWindow> new_window() const;
  // As encode(), into windows that new_window() has made, one for each log-mel. Nobody may be using what they held.
  void encode_into(std::span<const TensorView<const float>> log_mels,
                   std::span<const std::shared_ptr<EncodedWindow>> windows) const;

  DecoderSequence new_sequence(std::shared_ptr<const EncodedWindow> window) const;
  // Makes a sequence of this model one that new_sequence(window) would return, without allocating. Throws as
  // new_sequence does.
  void restart_sequence(DecoderSequence& sequence, std::shared_ptr<const EncodedWindow> window) const;
  // Makes `to` hold what `from` holds. Throws Error{kInvalidArgument} when their windows differ.
  void copy_sequence(DecoderSequence& to, const DecoderSequence& from) const;

  // Feeds every item's tokens and writes its logits. Sequences must be distinct.
  // Throws Error{kInvalidArgument} when a sequence would grow past n_text_ctx or a token is outside the vocabulary.
  void decode(std::span<const DecodeItem> items) const;

  // The largest of a row of logits, and what they are to be divided by: see the backend. May be called from any thread,
  // by several at once.
  device::RowSummary summarise(std::span<const float> logits) const;

  // Runs whole sequences of known tokens at once, and says what the request's heads look at and how probable the tokens
  // are. The vocabulary is multiplied only for tokens whose probability is asked for.
  // Throws Error{kInvalidArgument} as decode() does, and for heads, positions or shapes that do not fit the model.
  void align(std::span<const AlignmentItem> items, const AlignmentRequest& request) const;

 private:
  struct State;
  std::unique_ptr<State> state_;  // the packed weights, and the workspace of the call in progress
};

}  // namespace amanuensis::model
