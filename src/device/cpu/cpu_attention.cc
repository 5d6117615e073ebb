#include "device/cpu/cpu_attention.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace amanuensis::device {
namespace {

using kernels::AttentionType;

const float* floats_at(const std::byte* bytes) { return reinterpret_cast<const float*>(bytes); }

std::shared_ptr<std::byte> shared_bytes(std::size_t bytes) {
  auto buffer = std::make_shared<AlignedBuffer<std::byte>>(bytes);
  return {buffer, buffer->data()};
}

// Neighbouring items that look at the same rows of one cache, and whose queries and results lie one row below the other
// as those of beams do, become one: the cache is then read once for all of them.
void join_items(std::span<const CachedAttention> items, std::vector<CachedAttention>& joined) {
  joined.clear();
  for (const CachedAttention& item : items) {
    if (!joined.empty()) {
      CachedAttention& last = joined.back();
      const std::size_t rows = last.q.rows();
      const bool same_keys = last.cache == item.cache && last.visible == item.visible && !last.causal && !item.causal;
      const bool below = last.q.stride() == item.q.stride() && last.q.cols() == item.q.cols() &&
                         item.q.data() == last.q.data() + rows * last.q.stride() &&
                         last.out.stride() == item.out.stride() &&
                         item.out.data() == last.out.data() + rows * last.out.stride();
      if (same_keys && below) {
        last.q = {last.q.data(), rows + item.q.rows(), last.q.cols(), last.q.stride()};
        last.out = {last.out.data(), rows + item.q.rows(), last.out.cols(), last.out.stride()};
        continue;
      }
    }
    joined.push_back(item);
  }
}

}  // namespace

CpuKvCache::CpuKvCache(AttentionType type, std::size_t capacity, std::size_t heads, std::size_t head_dim)
    : type_(type),
      heads_(heads),
      layout_(type, capacity, head_dim),
      memory_(shared_bytes(heads * layout_.head_bytes())) {}

std::vector<std::unique_ptr<KvCache>> CpuKvCache::make_several(std::size_t count, AttentionType type,
                                                               std::size_t capacity, std::size_t heads,
                                                               std::size_t head_dim) {
  const kernels::CacheLayout layout(type, capacity, head_dim);
  const std::size_t cache_bytes = heads * layout.head_bytes();
  const std::shared_ptr<std::byte> memory = shared_bytes(count * cache_bytes);
  std::vector<std::unique_ptr<KvCache>> caches;
  caches.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::shared_ptr<std::byte> part(memory, memory.get() + i * cache_bytes);
    caches.push_back(std::unique_ptr<KvCache>(new CpuKvCache(type, heads, layout, part)));
  }
  return caches;
}

const float* CpuKvCache::key_steps(std::size_t head_index) const {
  return layout_.has_steps() ? floats_at(head(head_index) + layout_.key_steps_offset()) : nullptr;
}

const float* CpuKvCache::value_steps(std::size_t head_index) const {
  return layout_.has_steps() ? floats_at(head(head_index) + layout_.value_steps_offset()) : nullptr;
}

void CpuKvCache::write_head(std::size_t head, std::size_t first, TensorView<const float> k, TensorView<const float> v,
                            const kernels::CacheGroupsVariant& groups) {
  assert(head < heads_);
  kernels::store_cache_rows(type_, layout_, memory_.get() + head * layout_.head_bytes(), first, k, v, &groups);
}

void CpuKvCache::copy_head(std::size_t index, const CpuKvCache& from, std::size_t rows) {
  assert(index < heads_ && type_ == from.type_);
  kernels::copy_cache_rows(layout_, memory_.get() + index * layout_.head_bytes(), from.layout_, from.head(index), rows);
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

void run_cached_attention(ThreadPool& pool, Workspace& workspace, const CachedAttentionKernels& kernels,
                          std::span<const CachedAttention> items, std::size_t heads) {
  const kernels::CachedAttentionVariant& variant = kernels.attention;
  std::vector<CachedAttention>& joined = workspace.cached_attention_items();
  join_items(items, joined);
  std::size_t scratch = 0;
  for (const CachedAttention& item : joined) {
    const std::size_t keys = item.visible + (item.causal && item.q.rows() > 0 ? item.q.rows() - 1 : 0);
    assert(item.cache != nullptr && keys <= item.cache->capacity());
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    assert(cache.type() == variant.type && cache.heads() == heads);
    scratch = std::max(scratch, kernels::cached_attention_scratch(keys, cache.head_dim()));
  }
  workspace.reserve_workers(scratch * sizeof(float));
  pool.parallel_for(joined.size() * heads, [&](std::size_t i, std::size_t worker) {
    const CachedAttention& item = joined[i / heads];
    const std::size_t head = i % heads;
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    const std::size_t dim = cache.head_dim();
    if (item.append_to != nullptr) {
      assert(item.append_to == item.cache && item.visible > 0);
      static_cast<CpuKvCache*>(item.append_to)
          ->write_head(head, item.visible - 1, item.k.cols_at(head * dim, dim), item.v.cols_at(head * dim, dim),
                       kernels.groups);
    }
    variant.run({.keys = cache.head(head),
                 .values = cache.head(head) + cache.layout().values_offset(),
                 .key_steps = cache.key_steps(head),
                 .value_steps = cache.value_steps(head),
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
  std::size_t unpacked =
      0;  // floats for the keys of an int8 cache, for which there is no variant: few heads are asked for
  std::vector<std::pair<std::size_t, std::size_t>> tasks;  // item, and which of its chosen heads
  for (std::size_t i = 0; i < items.size(); ++i) {
    const AttentionMap& item = items[i];
    assert(item.cache != nullptr && item.visible <= item.cache->capacity());
    assert(item.weights.rows() == item.chosen.size() * item.q.rows() && item.weights.cols() == item.visible);
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    assert(cache.type() == variant.type || cache.type() == AttentionType::kInt8);
    scratch = std::max(scratch, kernels::cached_attention_scratch(item.visible, cache.head_dim()));
    if (cache.type() != variant.type) {
      const kernels::CacheLayout floats(variant.type, item.visible, cache.head_dim());
      unpacked = std::max(unpacked, floats.key_elements(item.visible));
    }
    for (std::size_t h = 0; h < item.chosen.size(); ++h) tasks.emplace_back(i, h);
  }
  workspace.reserve_workers((scratch + unpacked) * sizeof(float));
  pool.parallel_for(tasks.size(), [&](std::size_t t, std::size_t worker) {
    const auto [i, h] = tasks[t];
    const AttentionMap& item = items[i];
    const auto& cache = static_cast<const CpuKvCache&>(*item.cache);
    const std::size_t head = item.chosen[h];
    auto* floats = reinterpret_cast<float*>(workspace.worker(worker));
    const void* keys = cache.head(head);
    if (unpacked > 0) {
      kernels::unpack_int8_keys(cache.layout(), cache.head(head), item.visible, floats);
      keys = floats;
    }
    variant.run({.keys = keys,
                 .head_dim = cache.head_dim(),
                 .q = item.q.data() + head * cache.head_dim(),
                 .q_stride = item.q.stride(),
                 .rows = item.q.rows(),
                 .visible = item.visible,
                 .map = item.weights.data() + h * item.q.rows() * item.weights.stride(),
                 .map_stride = item.weights.stride(),
                 .scratch = floats + unpacked});
  });
}

}  // namespace amanuensis::device
