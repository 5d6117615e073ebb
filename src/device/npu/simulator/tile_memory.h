// The data memory of one simulated compute tile: scratch and the elements of every FIFO, each between red zones.
// Outputs are poisoned before a kernel sees them, so that what it leaves unwritten shows. Owned by one thread at a
// time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

class TileMemory {
 public:
  // Throws Error{kResourceExhausted} naming every part in bytes when the kernel does not fit into a tile.
  explicit TileMemory(const KernelSpec& spec);

  // The element of a FIFO that is next in turn; with a depth of 2 they alternate.
  std::byte* next(std::size_t fifo);
  std::byte* scratch() { return memory_.data() + scratch_at_; }

  // Fills the first bytes of a FIFO's element, which next() has returned, with a pattern that no kernel writes.
  void poison(std::byte* element, std::size_t bytes) const;
  // Rows of `row_bytes` each that are still poisoned.
  std::size_t poisoned_rows(const std::byte* element, std::size_t rows, std::size_t row_bytes) const;

  // Empty, or which buffer a kernel wrote beyond.
  std::string damage() const;

 private:
  struct Region {
    std::string name;
    std::size_t at = 0;
    std::size_t bytes = 0;
  };

  std::size_t add(const std::string& name, std::size_t bytes);
  void fill_zones();

  std::vector<Region> regions_;
  std::size_t size_ = 0;
  std::size_t scratch_at_ = 0;
  std::vector<std::vector<std::size_t>> elements_;  // of each FIFO
  std::vector<std::size_t> turn_;
  AlignedBuffer<std::byte> memory_;
};

}  // namespace amanuensis::device::npu
