// OpenBLAS: float32. Its interface has no packed weights, so every call packs what it needs; one row goes to sgemv.
#include <cblas.h>

#include <string>
#include <vector>

#include "peers.h"

namespace amanuensis::peers {
namespace {

class OpenBlasProduct final : public Product {
 public:
  explicit OpenBlasProduct(const AmanuensisPeerGemm& gemm)
      : gemm_(gemm),
        x_(gemm.rows * gemm.in, 0.5F),
        weights_(gemm.copies, std::vector<float>(gemm.in * gemm.out, 0.25F)),
        y_(gemm.rows * gemm.out) {}

  void run() override {
    openblas_set_num_threads(static_cast<int>(gemm_.threads));
    const int rows = static_cast<int>(gemm_.rows);
    const int in = static_cast<int>(gemm_.in);
    const int out = static_cast<int>(gemm_.out);
    const float* weight = weights_[next_].data();
    if (rows == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, out, in, 1.0F, weight, in, x_.data(), 1, 0.0F, y_.data(), 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, out, in, 1.0F, x_.data(), in, weight, in, 0.0F,
                  y_.data(), out);
    }
    next_ = next_ + 1 == weights_.size() ? 0 : next_ + 1;
  }

 private:
  AmanuensisPeerGemm gemm_;
  std::vector<float> x_;
  std::vector<std::vector<float>> weights_;
  std::vector<float> y_;
  std::size_t next_ = 0;
};

}  // namespace

const char* openblas_name(int type) {
  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the name and the version.
  static const std::string name = [] {
    const std::string config = openblas_get_config();
    return config.substr(0, config.find(' ', config.find(' ') + 1));
  }();
  return type == kAmanuensisPeerFloat32 ? name.c_str() : nullptr;
}

std::unique_ptr<Product> make_openblas_product(const AmanuensisPeerGemm& gemm) {
  return std::make_unique<OpenBlasProduct>(gemm);
}

}  // namespace amanuensis::peers
