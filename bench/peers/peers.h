// The products of the libraries in this module, one file each. A product owns its operands; one thread at a time.
#pragma once

#include <cstddef>
#include <memory>

#include "cli/bench/peer_abi.h"

namespace amanuensis::peers {

class Product {
 public:
  virtual ~Product() = default;
  // With the next copy of the weights.
  virtual void run() = 0;
};

// "oneDNN 2.6.3"; null for a type that the library, or this processor, cannot multiply.
const char* onednn_name(int type);
// Throws std::exception when the library refuses.
std::unique_ptr<Product> make_onednn_product(const AmanuensisPeerGemm& gemm);

const char* openblas_name(int type);
std::unique_ptr<Product> make_openblas_product(const AmanuensisPeerGemm& gemm);

}  // namespace amanuensis::peers
