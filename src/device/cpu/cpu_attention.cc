#include "device/cpu/cpu_attention.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "kernels/bfloat16.h"

namespace amanuensis::device {
namespace {

using kernels::AttentionType;

void convert(float value, float& to) { to = value; }
void convert(float value, std::uint16_t& to) { to = kernels::bfloat16_from_float(value); }

template <typename T>
void store_rows(const kernels::CacheLayout& layout, std::size_t capacity, T* head, std::size_t first,
                TensorView<const float> k, TensorView<const float> v) {
  T* values = head + layout.key_elements(capacity);
  for (std::size_t i = 0; i < k.rows(); ++i) {
    const std::span<const float> key = k.row(i);
    const std::span<const float> value = v.row(i);
    for (std::size_t d = 0; d < key.size(); ++d) {
      convert(key[d], head[layout.key_index(first + i, d)]);
      convert(value[d], values[layout.value_index(first + i, d)]);
    }
  }
}

}  // namespace

CpuKvCache::CpuKvCache(AttentionType type, std::size_t capacity, std::size_t heads, std::size_t head_dim)
    : type_(type), capacity_(capacity), heads_(heads), head_dim_(head_dim), layout_(type, capacity, head_dim) {
  if (type == AttentionType::kFloat32) {
    float_ = AlignedBuffer<float>(heads * layout_.head_elements());
  } else {
    bfloat_ = AlignedBuffer<std::uint16_t>(heads * layout_.head_elements());
  }
}

const void* CpuKvCache::keys(std::size_t head) const {
  const std::size_t at = head * layout_.head_elements();
  return type_ == AttentionType::kFloat32 ? static_cast<const void*>(float_.data() + at) : bfloat_.data() + at;
}

const void* CpuKvCache::values(std::size_t head) const {
  const std::size_t at = head * layout_.head_elements() + layout_.key_elements(capacity_);
  return type_ == AttentionType::kFloat32 ? static_cast<const void*>(float_.data() + at) : bfloat_.data() + at;
}

void CpuKvCache::write_head(std::size_t head, std::size_t first, TensorView<const float> k, TensorView<const float> v) {
  assert(head < heads_ && k.cols() == head_dim_ && first + k.rows() <= capacity_);
  const std::size_t at = head * layout_.head_elements();
  if (type_ == AttentionType::kFloat32) {
    store_rows(layout_, capacity_, float_.data() + at, first, k, v);
  } else {
    store_rows(layout_, capacity_, bfloat_.data() + at, first, k, v);
  }
}

void CpuKvCache::copy_head(std::size_t head, const CpuKvCache& from, std::size_t rows) {
  assert(head < heads_ && type_ == from.type_ && head_dim_ == from.head_dim_);
  assert(rows <= capacity_ && rows <= from.capacity_);
  // Whole blocks and units: what lies past `rows` is finite in both caches and seen by nobody.
  const auto copy = [&](auto* to, const auto* source) {
    to += head * layout_.head_elements();
    source += head * from.layout_.head_elements();
    std::copy_n(source, layout_.key_elements(rows), to);
    std::copy_n(source + from.layout_.key_elements(from.capacity_), layout_.value_elements(rows),
                to + layout_.key_elements(capacity_));
  };
  if (type_ == AttentionType::kFloat32) {
    copy(float_.data(), from.float_.data());
  } else {
    copy(bfloat_.data(), from.bfloat_.data());
  }
}

void run_self_attention(ThreadPool& pool, Workspace& workspace, const kernels::SelfAttentionVariant& variant,
                        const kernels::AttentionKeys& keys, std::size_t heads, TensorView<const float> q,
                        TensorView<float> out) {
  const std::size_t dim = keys.head_dim;
  const std::size_t head_bytes = (variant.prepared_bytes(keys.frames, dim) + 63) / 64 * 64;
  workspace.reserve_shared(heads * head_bytes);
  workspace.reserve_workers(variant.scratch_bytes(dim));
  pool.parallel_for(heads, [&](std::size_t head, std::size_t /*worker*/) {
    kernels::AttentionKeys part = keys;
    part.k += head * dim;
    part.v += head * dim;
    variant.prepare(part, workspace.shared() + head * head_bytes);
  });
  const std::size_t blocks = (q.rows() + variant.query_block - 1) / variant.query_block;
  pool.parallel_for(heads * blocks, [&](std::size_t i, std::size_t worker) {
    const std::size_t head = i / blocks;
    const std::size_t first = i % blocks * variant.query_block;
    variant.run({.prepared = workspace.shared() + head * head_bytes,
                 .frames = keys.frames,
                 .head_dim = dim,
                 .q = q.data() + first * q.stride() + head * dim,
                 .q_stride = q.stride(),
                 .rows = std::min(variant.query_block, q.rows() - first),
                 .out = out.data() + first * out.stride() + head * dim,
                 .out_stride = out.stride(),
                 .scratch = workspace.worker(worker)});
  });
}

void run_cached_attention(ThreadPool& pool, Workspace& workspace, const kernels::CachedAttentionVariant& variant,
                          std::span<const CachedAttention> items, std::size_t heads) {
  std::size_t scratch = 0;
  for (const CachedAttention& item : items) {
    const std::size_t keys = item.visible + (item.causal && item.q.rows() > 0 ? item.q.rows() - 1 : 0);
    assert(item.cache != nullptr && keys <= item.cache->capacity());
    const std::size_t dim = static_cast<const CpuKvCache&>(*item.cache).head_dim();
    scratch = std::max(scratch, kernels::cached_attention_scratch(keys, dim));
  }
  workspace.reserve_workers(scratch * sizeof(float));
  pool.parallel_for(items.size() * heads, [&](std::size_t i, std::size_t worker) {
    const CachedAttention& item = items[i / heads];
    const std::size_t head = i % heads;
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    const std::size_t dim = cache.head_dim();
    variant.run({.keys = cache.keys(head),
                 .values = cache.values(head),
                 .head_dim = dim,
                 .q = item.q.data() + head * dim,
                 .q_stride = item.q.stride(),
                 .rows = item.q.rows(),
                 .visible = item.visible,
                 .causal = item.causal,
                 .out = item.out.data() + head * dim,
                 .out_stride = item.out.stride(),
                 .scratch = reinterpret_cast<float*>(workspace.worker(worker))});
  });
}

void run_attention_map(ThreadPool& pool, Workspace& workspace, const kernels::AttentionMapVariant& variant,
                       std::span<const AttentionMap> items) {
  std::size_t scratch = 0;
  std::vector<std::pair<std::size_t, std::size_t>> tasks;  // item, and which of its chosen heads
  for (std::size_t i = 0; i < items.size(); ++i) {
    const AttentionMap& item = items[i];
    assert(item.cache != nullptr && item.visible <= item.cache->capacity());
    assert(item.weights.rows() == item.chosen.size() * item.q.rows() && item.weights.cols() == item.visible);
    const std::size_t dim = static_cast<const CpuKvCache&>(*item.cache).head_dim();
    scratch = std::max(scratch, kernels::cached_attention_scratch(item.visible, dim));
    for (std::size_t h = 0; h < item.chosen.size(); ++h) tasks.emplace_back(i, h);
  }
  workspace.reserve_workers(scratch * sizeof(float));
  pool.parallel_for(tasks.size(), [&](std::size_t t, std::size_t worker) {
    const auto [i, h] = tasks[t];
    const AttentionMap& item = items[i];
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    const std::size_t head = item.chosen[h];
    variant.run({.keys = cache.keys(head),
                 .head_dim = cache.head_dim(),
                 .q = item.q.data() + head * cache.head_dim(),
                 .q_stride = item.q.stride(),
                 .rows = item.q.rows(),
                 .visible = item.visible,
                 .map = item.weights.data() + h * item.q.rows() * item.weights.stride(),
                 .map_stride = item.weights.stride(),
                 .scratch = reinterpret_cast<float*>(workspace.worker(worker))});
  });
}

}  // namespace amanuensis::device
