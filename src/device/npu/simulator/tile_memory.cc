#include "device/npu/simulator/tile_memory.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "device/npu/catalog.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kZoneBytes = 64;
constexpr std::byte kZone{0xC3};

// A byte of a pattern that repeats only after 251 bytes, so that no short run of equal outputs looks like it.
std::byte pattern(std::size_t i) { return static_cast<std::byte>(0xA5U ^ ((i % 251) * 29U)); }

}  // namespace

TileMemory::TileMemory(const KernelSpec& spec) {
  check_tile_memory(spec);
  size_ = kZoneBytes;
  scratch_at_ = add("scratch", spec.memory.scratch_bytes);
  for (const FifoSpec& fifo : spec.fifos) {
    std::vector<std::size_t>& elements = elements_.emplace_back();
    for (std::size_t i = 0; i < fifo.depth; ++i) {
      elements.push_back(add(fmt::format("{} [{}]", fifo.argument, i), fifo.element_bytes));
    }
  }
  turn_.assign(elements_.size(), 0);
  memory_ = AlignedBuffer<std::byte>(size_);
  fill_zones();
}

std::size_t TileMemory::add(const std::string& name, std::size_t bytes) {
  const std::size_t at = size_;
  regions_.push_back({name, at, bytes});
  size_ = (at + bytes + kZoneBytes + 63) / 64 * 64;
  return at;
}

void TileMemory::fill_zones() {
  std::size_t from = 0;
  for (const Region& region : regions_) {
    std::memset(memory_.data() + from, static_cast<int>(kZone), region.at - from);
    from = region.at + region.bytes;
  }
  std::memset(memory_.data() + from, static_cast<int>(kZone), size_ - from);
}

std::byte* TileMemory::next(std::size_t fifo) {
  const std::vector<std::size_t>& elements = elements_[fifo];
  const std::size_t at = elements[turn_[fifo]];
  turn_[fifo] = (turn_[fifo] + 1) % elements.size();
  return memory_.data() + at;
}

void TileMemory::poison(std::byte* element, std::size_t bytes) const {
  for (std::size_t i = 0; i < bytes; ++i) element[i] = pattern(i);
}

std::size_t TileMemory::poisoned_rows(const std::byte* element, std::size_t rows, std::size_t row_bytes) const {
  std::size_t poisoned = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    std::size_t i = 0;
    while (i < row_bytes && element[r * row_bytes + i] == pattern(r * row_bytes + i)) ++i;
    if (i == row_bytes) ++poisoned;
  }
  return poisoned;
}

std::string TileMemory::damage() const {
  const auto intact = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (memory_[i] != kZone) return false;
    }
    return true;
  };
  for (const Region& region : regions_) {
    if (!intact(region.at - kZoneBytes, region.at)) return fmt::format("wrote in front of '{}'", region.name);
    const std::size_t end = region.at + region.bytes;
    if (!intact(end, end + kZoneBytes)) return fmt::format("wrote past the end of '{}'", region.name);
  }
  return {};
}

}  // namespace amanuensis::device::npu
