#include "pipeline/window_segments.h"

#include <span>

#include "decoding/text_measure.h"
#include "model/whisper/constants.h"

namespace amanuensis::pipeline {

namespace {

using model::TokenId;

constexpr double seconds_of(std::size_t frames) {
  return static_cast<double>(frames * model::kHopSamples) / static_cast<double>(model::kSampleRateHz);
}

class WindowCutter {
 public:
  WindowCutter(const decoding::WindowResult& result, const WindowPlace& place, const model::Tokenizer& tokenizer,
               EmptySegments empty)
      : result_(result),
        place_(place),
        tokenizer_(tokenizer),
        empty_(empty),
        timestamp_begin_(tokenizer.special().timestamp_begin),
        offset_s_(seconds_of(place.seek)) {}

  WindowSegments cut() {
    const std::span<const TokenId> tokens(result_.tokens);
    const std::size_t n = tokens.size();
    const bool single_ending = n >= 2 && !is_timestamp(tokens[n - 2]) && is_timestamp(tokens[n - 1]);
    out_.ends_in_silence = single_ending;
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < n; ++i) {
      if (is_timestamp(tokens[i - 1]) && is_timestamp(tokens[i])) cuts.push_back(i);
    }
    if (cuts.empty()) {
      add_whole_window();
    } else {
      if (single_ending) cuts.push_back(n);
      std::size_t begin = 0;
      for (const std::size_t end : cuts) {
        const auto slice = tokens.subspan(begin, end - begin);
        add(position(slice.front()), position(slice.back()), slice);
        begin = end;
      }
      // A single time token at the end says that nothing is spoken after it. Otherwise the window goes on at the last
      // pair; at the very start that would be the same window again.
      const std::size_t last = position(tokens[begin - 1]);
      if (!single_ending && last > 0) out_.advance_frames = last * model::kFramesPerPosition;
    }
    if (out_.advance_frames == 0) out_.advance_frames = place_.frames;
    return std::move(out_);
  }

 private:
  bool is_timestamp(TokenId id) const { return id >= timestamp_begin_; }
  // What the reference computes without a check: text in a time token's place counts as the window's start.
  std::size_t position(TokenId id) const {
    return is_timestamp(id) ? static_cast<std::size_t>(id - timestamp_begin_) : 0;
  }
  double time_s(std::size_t position) const {
    return offset_s_ + static_cast<double>(position) * model::kSecondsPerPosition;
  }

  void add_whole_window() {
    double duration_s = seconds_of(place_.frames);
    for (auto id = result_.tokens.rbegin(); id != result_.tokens.rend(); ++id) {
      if (!is_timestamp(*id)) continue;
      if (position(*id) > 0) duration_s = static_cast<double>(position(*id)) * model::kSecondsPerPosition;
      break;
    }
    add_between(offset_s_, offset_s_ + duration_s, result_.tokens);
  }

  void add(std::size_t start, std::size_t end, std::span<const TokenId> tokens) {
    add_between(time_s(start), time_s(end), tokens);
  }

  void add_between(double start_s, double end_s, std::span<const TokenId> tokens) {
    Segment segment;
    segment.seek = place_.seek;
    segment.start_s = start_s;
    segment.end_s = end_s;
    segment.text = tokenizer_.decode_text(tokens);
    segment.tokens.assign(tokens.begin(), tokens.end());
    const auto first = static_cast<std::size_t>(tokens.data() - result_.tokens.data());
    segment.scored_tokens = scored_tokens(result_, first, tokens.size(), tokenizer_);
    segment.temperature = result_.temperature;
    segment.avg_logprob = result_.avg_logprob;
    segment.compression_ratio = result_.compression_ratio;
    segment.no_speech_prob = result_.no_speech_prob;
    if (empty_ == EmptySegments::kClear) clear_if_empty(segment);
    out_.segments.push_back(std::move(segment));
  }

  const decoding::WindowResult& result_;
  const WindowPlace place_;
  const model::Tokenizer& tokenizer_;
  const EmptySegments empty_;
  const TokenId timestamp_begin_;
  const double offset_s_;
  WindowSegments out_;
};

}  // namespace

WindowSegments cut_window(const decoding::WindowResult& result, const WindowPlace& place,
                          const model::Tokenizer& tokenizer, EmptySegments empty) {
  return WindowCutter(result, place, tokenizer, empty).cut();
}

std::vector<ScoredToken> scored_tokens(const decoding::WindowResult& result, std::size_t first, std::size_t count,
                                       const model::Tokenizer& tokenizer) {
  std::vector<ScoredToken> scored;
  for (std::size_t i = first; i < first + count && i < result.token_logprobs.size(); ++i) {
    if (result.tokens[i] >= tokenizer.special().eot) continue;
    scored.push_back({.bytes = tokenizer.decode({&result.tokens[i], 1}), .logprob = result.token_logprobs[i]});
  }
  return scored;
}

void clear_if_empty(Segment& segment) {
  if (segment.start_s != segment.end_s && !decoding::strip_text(segment.text).empty()) return;
  segment.text.clear();
  segment.tokens.clear();
  segment.scored_tokens.clear();
  segment.words.clear();
}

}  // namespace amanuensis::pipeline
