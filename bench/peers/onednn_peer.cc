// oneDNN: bfloat16 (to bfloat16, float32 sums) and int8 (unsigned times signed to int32, its fastest form). Weights are
// in the layout that the library asks for; operands are already in their own type.
#include <omp.h>

#include <cstdint>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "peers.h"

namespace amanuensis::peers {
namespace {

using dnnl::memory;

// The library takes its number of threads from OpenMP, both when a product is planned and when it runs.
void use_threads(std::size_t threads) { omp_set_num_threads(static_cast<int>(threads)); }

dnnl::matmul::primitive_desc plan(const dnnl::engine& engine, const AmanuensisPeerGemm& gemm) {
  using Type = memory::data_type;
  const bool is_int8 = gemm.type == kAmanuensisPeerInt8;
  const auto rows = static_cast<memory::dim>(gemm.rows);
  const auto in = static_cast<memory::dim>(gemm.in);
  const auto out = static_cast<memory::dim>(gemm.out);
  const memory::desc x({rows, in}, is_int8 ? Type::u8 : Type::bf16, memory::format_tag::ab);
  const memory::desc weight({in, out}, is_int8 ? Type::s8 : Type::bf16, memory::format_tag::any);
  const memory::desc y({rows, out}, is_int8 ? Type::s32 : Type::bf16, memory::format_tag::ab);
  return {dnnl::matmul::desc(x, weight, y), engine};
}

memory filled(const memory::desc& description, const dnnl::engine& engine) {
  memory made(description, engine);
  // Bytes that are small numbers in every type here (as bfloat16: 0.0078).
  std::memset(made.get_data_handle(), 0x3C, description.get_size());
  return made;
}

class OneDnnProduct final : public Product {
 public:
  explicit OneDnnProduct(const AmanuensisPeerGemm& gemm)
      : threads_(gemm.threads), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    use_threads(threads_);
    const dnnl::matmul::primitive_desc planned = plan(engine_, gemm);
    product_ = dnnl::matmul(planned);
    x_ = filled(planned.src_desc(), engine_);
    y_ = filled(planned.dst_desc(), engine_);
    for (std::size_t i = 0; i < gemm.copies; ++i) weights_.push_back(filled(planned.weights_desc(), engine_));
  }

  void run() override {
    use_threads(threads_);
    product_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, weights_[next_]}, {DNNL_ARG_DST, y_}});
    stream_.wait();
    next_ = next_ + 1 == weights_.size() ? 0 : next_ + 1;
  }

 private:
  std::size_t threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul product_;
  memory x_;
  memory y_;
  std::vector<memory> weights_;
  std::size_t next_ = 0;
};

bool can_multiply(int type) {
  try {
    plan(dnnl::engine(dnnl::engine::kind::cpu, 0), {type, 16, 64, 64, 1, 1});
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

}  // namespace

const char* onednn_name(int type) {
  static const std::string name = [] {
    const dnnl_version_t* version = dnnl_version();
    return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->patch);
  }();
  static const bool bfloat16 = can_multiply(kAmanuensisPeerBFloat16);
  static const bool int8 = can_multiply(kAmanuensisPeerInt8);
  const bool known = (type == kAmanuensisPeerBFloat16 && bfloat16) || (type == kAmanuensisPeerInt8 && int8);
  return known ? name.c_str() : nullptr;
}

std::unique_ptr<Product> make_onednn_product(const AmanuensisPeerGemm& gemm) {
  return std::make_unique<OneDnnProduct>(gemm);
}

}  // namespace amanuensis::peers
