#include "pipeline/diarize/change_detection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "audio/decode.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kCellSamples = audio::kSampleRateHz / 4;
// Windows of cells this far apart hardly overlap.
constexpr std::size_t kApart = 2;
// Voices less alike than this, before and behind, are a change.
constexpr float kChange = 0.35F;

}  // namespace

std::vector<SpeechSpan> cut_into_cells(std::span<const SpeechSpan> speech) {
  std::vector<SpeechSpan> cells;
  for (const SpeechSpan& span : speech) {
    const std::size_t count = std::max<std::size_t>(1, (span.size() + kCellSamples / 2) / kCellSamples);
    for (std::size_t i = 0; i < count; ++i) {
      cells.push_back({span.start + span.size() * i / count, span.start + span.size() * (i + 1) / count});
    }
  }
  return cells;
}

std::vector<SpeechSpan> windows_around(std::span<const SpeechSpan> cells, std::span<const SpeechSpan> speech,
                                       double window_s) {
  const auto half = static_cast<std::size_t>(window_s / 2 * audio::kSampleRateHz);
  std::vector<SpeechSpan> windows;
  windows.reserve(cells.size());
  std::size_t span = 0;
  for (const SpeechSpan& cell : cells) {
    while (cell.start >= speech[span].end) ++span;
    const std::size_t centre = (cell.start + cell.end) / 2;
    windows.push_back(
        {std::max(speech[span].start, centre > half ? centre - half : 0), std::min(speech[span].end, centre + half)});
  }
  return windows;
}

std::vector<std::size_t> find_changes(std::span<const SpeechSpan> cells, const VoiceVectors& vectors,
                                      double max_piece_s) {
  const auto max_cells = static_cast<std::size_t>(max_piece_s * audio::kSampleRateHz) / kCellSamples;
  const auto same_span = [&](std::size_t a, std::size_t b) {
    for (std::size_t i = a; i < b; ++i) {
      if (cells[i].end != cells[i + 1].start) return false;
    }
    return true;
  };
  // How alike the voices before and behind the beginning of each cell are.
  std::vector<float> alike(cells.size(), 1.0F);
  for (std::size_t i = kApart; i + kApart <= cells.size(); ++i) {
    const std::size_t before = i - kApart;
    const std::size_t behind = i + kApart - 1;
    if (!same_span(before, behind)) continue;
    alike[i] = std::inner_product(vectors[before].begin(), vectors[before].end(), vectors[behind].begin(), 0.0F);
  }
  std::vector<std::size_t> first_cells;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    bool begins = i == 0 || cells[i].start != cells[i - 1].end || i - first_cells.back() >= max_cells;
    if (!begins && alike[i] < kChange) {
      const std::size_t from = i - std::min(i, kApart);
      const std::size_t to = std::min(cells.size(), i + kApart + 1);
      begins = alike[i] <= *std::min_element(alike.begin() + static_cast<std::ptrdiff_t>(from),
                                             alike.begin() + static_cast<std::ptrdiff_t>(to));
    }
    if (begins) first_cells.push_back(i);
  }
  return first_cells;
}

}  // namespace amanuensis::pipeline
