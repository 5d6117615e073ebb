#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "audio/log_mel.h"
#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/npu_commands.h"
#include "cli/npu_device.h"

namespace amanuensis::cli {
namespace {

namespace npu = device::npu;

struct Arguments {
  std::string file;
  std::string kernel = "log_mel_20";
};

struct Moments {
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0, n = 0;
  void add(double x, double y) {
    a += x;
    b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
    n += 1;
  }
  double correlation() const {
    return (ab - a * b / n) / std::sqrt(std::max((aa - a * a / n) * (bb - b * b / n), 1e-30));
  }
};

int run(Context& context, const Arguments& arguments) {
  NpuDevice device(simulated_npu(0));
  const npu::KernelSpec& spec = device.catalog().at(arguments.kernel);
  if (spec.operation != npu::Operation::kLogMel) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--kernel '{}': not a log-mel kernel; `amanuensis npu plan` shows them", spec.name));
  }
  const std::vector<float> samples = audio::read_all_audio(arguments.file);
  NpuMelDevice mel(device, spec.name);
  const auto start = std::chrono::steady_clock::now();
  const audio::LogMel found = audio::log_mel_spectrogram(samples, audio::MelFilters(80), {.device = &mel});
  const double elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const audio::LogMel expected = audio::log_mel_spectrogram(samples, 80, 0);

  Moments all;
  double worst = 1;
  std::size_t worst_frame = 0;
  std::size_t even = 0;
  for (std::size_t f = 0; f < expected.frames; ++f) {
    Moments frame;
    float low = expected.view()(0, f);
    float high = low;
    for (std::size_t band = 0; band < 80; ++band) {
      const float value = expected.view()(band, f);
      low = std::min(low, value);
      high = std::max(high, value);
      all.add(found.view()(band, f), value);
      frame.add(found.view()(band, f), value);
    }
    // A frame whose bands are all the same (on the floor) has nothing to correlate.
    const bool varies = high - low > 1e-3F;
    even += varies ? 0 : 1;
    if (varies && frame.correlation() < worst) {
      worst = frame.correlation();
      worst_frame = f;
    }
  }
  const double audio_s = static_cast<double>(expected.frames) / 100;
  context.terminal.out(
      fmt::format("simulated NPU, kernel {}: {} frames, {:.1f} s of audio\n"
                  "  against Whisper's log-mel on the CPU: correlation {:.6f}; worst frame {:.6f} (frame {}); {} "
                  "frames without any "
                  "difference between bands left out\n"
                  "  simulated in {:.3f} s, {:.0f}x realtime on this processor\n",
                  spec.name, expected.frames, audio_s, all.correlation(), worst, worst_frame, even, elapsed_s,
                  audio_s / elapsed_s));
  context.terminal.out(npu_report(device));
  return kExitOk;
}

}  // namespace

Command add_npu_simulate_command(CLI::App& npu) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = npu.add_subcommand("simulate", "Log-mel of a recording on a simulated NPU, beside the CPU's");
  parser->add_option("FILE", arguments->file, "Media file")->required();
  parser->add_option("--kernel", arguments->kernel, "log_mel_1, log_mel_10, log_mel_20 or log_mel_100")
      ->type_name("KERNEL")
      ->capture_default_str();
  parser->footer("A whole transcription on the simulated NPU: amanuensis transcribe --device npu-sim --verbose FILE");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
