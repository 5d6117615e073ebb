#include "cli/first_window.h"

#include <vector>

#include "audio/decode.h"
#include "base/error.h"
#include "base/npy.h"

namespace amanuensis::cli {

audio::LogMel first_window(const std::string& file, const WindowShape& shape, const kernels::KernelTable& kernels,
                           const std::stop_token& stop) {
  std::vector<float> samples(shape.frames * audio::kHopSamples);
  audio::AudioReader reader(file, stop);
  std::span<float> rest(samples);
  while (!rest.empty()) {
    const std::size_t got = reader.read(rest);
    if (got == 0) break;
    rest = rest.subspan(got);
  }
  return audio::log_mel_spectrogram(samples, audio::MelFilters(shape.n_mels), {.kernels = &kernels});
}

void write_array(Terminal& terminal, const std::string& path, std::span<const float> values,
                 std::span<const std::size_t> shape) {
  if (path != "-") {
    write_npy(path, values, shape);
    return;
  }
  if (terminal.out_is_terminal()) {
    throw Error(ErrorCode::kInvalidArgument,
                "--output '-': a terminal cannot show a NumPy file; name one, or use a pipe");
  }
  terminal.out(encode_npy("standard output", values, shape));
}

}  // namespace amanuensis::cli
