// The libraries that `bench kernels` compares with, as far as they are on this machine: the module amanuensis_peers.so
// beside the program. Products must not outlive the Peers they came from. One thread at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/bench/peer_abi.h"
#include "kernels/gemm/gemm.h"

namespace amanuensis::cli {

struct PeerGemmShape {
  kernels::GemmType type = kernels::GemmType::kFloat32;
  std::size_t rows = 0;
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t copies = 1;  // of the weights, used in turn
  std::size_t threads = 1;
};

class PeerGemm {
 public:
  PeerGemm(const AmanuensisPeers* peers, void* product) : product_(product, {peers}), peers_(peers) {}
  void run() { peers_->run(product_.get()); }

 private:
  struct Destroy {
    const AmanuensisPeers* peers;
    void operator()(void* product) const { peers->destroy(product); }
  };
  std::unique_ptr<void, Destroy> product_;
  const AmanuensisPeers* peers_;
};

class Peers {
 public:
  // No peers, and nothing more to say about it than `reason`.
  explicit Peers(std::string reason) : missing_(std::move(reason)) {}
  // Loads the module from `folder`. Never throws: without a module, missing() says why and how to get it.
  static Peers load(const std::filesystem::path& folder);

  bool available() const { return peers_ != nullptr; }
  const std::string& missing() const { return missing_; }
  // The library that multiplies this type, or an empty string.
  std::string name(kernels::GemmType type) const;
  // Nothing when no library here multiplies the type. Throws Error{kUnsupported} when the library refuses the shape.
  std::unique_ptr<PeerGemm> gemm(const PeerGemmShape& shape) const;

 private:
  const AmanuensisPeers* peers_ = nullptr;
  std::string missing_;
};

}  // namespace amanuensis::cli
