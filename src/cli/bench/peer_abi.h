// How the program asks other people's libraries for their matrix products, to time them beside its own. The libraries
// are compared against, not linked: bench/peers builds them into a module (amanuensis_peers.so) that `amanuensis bench
// kernels` loads from beside the program when it is there. Plain C, so that module and program may be compiled apart.
// One thread at a time.
#pragma once

#include <stddef.h>

extern "C" {

enum { kAmanuensisPeersVersion = 1 };

// The numbers of kernels::GemmType.
enum AmanuensisPeerType { kAmanuensisPeerFloat32 = 0, kAmanuensisPeerBFloat16 = 1, kAmanuensisPeerInt8 = 2 };

// y[rows, out] = x[rows, in] * weight[out, in]^T
struct AmanuensisPeerGemm {
  int type;  // AmanuensisPeerType
  size_t rows;
  size_t in;
  size_t out;
  size_t copies;   // of the weights, used in turn, so that they come from memory and not from a cache
  size_t threads;  // that the library may use
};

struct AmanuensisPeers {
  int version;
  // "oneDNN 2.6.3"; null when this library or processor has no product of the type.
  const char* (*name)(int type);
  // A product ready to run, with random operands and weights already in the library's own layout. On failure null, with
  // the reason in `error`, cut to error_bytes.
  void* (*create)(const struct AmanuensisPeerGemm* gemm, char* error, size_t error_bytes);
  // One product with the next copy of the weights.
  void (*run)(void* product);
  void (*destroy)(void* product);
};

typedef const struct AmanuensisPeers* (*AmanuensisPeersFunction)(void);

// The module's one symbol: static data.
const struct AmanuensisPeers* amanuensis_peers(void);

}  // extern "C"
