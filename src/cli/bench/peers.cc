#include "cli/bench/peers.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/error.h"

namespace amanuensis::cli {
namespace {

constexpr const char* kModule = "amanuensis_peers.so";

}  // namespace

Peers Peers::load(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kModule;
  std::error_code problem;
  if (folder.empty() || !std::filesystem::exists(path, problem)) {
    return Peers(
        fmt::format("not compared with other libraries: {} is not there (`make bench` installs libdnnl-dev and "
                    "libopenblas-dev and builds it)",
                    path.string()));
  }
  // Never closed: the libraries in it keep threads of their own.
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return Peers(fmt::format("not compared with other libraries: {}", dlerror()));
  void* symbol = dlsym(module, "amanuensis_peers");
  if (symbol == nullptr) return Peers(fmt::format("not compared with other libraries: {}", dlerror()));
  const AmanuensisPeers* peers = reinterpret_cast<AmanuensisPeersFunction>(symbol)();
  if (peers->version != kAmanuensisPeersVersion) {
    return Peers(fmt::format("not compared with other libraries: {} is of another version; `make bench` builds it anew",
                             path.string()));
  }
  Peers loaded{std::string()};
  loaded.peers_ = peers;
  return loaded;
}

std::string Peers::name(kernels::GemmType type) const {
  const char* name = peers_ == nullptr ? nullptr : peers_->name(static_cast<int>(type));
  return name == nullptr ? std::string() : name;
}

std::unique_ptr<PeerGemm> Peers::gemm(const PeerGemmShape& shape) const {
  if (name(shape.type).empty()) return nullptr;
  const AmanuensisPeerGemm request = {
      static_cast<int>(shape.type), shape.rows, shape.in, shape.out, shape.copies, shape.threads};
  std::array<char, 256> error{};
  void* product = peers_->create(&request, error.data(), error.size());
  if (product == nullptr) {
    throw Error(ErrorCode::kUnsupported, fmt::format("{} cannot multiply {}x{}x{}: {}", name(shape.type), shape.rows,
                                                     shape.in, shape.out, error.data()));
  }
  return std::make_unique<PeerGemm>(peers_, product);
}

}  // namespace amanuensis::cli
