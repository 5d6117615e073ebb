// The CPU backend against the formulas of the port in double precision, for every instruction set this machine has and
// every compute type.
#include "device/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/kernel_data.h"

namespace amanuensis::device {
namespace {

using test::GuardedMatrix;
using test::random_values;
using test::relative_error;

class VectorSource final : public MatrixSource {
 public:
  VectorSource(std::vector<float> values, std::size_t rows, std::size_t cols)
      : values_(std::move(values)), rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(row * cols_), cols_, out.begin());
  }
  double at(std::size_t row, std::size_t col) const { return values_[row * cols_ + col]; }

 private:
  std::vector<float> values_;
  std::size_t rows_;
  std::size_t cols_;
};

class BrokenSource final : public MatrixSource {
 public:
  std::size_t rows() const override { return 100; }
  std::size_t cols() const override { return 3; }
  void read_row(std::size_t row, std::span<float> out) const override {
    if (row == 57) throw Error(ErrorCode::kBadData, "row 57 is broken");
    std::ranges::fill(out, 1.0f);
  }
};

struct Case {
  std::string isa;
  ComputeType type;
  std::size_t threads;
};

std::vector<Case> cases() {
  std::vector<Case> found;
  for (const char* isa : {"scalar", "avx2", "avx512f", "avx512_vnni", "avx512", "neon"}) {
    try {
      kernels::select_kernels(detect_cpu_features(), isa);
    } catch (const Error&) {
      continue;  // not on this machine
    }
    for (const ComputeType type : {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
      for (const std::size_t threads : {1, 3}) found.push_back({isa, type, threads});
    }
  }
  return found;
}

double gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))); }

class CpuBackendTest : public testing::TestWithParam<Case> {
 protected:
  // Relative error of a whole result (Frobenius) that the type's rounding explains, with a margin of about three.
  double tolerance() const {
    switch (GetParam().type) {
      case ComputeType::kFloat32:
        return 2e-6;
      case ComputeType::kBFloat16:
        return 1e-2;
      case ComputeType::kInt8:
        return 2.5e-2;
    }
    return 0;
  }

  ThreadPool pool_{GetParam().threads};
  std::unique_ptr<Backend> backend_ =
      make_cpu_backend({.pool = pool_,
                        .kernels = kernels::select_kernels(detect_cpu_features(), GetParam().isa),
                        .compute_type = GetParam().type});
};

TEST_P(CpuBackendTest, SaysWhatItIs) {
  EXPECT_NE(backend_->description().find(GetParam().isa), std::string::npos) << backend_->description();
  EXPECT_EQ(backend_->compute_type(), GetParam().type);
}

TEST_P(CpuBackendTest, NormLinearGivesTheBitsOfLayerNormThenLinear) {
  constexpr std::size_t kOut = 50;
  for (const std::size_t in : {1, 33, 130}) {
    const VectorSource weight(random_values(kOut * in, 1), kOut, in);
    const std::vector<float> bias = random_values(kOut, 2);
    const std::vector<float> gamma = random_values(in, 5);
    const std::vector<float> beta = random_values(in, 6);
    const auto weights = backend_->prepare_linear(weight, bias);
    for (const std::size_t rows : {1, 2, 13, 200}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << in);
      GuardedMatrix x(rows, in, in + 3);
      x.fill_random(3);
      GuardedMatrix normed(rows, in, in + 1);
      GuardedMatrix expected(rows, kOut, kOut + 5);
      GuardedMatrix y(rows, kOut, kOut + 5);
      backend_->layer_norm(x.view(), gamma, beta, normed.view());
      backend_->linear(*weights, normed.view(), expected.view(), {.gelu = true});
      backend_->norm_linear(*weights, {gamma, beta}, x.view(), y.view(), {.gelu = true});
      EXPECT_TRUE(y.guards_intact());
      for (std::size_t r = 0; r < rows; ++r) EXPECT_TRUE(std::ranges::equal(y.view().row(r), expected.view().row(r)));
    }
  }
}

TEST_P(CpuBackendTest, LinearComputesItsFormula) {
  for (const std::size_t rows : {1, 2, 13, 200}) {
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{1, 1}, {7, 33}, {64, 96}, {130, 31}}) {
      for (const int variation : {0, 1, 2, 3}) {
        SCOPED_TRACE(testing::Message() << rows << " x " << in << " -> " << out << " variation " << variation);
        const bool use_gelu = (variation & 1) != 0;
        const bool use_residual = (variation & 2) != 0;
        const VectorSource weight(random_values(out * in, 1), out, in);
        const std::vector<float> bias = random_values(out, 2);
        GuardedMatrix x(rows, in, in + 3);
        x.fill_random(3);
        GuardedMatrix y(rows, out, out + 5);
        GuardedMatrix residual(rows, out, out + 2);
        residual.fill_random(4);
        const auto weights = backend_->prepare_linear(weight, use_residual ? std::span<const float>{} : bias);
        backend_->linear(*weights, x.view(), y.view(),
                         {.gelu = use_gelu,
                          .residual = use_residual ? residual.data() : nullptr,
                          .residual_stride = residual.view().stride()});
        std::vector<double> expected;
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t o = 0; o < out; ++o) {
            double sum = use_residual ? 0.0 : bias[o];
            for (std::size_t i = 0; i < in; ++i) sum += x.view()(r, i) * weight.at(o, i);
            if (use_gelu) sum = gelu(sum);
            if (use_residual) sum += residual.view()(r, o);
            expected.push_back(sum);
          }
        }
        EXPECT_LE(relative_error(y.view(), expected), tolerance());
        EXPECT_TRUE(y.guards_intact());
      }
    }
  }
}

TEST_P(CpuBackendTest, LinearAddsAResidualThatIsItsOwnOutput) {
  const std::size_t rows = 50;
  const std::size_t size = 40;
  const VectorSource weight(random_values(size * size, 1), size, size);
  GuardedMatrix x(rows, size);
  x.fill_random(3);
  GuardedMatrix y(rows, size);
  y.fill_random(4);
  std::vector<double> expected;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < size; ++o) {
      double sum = y.view()(r, o);
      for (std::size_t i = 0; i < size; ++i) sum += x.view()(r, i) * weight.at(o, i);
      expected.push_back(sum);
    }
  }
  const auto weights = backend_->prepare_linear(weight, {});
  backend_->linear(*weights, x.view(), y.view(), {.residual = y.data(), .residual_stride = size});
  EXPECT_LE(relative_error(y.view(), expected), tolerance());
}

TEST_P(CpuBackendTest, AWeightThatCannotBeReadIsTheCallersError) {
  EXPECT_THROW(backend_->prepare_linear(BrokenSource(), {}), Error);
}

TEST_P(CpuBackendTest, ConvolutionComputesItsFormula) {
  for (const std::size_t stride : {1, 2}) {
    for (const std::size_t frames : {1, 2, 5, 64, 301}) {
      for (const bool strided_rows : {false, true}) {
        SCOPED_TRACE(testing::Message() << frames << " frames, stride " << stride << " strided " << strided_rows);
        const ConvShape shape = {.in_channels = 11, .kernel = 3, .stride = stride, .padding = 1};
        const std::size_t out = 37;
        const std::size_t out_frames = (frames + 2 - 3) / stride + 1;
        const VectorSource weight(random_values(out * 33, 1), out, 33);
        const std::vector<float> bias = random_values(out, 2);
        GuardedMatrix x(frames, 11, strided_rows ? 14 : 11);
        x.fill_random(3);
        GuardedMatrix y(out_frames, out, out + 1);
        const auto weights = backend_->prepare_conv1d(weight, bias, shape);
        backend_->conv1d_gelu(*weights, x.view(), y.view());
        std::vector<double> expected;
        for (std::size_t t = 0; t < out_frames; ++t) {
          for (std::size_t o = 0; o < out; ++o) {
            double sum = bias[o];
            for (std::size_t c = 0; c < 11; ++c) {
              for (std::size_t k = 0; k < 3; ++k) {
                const std::size_t at = t * stride + k;
                if (at >= 1 && at - 1 < frames) sum += weight.at(o, c * 3 + k) * x.view()(at - 1, c);
              }
            }
            expected.push_back(gelu(sum));
          }
        }
        EXPECT_LE(relative_error(y.view(), expected), tolerance());
        EXPECT_TRUE(y.guards_intact());
      }
    }
  }
}

TEST_P(CpuBackendTest, LayerNormWorksInPlace) {
  for (const std::size_t rows : {1, 3, 40}) {
    const std::size_t cols = 51;
    GuardedMatrix x(rows, cols, cols + 4);
    x.fill_random(1, -3.0f, 5.0f);
    const std::vector<float> gamma = random_values(cols, 2);
    const std::vector<float> beta = random_values(cols, 3);
    std::vector<double> expected;
    for (std::size_t r = 0; r < rows; ++r) {
      double mean = 0;
      for (const float value : x.view().row(r)) mean += value / static_cast<double>(cols);
      double variance = 0;
      for (const float value : x.view().row(r)) variance += (value - mean) * (value - mean) / static_cast<double>(cols);
      for (std::size_t c = 0; c < cols; ++c) {
        expected.push_back((x.view()(r, c) - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c]);
      }
    }
    backend_->layer_norm(x.view(), gamma, beta, x.view());
    EXPECT_LE(relative_error(x.view(), expected), 1e-6);
    EXPECT_TRUE(x.guards_intact());
  }
}

// softmax(q k^T / sqrt(dim)) v for one query row over `keys` rows of one head.
void expect_attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v, std::size_t row,
                      std::size_t head, std::size_t dim, std::size_t keys, std::vector<double>& expected) {
  std::vector<double> scores(keys);
  double largest = -1e300;
  for (std::size_t j = 0; j < keys; ++j) {
    double sum = 0;
    for (std::size_t d = 0; d < dim; ++d) sum += static_cast<double>(q(row, head * dim + d)) * k(j, head * dim + d);
    scores[j] = sum / std::sqrt(static_cast<double>(dim));
    largest = std::max(largest, scores[j]);
  }
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - largest);
  for (std::size_t d = 0; d < dim; ++d) {
    double sum = 0;
    for (std::size_t j = 0; j < keys; ++j) sum += scores[j] / total * v(j, head * dim + d);
    expected.push_back(sum);
  }
}

TEST_P(CpuBackendTest, SelfAttentionReadsAFusedProjection) {
  for (const std::size_t dim : {8, 20, 64}) {
    for (const std::size_t frames : {1, 33, 205}) {
      const std::size_t heads = 3;
      const std::size_t width = heads * dim;
      SCOPED_TRACE(testing::Message() << "head size " << dim << ", " << frames << " frames");
      GuardedMatrix fused(frames, 3 * width);
      fused.fill_random(5, -2.0f, 2.0f);
      const TensorView<const float> q = fused.view().cols_at(0, width);
      const TensorView<const float> k = fused.view().cols_at(width, width);
      const TensorView<const float> v = fused.view().cols_at(2 * width, width);
      GuardedMatrix out(frames, width, width + 7);
      backend_->self_attention(q, k, v, heads, out.view());
      std::vector<double> expected;
      for (std::size_t row = 0; row < frames; ++row) {
        for (std::size_t head = 0; head < heads; ++head) expect_attention(q, k, v, row, head, dim, frames, expected);
      }
      EXPECT_LE(relative_error(out.view(), expected), tolerance());
      EXPECT_TRUE(out.guards_intact());
    }
  }
}

TEST_P(CpuBackendTest, SelfAttentionSurvivesLargeScores) {
  const std::size_t frames = 40;
  GuardedMatrix q(frames, 16);
  GuardedMatrix k(frames, 16);
  GuardedMatrix v(frames, 16);
  q.fill_random(1, -60.0f, 60.0f);
  k.fill_random(2, -60.0f, 60.0f);
  v.fill_random(3);
  GuardedMatrix out(frames, 16);
  backend_->self_attention(q.view(), k.view(), v.view(), 1, out.view());
  for (std::size_t r = 0; r < frames; ++r) {
    for (const float value : out.view().row(r)) EXPECT_LE(std::abs(value), 1.01f);
  }
}

TEST_P(CpuBackendTest, CachedAttentionOfSeveralSequencesSeesEachItsOwnCache) {
  for (const std::size_t dim : {8, 20, 64}) {
    const std::size_t heads = 2;
    const std::size_t width = heads * dim;
    const std::size_t capacity = 100;
    struct Sequence {
      std::size_t rows;
      std::size_t visible;
      bool causal;
    };
    const std::vector<Sequence> sequences = {
        {1, 1, true}, {4, 1, true}, {1, 33, true}, {3, 100, false}, {35, 60, true}};
    std::vector<std::unique_ptr<KvCache>> caches;
    std::vector<GuardedMatrix> k, v, q, out;
    std::vector<CachedAttention> items;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      for (auto* matrices : {&k, &v}) {
        matrices->emplace_back(capacity, width, width + 3);
        matrices->back().fill_random(static_cast<std::uint32_t>(10 * s + (matrices == &k ? 1 : 2)), -2.0f, 2.0f);
      }
      q.emplace_back(sequences[s].rows, width, width + 1);
      q.back().fill_random(static_cast<std::uint32_t>(10 * s + 3), -2.0f, 2.0f);
      out.emplace_back(sequences[s].rows, width, width + 2);
      auto cache = backend_->make_kv_cache(capacity, heads, dim);
      // Written in parts, as a decoder does, and through a copy, as beam search does.
      backend_->write_kv(*cache, 0, k[s].view().rows_at(0, 40), v[s].view().rows_at(0, 40));
      caches.push_back(backend_->make_kv_cache(capacity, heads, dim));
      backend_->copy_kv(*caches.back(), *cache, 40);
      backend_->write_kv(*caches.back(), 40, k[s].view().rows_at(40, 1), v[s].view().rows_at(40, 1));
      backend_->write_kv(*caches.back(), 41, k[s].view().rows_at(41, 59), v[s].view().rows_at(41, 59));
    }
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      items.push_back({.cache = caches[s].get(),
                       .q = q[s].view(),
                       .out = out[s].view(),
                       .visible = sequences[s].visible,
                       .causal = sequences[s].causal});
    }
    backend_->cached_attention(items, heads);
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      std::vector<double> expected;
      for (std::size_t row = 0; row < sequences[s].rows; ++row) {
        const std::size_t keys = sequences[s].visible + (sequences[s].causal ? row : 0);
        for (std::size_t head = 0; head < heads; ++head) {
          expect_attention(q[s].view(), k[s].view(), v[s].view(), row, head, dim, keys, expected);
        }
      }
      EXPECT_LE(relative_error(out[s].view(), expected), tolerance()) << "sequence " << s << ", head size " << dim;
      EXPECT_TRUE(out[s].guards_intact());
    }
  }
}

TEST_P(CpuBackendTest, EmptyCallsDoNothing) {
  const VectorSource weight(random_values(6, 1), 2, 3);
  const auto weights = backend_->prepare_linear(weight, {});
  backend_->linear(*weights, TensorView<const float>(nullptr, 0, 3), TensorView<float>(nullptr, 0, 2), {});
  backend_->cached_attention({}, 4);
  SUCCEED();
}

INSTANTIATE_TEST_SUITE_P(All, CpuBackendTest, testing::ValuesIn(cases()), [](const auto& tested) {
  return tested.param.isa + "_" + std::string(to_string(tested.param.type)) + "_" +
         std::to_string(tested.param.threads) + "threads";
});

}  // namespace
}  // namespace amanuensis::device
