// A stand-in for XRT in tests; see README.md. A file that contains "MLIR_AIE" holds such a kernel.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace xrt {

class uuid {};

class xclbin {
 public:
  class kernel {
   public:
    explicit kernel(std::string name) : name_(std::move(name)) {}
    std::string get_name() const { return name_; }

   private:
    std::string name_;
  };

  explicit xclbin(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("no such xclbin: " + path);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    if (text.find("MLIR_AIE") != std::string::npos) kernels_.emplace_back("MLIR_AIE:MLIRAIE");
  }
  std::vector<kernel> get_kernels() const { return kernels_; }
  uuid get_uuid() const { return {}; }

 private:
  std::vector<kernel> kernels_;
};

}  // namespace xrt
