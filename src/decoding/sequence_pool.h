// Decoder sequences that are used again: their key/value memory is allocated once and then lent to one window after the
// other. A pool and its leases belong to one thread; the pool must outlive the leases.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "model/whisper/whisper_model.h"

namespace amanuensis::decoding {

class SequencePool {
 public:
  // The model must outlive the pool.
  explicit SequencePool(const model::WhisperModel& model) : model_(model) {}

  // An empty sequence of `window`: one that was given back, or a new one when there is none.
  model::DecoderSequence take(std::shared_ptr<const model::EncodedWindow> window);
  void give_back(model::DecoderSequence sequence) { idle_.push_back(std::move(sequence)); }

  // Sequences made so far, lent or not.
  std::size_t made() const { return made_; }
  std::size_t lent() const { return made_ - idle_.size(); }

 private:
  const model::WhisperModel& model_;
  std::vector<model::DecoderSequence> idle_;
  std::size_t made_ = 0;
};

// The sequences of one window. They go back to the pool, if they came from one, when this object ends.
class SequenceLease {
 public:
  // Without a pool, sequences are made and freed.
  SequenceLease(const model::WhisperModel& model, SequencePool* pool,
                std::shared_ptr<const model::EncodedWindow> window)
      : model_(&model), pool_(pool), window_(std::move(window)) {}
  SequenceLease(SequenceLease&&) = default;
  SequenceLease& operator=(SequenceLease&&) = delete;
  ~SequenceLease() { clear(); }

  // Appends an empty sequence.
  void add() { sequences_.push_back(pool_ != nullptr ? pool_->take(window_) : model_->new_sequence(window_)); }
  void clear() {
    if (pool_ != nullptr) {
      for (model::DecoderSequence& sequence : sequences_) pool_->give_back(std::move(sequence));
    }
    sequences_.clear();
  }
  std::size_t size() const { return sequences_.size(); }
  model::DecoderSequence& operator[](std::size_t i) { return sequences_[i]; }
  // Puts sequence order[i] into place i; `order` names each sequence once.
  void reorder(const std::vector<std::size_t>& order);

 private:
  const model::WhisperModel* model_;
  SequencePool* pool_;
  std::shared_ptr<const model::EncodedWindow> window_;
  std::vector<model::DecoderSequence> sequences_;
};

}  // namespace amanuensis::decoding
