// Memory for AlignedBuffer: zeroed, aligned to a cache line. Large blocks come straight from the system, page by page
// as they are first touched: whoever fills a part first pays for it (and in parallel, if several do), and what nobody
// touches costs nothing. Very large ones ask for huge pages, which a stream of reads crosses with 512 times fewer
// translations. Thread-safe.
#pragma once

#include <cstddef>

namespace amanuensis {

inline constexpr std::size_t kBufferAlignmentBytes = 64;

// Throws std::bad_alloc. `bytes` is above zero; give the same number back to free_zeroed().
void* allocate_zeroed(std::size_t bytes);
void free_zeroed(void* memory, std::size_t bytes) noexcept;

}  // namespace amanuensis
