// The catalog: one JSON file per kernel (catalog/*.json, part of the program), checked strictly when it is read:
// unknown or missing fields, sizes that contradict shapes, FIFOs for arguments that do not exist and tiles that are
// over-full are all refused with the kernel's name and the bytes. Immutable after construction; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "device/npu/kernel_spec.h"

namespace amanuensis::device::npu {

// One kernel from its JSON text; `source` names it in messages. Throws Error{kBadData}.
KernelSpec parse_kernel_spec(std::string_view json, const std::string& source);

// How much of a tile a kernel takes, part by part: "stack 2048 + constants 4012 + ... = 57568 of 65536 bytes (87.8 %)".
std::string tile_memory_text(const KernelSpec& spec);
// Throws Error{kResourceExhausted} with that text when it is more than a tile has.
void check_tile_memory(const KernelSpec& spec);

class Catalog {
 public:
  // The kernels that are part of the program.
  Catalog();
  // Throws Error{kBadData} when two have one name.
  explicit Catalog(std::vector<KernelSpec> kernels);

  const std::vector<KernelSpec>& kernels() const { return kernels_; }
  // Null when there is none.
  const KernelSpec* find(std::string_view name) const;
  // Throws Error{kNotFound}, suggesting the nearest name.
  const KernelSpec& at(std::string_view name) const;

 private:
  std::vector<KernelSpec> kernels_;
};

struct CatalogFile {
  std::string_view name;  // "log_mel_1.json"
  std::string_view text;
};

// The files of catalog/, embedded.
std::vector<CatalogFile> catalog_files();

}  // namespace amanuensis::device::npu
