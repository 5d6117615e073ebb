// The weights of Silero's voice activity network for 16 kHz audio (https://github.com/snakers4/silero-vad, MIT
// licence), read from a safetensors file into the order in which silero_vad.cc multiplies with them. Plain values,
// owned by the caller.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <vector>

namespace amanuensis::model {

// A matrix [rows, cols], row-major.
struct FloatMatrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<float> values;
};

// A convolution as one matrix [out, in] for each of its three taps, the earliest first.
struct TapWeights {
  std::array<FloatMatrix, 3> taps;
  std::vector<float> bias;
};

struct SileroWeights {
  // The windowed Fourier transform of 256 samples x: of its symmetry x[n] + x[256 - n] gives the real parts and
  // x[n] - x[256 - n] the imaginary ones, so that half the products do.
  FloatMatrix real;            // bins 0 to 127, [128, 128]: column n - 1 is for n = 1 to 128 (128 alone, not doubled)
  std::vector<float> nyquist;  // bin 128, [128]
  FloatMatrix imaginary;       // bins 1 to 127, [127, 127]: column n - 1 is for n = 1 to 127
  std::array<TapWeights, 4> conv;
  FloatMatrix lstm_input;   // [512, 128]; rows in the order input, forget, cell and output gate
  FloatMatrix lstm_hidden;  // [512, 128]
  std::vector<float> lstm_bias;
  std::vector<float> out;  // [128]
  float out_bias = 0;
};

// Reads the file, or in a folder silero_vad_16k.safetensors or model.safetensors. Knows the file of the PyPI package
// silero-vad and its conversion for MLX, whose convolutions are stored the other way round. Throws Error naming file
// and tensor: kNotFound, kBadData (missing, misshapen, not finite, no Fourier transform), kUnsupported (ONNX,
// TorchScript).
SileroWeights read_silero_weights(const std::filesystem::path& path);

}  // namespace amanuensis::model
