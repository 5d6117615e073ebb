// The module's table: which library multiplies which type.
#include "peers.h"

#include <cstring>
#include <exception>

namespace {

using amanuensis::peers::Product;

const char* name(int type) {
  const char* blas = amanuensis::peers::openblas_name(type);
  return blas != nullptr ? blas : amanuensis::peers::onednn_name(type);
}

void* create(const AmanuensisPeerGemm* gemm, char* error, size_t error_bytes) {
  try {
    return (amanuensis::peers::openblas_name(gemm->type) != nullptr ? amanuensis::peers::make_openblas_product(*gemm)
                                                                    : amanuensis::peers::make_onednn_product(*gemm))
        .release();
  } catch (const std::exception& problem) {
    if (error_bytes > 0) {
      std::strncpy(error, problem.what(), error_bytes - 1);
      error[error_bytes - 1] = '\0';
    }
    return nullptr;
  }
}

void run(void* product) { static_cast<Product*>(product)->run(); }

void destroy(void* product) { delete static_cast<Product*>(product); }

}  // namespace

extern "C" const AmanuensisPeers* amanuensis_peers(void) {
  static const AmanuensisPeers table = {kAmanuensisPeersVersion, name, create, run, destroy};
  return &table;
}
