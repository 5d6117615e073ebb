#include "pipeline/live/live_transcriber.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "decoding/text_measure.h"
#include "model/whisper/constants.h"
#include "pipeline/live/agreement.h"
#include "pipeline/segment/loudness.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kRate = static_cast<double>(model::kSampleRateHz);
// A last segment that ends this long before the audio does is over.
constexpr double kSettledS = 0.5;
// Audio kept before the first speech, and after the last.
constexpr double kLeadS = 0.3;
// Audio that must be cut is cut at the quietest place in this last share of it.
constexpr double kSearchShare = 1.0 / 3;

std::size_t samples_of(double seconds) { return static_cast<std::size_t>(std::llround(seconds * kRate)); }
double seconds_of(std::size_t samples) { return static_cast<double>(samples) / kRate; }

void check(const LiveOptions& options) {
  const auto refuse = [](const char* name, double value) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{} is {}; it must be a time above 0", name, value));
  };
  if (!(options.step_s > 0) || !std::isfinite(options.step_s)) refuse("the live step", options.step_s);
  if (!(options.pause_s > 0) || !std::isfinite(options.pause_s)) refuse("the live pause", options.pause_s);
  if (!(options.max_buffer_s >= 1) || !std::isfinite(options.max_buffer_s)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the live buffer is {} s; it must be at least 1 s", options.max_buffer_s));
  }
}

std::string joined_text(std::span<const Segment> segments) {
  std::string text;
  for (const Segment& segment : segments) text += segment.text;
  return text;
}

void shift(Segment& segment, double seconds) {
  segment.start_s += seconds;
  segment.end_s += seconds;
  for (Word& word : segment.words) {
    word.start_s += seconds;
    word.end_s += seconds;
  }
}

// The next frames that a detector hears, kept as long as their audio is.
class SpeechMarks {
 public:
  explicit SpeechMarks(std::unique_ptr<VoiceDetector> detector, double threshold)
      : detector_(std::move(detector)), threshold_(threshold) {}

  bool enabled() const { return detector_ != nullptr; }
  void push(std::span<const float> samples) {
    if (!detector_) return;
    probabilities_.clear();
    detector_->push(samples, probabilities_);
    for (const float probability : probabilities_) {
      const std::size_t start = frames_++ * kVadFrameSamples;
      if (static_cast<double>(probability) < threshold_) continue;
      if (!first_) first_ = start;
      last_end_ = start + kVadFrameSamples;
    }
    heard_ = frames_ * kVadFrameSamples;
  }
  // The first sample of speech, and the one past the last, since forget(); of all audio.
  std::optional<std::size_t> first() const { return first_; }
  std::size_t last_end() const { return last_end_; }
  // One past the last sample that was judged.
  std::size_t heard() const { return heard_; }
  // Speech before `sample` no longer counts.
  void forget(std::size_t sample) {
    if (!first_) return;
    if (last_end_ <= sample) {
      first_.reset();
    } else {
      first_ = std::max(*first_, sample);
    }
  }

 private:
  std::unique_ptr<VoiceDetector> detector_;
  double threshold_;
  std::vector<float> probabilities_;
  std::size_t frames_ = 0;
  std::size_t heard_ = 0;
  std::optional<std::size_t> first_;
  std::size_t last_end_ = 0;
};

}  // namespace

struct LiveTranscriber::State {
  State(TranscribeFn transcribe_fn, LiveOptions live_options, LiveEvents live_events,
        std::unique_ptr<VoiceDetector> detector)
      : transcribe(std::move(transcribe_fn)),
        options(std::move(live_options)),
        events(std::move(live_events)),
        marks(std::move(detector), options.speech_threshold) {
    options.transcribe.condition_on_previous_text = false;
    options.transcribe.clip_timestamps = {0.0};
    quick = options.transcribe;
    quick.word_timestamps = false;
    quick.hallucination_silence_threshold_s.reset();
    quick.decoding.beam_size = 1;
    quick.decoding.patience = 1.0;
    quick.fallback.temperatures = {
        options.transcribe.fallback.temperatures.empty() ? 0.0 : options.transcribe.fallback.temperatures.front()};
  }

  std::size_t end() const { return start + buffer.size(); }

  void append(std::span<const float> samples) {
    buffer.insert(buffer.end(), samples.begin(), samples.end());
    loudness.push(samples);
    marks.push(samples);
    fresh += samples.size();
    result.duration_s = seconds_of(end());
  }

  // Forgets audio before `sample`.
  void drop_before(std::size_t sample) {
    const std::size_t count = std::min(sample, end()) - std::min(start, sample);
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    start += count;
    loudness.forget(start);
    marks.forget(start);
  }

  // Without speech there is nothing to transcribe; a little is kept, in case speech has just begun.
  bool skip_silence() {
    if (!marks.enabled() || marks.first()) return false;
    const std::size_t lead = samples_of(kLeadS) + kVadFrameSamples;
    if (buffer.size() > lead) drop_before(end() - lead);
    previous.clear();
    fresh = 0;
    return true;
  }

  void pass() {
    fresh = 0;
    const std::size_t most = samples_of(options.max_buffer_s);
    if (marks.enabled() && marks.heard() >= marks.last_end() + samples_of(options.pause_s)) {
      commit(std::min(marks.last_end() + samples_of(kLeadS), end()) - start, nullptr);
      return;
    }
    // What the uncommitted audio seems to say, as fast as it can be known.
    const Transcript heard = transcribe(buffer, quick);
    const std::size_t closed = closed_segments(heard.segments);
    std::size_t agreed = closed;
    while (agreed > 0 && !begins_with_words(previous, joined_text(std::span(heard.segments).first(agreed)))) --agreed;
    std::size_t committed = 0;
    if (agreed > 0) {
      const std::string text = joined_text(std::span(heard.segments).first(agreed));
      if (commit(samples_of(heard.segments[agreed - 1].end_s), &text)) committed = agreed;
    }
    if (committed == 0 && buffer.size() >= most) {
      // A cut that leaves nearly all of it would have to be followed by another at once.
      std::size_t cut = closed > 0 ? samples_of(heard.segments[closed - 1].end_s) : 0;
      if (cut < buffer.size() / 2) cut = quietest_end();
      commit(cut, nullptr);
      previous.clear();
      return;
    }
    std::string text = joined_text(std::span(heard.segments).subspan(committed));
    report(text);
    previous = std::move(text);
  }

  // Once committed, a language stays: a conversation does not change it with every pass.
  void settle_language(const std::string& language) {
    quick.language = language;
    result.language = language;
  }

  // Segments that further audio can no longer lengthen: all but the last, and that one when silence follows.
  std::size_t closed_segments(std::span<const Segment> segments) const {
    std::size_t closed = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const bool over = i + 1 < segments.size() || segments[i].end_s + kSettledS < seconds_of(buffer.size());
      if (over && segments[i].end_s > 0) closed = i + 1;
    }
    return closed;
  }

  std::size_t quietest_end() const {
    const auto search = static_cast<std::size_t>(static_cast<double>(buffer.size()) * kSearchShare);
    return loudness.quietest(end() - search, end()) - start;
  }

  // Transcribes the first `count` samples by themselves and commits them, if they say `expected` (or whatever they say,
  // without one).
  bool commit(std::size_t count, const std::string* expected) {
    count = std::min(count, buffer.size());
    if (count == 0) return false;
    TranscribeOptions final_options = options.transcribe;
    if (!final_options.language) final_options.language = quick.language;
    Transcript said = transcribe(std::span(buffer).first(count), final_options);
    if (expected != nullptr && !(begins_with_words(*expected, said.text) && begins_with_words(said.text, *expected))) {
      return false;
    }
    if (!options.transcribe.language && !quick.language && !said.text.empty()) settle_language(said.language);
    if (result.language.empty()) result.language = said.language;
    publish(std::move(said), count);
    drop_before(start + count);
    previous.clear();
    return true;
  }

  void publish(Transcript said, std::size_t count) {
    LiveWindow window{
        .start_s = seconds_of(start), .end_s = seconds_of(start + count), .text = std::move(said.text), .segments = {}};
    if (decoding::strip_text(window.text).empty()) return;
    for (Segment& segment : said.segments) {
      segment.id = result.segments.size();
      segment.seek += start / model::kHopSamples;
      shift(segment, window.start_s);
      window.segments.push_back(segment);
      result.segments.push_back(std::move(segment));
    }
    result.text += window.text;
    if (events.on_committed) events.on_committed(window);
  }

  void report(const std::string& text) const {
    if (!events.on_partial) return;
    events.on_partial({.text = text,
                       .agreed_bytes = agreed_bytes(text, previous),
                       .start_s = seconds_of(start),
                       .end_s = seconds_of(end())});
  }

  TranscribeFn transcribe;
  LiveOptions options;
  TranscribeOptions quick;  // of passes whose text is not final
  LiveEvents events;
  SpeechMarks marks;
  LoudnessProfile loudness;
  std::vector<float> buffer;  // audio that is not committed yet
  std::size_t start = 0;      // its first sample's place in all the audio
  std::size_t fresh = 0;      // samples since the last pass
  std::string previous;       // what the last pass heard in the buffer
  Transcript result;
};

LiveTranscriber::LiveTranscriber(TranscribeFn transcribe, LiveOptions options, LiveEvents events,
                                 std::unique_ptr<VoiceDetector> detector) {
  check(options);
  state_ = std::make_unique<State>(std::move(transcribe), std::move(options), std::move(events), std::move(detector));
}

LiveTranscriber::~LiveTranscriber() = default;

void LiveTranscriber::push(std::span<const float> samples) {
  State& state = *state_;
  const std::size_t most = samples_of(state.options.max_buffer_s);
  const std::size_t step = samples_of(state.options.step_s);
  while (!samples.empty()) {
    const std::size_t count = std::min(samples.size(), most - std::min(most - 1, state.buffer.size()));
    state.append(samples.first(count));
    samples = samples.subspan(count);
    if (state.fresh < step && state.buffer.size() < most) continue;
    if (!state.skip_silence()) state.pass();
  }
}

void LiveTranscriber::finish() {
  State& state = *state_;
  if (!state.marks.enabled() || state.marks.first()) state.commit(state.buffer.size(), nullptr);
  state.drop_before(state.end());
}

const Transcript& LiveTranscriber::transcript() const { return state_->result; }

}  // namespace amanuensis::pipeline
