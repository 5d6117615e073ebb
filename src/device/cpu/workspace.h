// Scratch memory of one backend: one buffer for each worker and one that they share. Buffers only grow, and only
// between parallel sections, so that the hot path allocates nothing once it has seen its largest call.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/backend.h"

namespace amanuensis::device {

class Workspace {
 public:
  explicit Workspace(std::size_t workers) : workers_(workers) {}

  // Throws std::bad_alloc. Earlier contents are lost when a buffer grows.
  void reserve_workers(std::size_t bytes) {
    for (auto& buffer : workers_) grow(buffer, bytes);
  }
  void reserve_shared(std::size_t bytes) { grow(shared_, bytes); }

  std::byte* worker(std::size_t index) { return workers_[index].data(); }
  // Items of an attention call after neighbours were joined; kept for its memory.
  std::vector<CachedAttention>& cached_attention_items() { return cached_attention_items_; }

  std::byte* shared() { return shared_.data(); }

 private:
  static void grow(AlignedBuffer<std::byte>& buffer, std::size_t bytes) {
    if (buffer.size() < bytes) buffer = AlignedBuffer<std::byte>(bytes);
  }

  std::vector<AlignedBuffer<std::byte>> workers_;
  AlignedBuffer<std::byte> shared_;
  std::vector<CachedAttention> cached_attention_items_;
};

}  // namespace amanuensis::device
