#include "base/zeroed_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace amanuensis {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
// Below the first, the allocator's own blocks, which are warm from earlier use, are cheaper than fresh pages. Below the
// second, a huge page would be touched for the sake of a small part of it.
constexpr std::size_t kMappedFromBytes = std::size_t{256} << 10;
constexpr std::size_t kHugeFromBytes = std::size_t{4} << 20;

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

bool is_mapped([[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  return false;  // only the allocator's blocks have red zones
#else
  return bytes >= kMappedFromBytes;
#endif
}

// What a mapping of `bytes` takes: whole pages, and whole huge ones where that wastes little.
std::size_t mapped_size(std::size_t bytes) {
  const std::size_t huge = round_up(bytes, kHugePageBytes);
  return bytes >= kHugeFromBytes && huge - bytes <= bytes / 16 ? huge : round_up(bytes, kPageBytes);
}

void* map_pages(std::size_t bytes) {
  const std::size_t size = mapped_size(bytes);
  if (bytes < kHugeFromBytes) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
  }
  // More than needed, so that an address on a huge page's boundary is among it; what is around it goes back.
  const std::size_t reserved = size + kHugePageBytes;
  void* memory = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(memory);
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t before = round_up(address, kHugePageBytes) - address;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + size, reserved - before - size);
#ifdef MADV_HUGEPAGE
  // Refused where the system has none: ordinary pages do as well, only slower.
  ::madvise(begin + before, size / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
#endif
  return begin + before;
}

}  // namespace

void* allocate_zeroed(std::size_t bytes) {
  // So that no sum below overflows.
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  if (is_mapped(bytes)) {
    void* memory = map_pages(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  const std::size_t size = round_up(bytes, kBufferAlignmentBytes);
  void* memory = std::aligned_alloc(kBufferAlignmentBytes, size);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, size);
  return memory;
}

void free_zeroed(void* memory, std::size_t bytes) noexcept {
  if (is_mapped(bytes)) {
    ::munmap(memory, mapped_size(bytes));
  } else {
    std::free(memory);
  }
}

}  // namespace amanuensis
