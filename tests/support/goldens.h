// Reading committed goldens. Header only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace amanuensis::test {

inline std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(AMANUENSIS_SOURCE_DIR) / relative;
}

// tests/goldens/<name>; throws when it is not there, for a golden is part of the source.
inline nlohmann::json read_golden(const std::string& name) {
  const std::filesystem::path path = source_path("tests/goldens/" + name);
  std::ifstream in(path);
  if (!in) throw std::runtime_error("no golden " + path.string() + "; a script in tools/goldens makes it");
  return nlohmann::json::parse(in);
}

// tools/goldens/common.py's uniform(): float32 in [-1, 1) from a 64-bit hash of a name and an index.
inline float hashed_uniform(std::string_view name, std::uint64_t index) {
  std::uint64_t z = 0xCBF29CE484222325U;
  for (const char c : name) z = (z ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  z += 0x9E3779B97F4A7C15U * (index + 1);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  z ^= z >> 31U;
  return static_cast<float>(static_cast<std::int32_t>(z >> 40U) - (1 << 23)) * 0x1p-23F;
}

}  // namespace amanuensis::test
