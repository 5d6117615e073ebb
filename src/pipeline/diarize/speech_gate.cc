#include "pipeline/diarize/speech_gate.h"

#include <algorithm>

#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kFrameSamples = 160;
// A frame is voiced from this probability on.
constexpr float kVoiced = 0.3F;
// Energy of voiced frames, averaged over this many frames, that makes speech.
constexpr std::size_t kWindow = 100;
constexpr double kLeast = 1.5;
// The same where the network is sure.
constexpr double kSure = 0.9;
constexpr double kLeastWhereSure = 0.5;
// Around it, and between two such places.
constexpr std::size_t kPad = 40;
constexpr std::size_t kBridge = 100;

float voiced_energy(std::span<const float> energy, std::span<const float> voicing, std::size_t frame) {
  if (voicing.empty()) return 0;
  const std::size_t place = std::min(frame * kFrameSamples / kVadFrameSamples, voicing.size() - 1);
  return voicing[place] > kVoiced ? energy[frame] : 0.0F;
}

}  // namespace

std::vector<bool> gate_speech(std::span<const float> speech, std::span<const float> energy,
                              std::span<const float> voicing) {
  std::vector<bool> open(energy.size());
  double sum = 0;
  double sure = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t opened = 0;  // everything before is settled
  bool any = false;
  for (std::size_t i = 0; i < energy.size(); ++i) {
    const std::size_t from = i - std::min(i, kWindow / 2);
    const std::size_t to = std::min(energy.size(), i + kWindow / 2);
    for (; end < to; ++end) {
      sum += static_cast<double>(voiced_energy(energy, voicing, end));
      sure += static_cast<double>(speech[end]);
    }
    for (; begin < from; ++begin) {
      sum -= static_cast<double>(voiced_energy(energy, voicing, begin));
      sure -= static_cast<double>(speech[begin]);
    }
    const double least = sure >= kSure * static_cast<double>(to - from) ? kLeastWhereSure : kLeast;
    if (sum < least * kWindow) continue;
    const std::size_t first = i - std::min(i, kPad);
    const std::size_t last = std::min(energy.size(), i + kPad + 1);
    const std::size_t start = any && first <= opened + kBridge ? std::min(opened, first) : first;
    std::fill(open.begin() + static_cast<std::ptrdiff_t>(start), open.begin() + static_cast<std::ptrdiff_t>(last),
              true);
    opened = last;
    any = true;
  }
  return open;
}

}  // namespace amanuensis::pipeline
