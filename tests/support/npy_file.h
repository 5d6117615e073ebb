// Reads the NumPy files the program writes: version 1.0, little-endian float32, row-major. Header only.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace amanuensis::test {

struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

inline NpyArray parse_npy(const std::string& bytes) {
  if (bytes.size() < 10 || bytes.compare(0, 8, std::string("\x93NUMPY\x01\x00", 8)) != 0) {
    throw std::runtime_error("not a NumPy file of version 1.0");
  }
  const std::size_t header_size = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
  const std::string header = bytes.substr(10, header_size);
  if (header.find("'<f4'") == std::string::npos) throw std::runtime_error("not float32: " + header);
  NpyArray array;
  std::size_t elements = 1;
  const char* at = header.c_str() + header.find("'shape': (") + 10;
  while (*at >= '0' && *at <= '9') {
    char* end = nullptr;
    array.shape.push_back(std::strtoul(at, &end, 10));
    elements *= array.shape.back();
    at = end;
    while (*at == ',' || *at == ' ') ++at;
  }
  if (bytes.size() != 10 + header_size + elements * sizeof(float))
    throw std::runtime_error("the size does not fit " + header);
  array.values.resize(elements);
  std::memcpy(array.values.data(), bytes.data() + 10 + header_size, elements * sizeof(float));
  return array;
}

}  // namespace amanuensis::test
