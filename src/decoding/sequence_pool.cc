#include "decoding/sequence_pool.h"

namespace amanuensis::decoding {

model::DecoderSequence SequencePool::take(std::shared_ptr<const model::EncodedWindow> window) {
  if (idle_.empty()) {
    model::DecoderSequence made = model_.new_sequence(std::move(window));
    ++made_;
    idle_.reserve(made_);  // so that giving back never allocates
    return made;
  }
  model_.restart_sequence(idle_.back(), std::move(window));
  model::DecoderSequence sequence = std::move(idle_.back());
  idle_.pop_back();
  return sequence;
}

void SequenceLease::reorder(const std::vector<std::size_t>& order) {
  std::vector<model::DecoderSequence> arranged;
  arranged.reserve(order.size());
  for (const std::size_t place : order) arranged.push_back(std::move(sequences_[place]));
  sequences_ = std::move(arranged);
}

}  // namespace amanuensis::decoding
