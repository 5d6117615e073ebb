// Attention of the CPU backend: key/value caches and how heads are shared out among threads. A cache belongs to one
// sequence or window; the compute functions use the pool and the workspace of one backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "device/backend.h"
#include "device/cpu/workspace.h"
#include "kernels/attention/attention_map.h"
#include "kernels/attention/cache_rows.h"
#include "kernels/attention/cached_attention.h"
#include "kernels/attention/self_attention.h"

namespace amanuensis::device {

// Every head's keys and values in the layout of kernels/attention/cached_attention.h.
class CpuKvCache final : public KvCache {
 public:
  CpuKvCache(kernels::AttentionType type, std::size_t capacity, std::size_t heads, std::size_t head_dim);
  // Several in one piece of memory, which lives as long as one of them does: large enough for huge pages.
  static std::vector<std::unique_ptr<KvCache>> make_several(std::size_t count, kernels::AttentionType type,
                                                            std::size_t capacity, std::size_t heads,
                                                            std::size_t head_dim);

  std::size_t capacity() const override { return layout_.capacity(); }
  std::size_t heads() const { return heads_; }
  std::size_t head_dim() const { return layout_.head_dim(); }
  kernels::AttentionType type() const { return type_; }
  const kernels::CacheLayout& layout() const { return layout_; }
  const std::byte* head(std::size_t index) const { return memory_.get() + index * layout_.head_bytes(); }
  const float* key_steps(std::size_t head) const;
  const float* value_steps(std::size_t head) const;

  // Stores one head's columns of k and v as rows [first, first + k.rows()).
  void write_head(std::size_t head, std::size_t first, TensorView<const float> k, TensorView<const float> v,
                  const kernels::CacheGroupsVariant& groups);
  // Copies one head's first `rows` rows from a cache of the same type and head_dim.
  void copy_head(std::size_t head, const CpuKvCache& from, std::size_t rows);

 private:
  CpuKvCache(kernels::AttentionType type, std::size_t heads, const kernels::CacheLayout& layout,
             std::shared_ptr<std::byte> memory)
      : type_(type), heads_(heads), layout_(layout), memory_(std::move(memory)) {}

  kernels::AttentionType type_;
  std::size_t heads_;
  kernels::CacheLayout layout_;
  std::shared_ptr<std::byte> memory_;  // heads
};

// As Backend::self_attention.
void run_self_attention(ThreadPool& pool, Workspace& workspace, const kernels::SelfAttentionVariant& variant,
                        const kernels::AttentionKeys& keys, std::size_t heads, TensorView<const float> q,
                        TensorView<float> out);

struct CachedAttentionKernels {
  const kernels::CachedAttentionVariant& attention;
  const kernels::CacheGroupsVariant& groups;  // for what is appended to int8 caches
};

// As Backend::cached_attention.
void run_cached_attention(ThreadPool& pool, Workspace& workspace, const CachedAttentionKernels& kernels,
                          std::span<const CachedAttention> items, std::size_t heads);

// As Backend::attention_map. The variant is of the cache's type, or float32 for an int8 cache.
void run_attention_map(ThreadPool& pool, Workspace& workspace, const kernels::AttentionMapVariant& variant,
                       std::span<const AttentionMap> items);

}  // namespace amanuensis::device
