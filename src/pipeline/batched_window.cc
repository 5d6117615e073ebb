#include "pipeline/batched_window.h"

#include <algorithm>
#include <limits>

#include "decoding/text_measure.h"
#include "model/whisper/constants.h"

namespace amanuensis::pipeline {

namespace {

using model::TokenId;

// A remainder this short (0.5 s) is the edge of a word at most: what the model found no text for holds none.
constexpr std::size_t kShortestContinuation = 50;

double seconds_of(std::size_t frames) {
  return static_cast<double>(frames * model::kHopSamples) / static_cast<double>(model::kSampleRateHz);
}

// What comes after the last two time tokens that follow each other, from the second of them on.
std::span<const TokenId> after_last_pair(std::span<const TokenId> tokens, TokenId timestamp_begin) {
  for (std::size_t i = tokens.size(); i-- > 1;) {
    if (tokens[i - 1] >= timestamp_begin && tokens[i] >= timestamp_begin) return tokens.subspan(i);
  }
  return {};
}

}  // namespace

std::size_t content_frames(std::size_t samples) { return samples / model::kHopSamples; }

AlignedBuffer<float> window_log_mel(std::span<const float> samples, const audio::MelFilters& filters,
                                    std::size_t window_frames, const audio::LogMelOptions& options) {
  audio::LogMelOptions padded = options;
  // The last frames reach beyond the samples: into silence, not into a mirror of themselves.
  padded.padding_samples = audio::kFftSamples;
  const audio::LogMel mel = audio::log_mel_spectrogram(samples, filters, padded);
  const std::size_t frames = std::min({content_frames(samples.size()), mel.frames, window_frames});
  AlignedBuffer<float> values(mel.n_mels * window_frames);
  const TensorView<float> window = values.matrix(mel.n_mels, window_frames);
  for (std::size_t band = 0; band < mel.n_mels; ++band) {
    std::ranges::copy(mel.view().row(band).first(frames), window.row(band).begin());
  }
  return values;
}

void shift_log_mel(TensorView<float> log_mel, std::size_t frames) {
  for (std::size_t band = 0; band < log_mel.rows(); ++band) {
    const std::span<float> row = log_mel.row(band);
    std::ranges::copy(row.subspan(frames), row.begin());
    std::ranges::fill(row.last(frames), 0.0F);
  }
}

BatchedCut cut_batched(const decoding::WindowResult& result, const WindowPlace& place,
                       const model::Tokenizer& tokenizer, const CutOptions& options) {
  WindowSegments cut = cut_window(result, place, tokenizer, options.empty);
  BatchedCut batched;
  batched.segments = std::move(cut.segments);
  if (cut.advance_frames >= place.frames) return batched;

  const std::span<const TokenId> rest = after_last_pair(result.tokens, tokenizer.special().timestamp_begin);
  const std::string text = tokenizer.decode_text(rest);
  const bool has_text = !decoding::strip_text(text).empty();
  if (!has_text || options.cut_off) {
    const bool is_worth_it = place.frames - cut.advance_frames >= kShortestContinuation;
    batched.advance_frames = is_worth_it ? cut.advance_frames : 0;
    if (is_worth_it || !has_text) return batched;
  }
  Segment last = batched.segments.back();  // for the window's numbers
  const auto start = static_cast<std::size_t>(rest.front() - tokenizer.special().timestamp_begin);
  last.start_s = seconds_of(place.seek + start * model::kFramesPerPosition);
  last.end_s = std::max(last.start_s, seconds_of(place.seek + place.frames));
  last.text = text;
  last.tokens.assign(rest.begin(), rest.end());
  last.scored_tokens = scored_tokens(result, result.tokens.size() - rest.size(), rest.size(), tokenizer);
  batched.segments.push_back(std::move(last));
  return batched;
}

void move_to_original(std::span<Segment> segments, const AudioWindow& window) {
  for (Segment& segment : segments) {
    const bool begins_with_word = !segment.words.empty() && segment.words.front().start_s == segment.start_s;
    const bool ends_with_word = !segment.words.empty() && segment.words.back().end_s == segment.end_s;
    const TimeRange range = original_segment(window, {.start_s = segment.start_s, .end_s = segment.end_s});
    segment.start_s = range.start_s;
    segment.end_s = range.end_s;
    for (Word& word : segment.words) {
      const TimeRange said = original_word(window, {.start_s = word.start_s, .end_s = word.end_s});
      word.start_s = said.start_s;
      word.end_s = said.end_s;
    }
    if (begins_with_word) segment.start_s = segment.words.front().start_s;
    if (ends_with_word) segment.end_s = std::max(segment.start_s, segment.words.back().end_s);
  }
}

}  // namespace amanuensis::pipeline
