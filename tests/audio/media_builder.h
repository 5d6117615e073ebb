// Small recordings for tests: WAV files byte by byte, and everything else with the ffmpeg program. Header only.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "support/shell.h"
#include "support/temp_folder.h"

namespace amanuensis::audio {

inline void append_number(std::string& bytes, std::uint32_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
}

struct WavShape {
  std::uint32_t rate_hz = 16000;
  std::uint32_t channels = 1;
  std::uint32_t frames = 16000;
};

// A 16-bit WAV file in which channel c holds a sine of 100 (c + 1) Hz at a quarter of full scale.
inline std::string wav_file(const WavShape& shape) {
  std::string data;
  for (std::uint32_t i = 0; i < shape.frames; ++i) {
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      const double phase = 2 * std::numbers::pi * 100 * (c + 1) * i / shape.rate_hz;
      append_number(data, static_cast<std::uint32_t>(std::lround(8192 * std::sin(phase))), 2);
    }
  }
  std::string file = "RIFF";
  append_number(file, static_cast<std::uint32_t>(36 + data.size()), 4);
  file += "WAVEfmt ";
  append_number(file, 16, 4);
  append_number(file, 1, 2);
  append_number(file, shape.channels, 2);
  append_number(file, shape.rate_hz, 4);
  append_number(file, shape.rate_hz * shape.channels * 2, 4);
  append_number(file, shape.channels * 2, 2);
  append_number(file, 16, 2);
  file += "data";
  append_number(file, static_cast<std::uint32_t>(data.size()), 4);
  return file + data;
}

// What the ffmpeg program makes of its arguments, e.g. "-f lavfi -i sine out.mp3"; true when it was content.
inline bool ffmpeg(const std::string& arguments) {
  return test::run_shell("ffmpeg -nostdin -v quiet -y " + arguments).status == 0;
}

// The samples that openai-whisper reads from a file: the ffmpeg program's 16-bit mono output, divided by 32768.
inline std::vector<float> whisper_samples(const std::filesystem::path& file) {
  const std::string bytes = test::run_shell("ffmpeg -nostdin -v quiet -threads 0 -i '" + file.string() +
                                            "' -f s16le -ac 1 -acodec pcm_s16le -ar 16000 -")
                                .output;
  std::vector<std::int16_t> whole(bytes.size() / 2);
  if (!whole.empty()) std::memcpy(whole.data(), bytes.data(), whole.size() * 2);
  std::vector<float> samples;
  samples.reserve(whole.size());
  for (const std::int16_t value : whole) samples.push_back(static_cast<float>(value) / 32768.0F);
  return samples;
}

}  // namespace amanuensis::audio
