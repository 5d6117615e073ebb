#include "pipeline/writers/subtitles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/tokenizer/utf8.h"
#include "pipeline/writers/python_text.h"
#include "pipeline/writers/wrap.h"

namespace amanuensis::pipeline {
namespace {

// openai/whisper, utils.py: what stands for "no limit", and the pause that ends a cue when cues may span segments.
constexpr std::size_t kNoLimit = 1000;
constexpr double kLongPauseS = 3.0;

bool is_set(std::optional<std::size_t> limit) { return limit.value_or(0) > 0; }

std::size_t limit_or_none(std::optional<std::size_t> limit) { return is_set(limit) ? *limit : kNoLimit; }

struct TimedText {
  std::string text;  // a word with the white space or line break before it
  double start_s = 0;
  double end_s = 0;
};

struct WordCue {
  std::vector<TimedText> words;
  std::string speaker;
};

// Gathers words into lines and lines into cues.
class WordCueBuilder {
 public:
  WordCueBuilder(const WriterOptions& options, double first_start_s)
      : keep_segments_(!is_set(options.max_line_count) || !is_set(options.max_line_width)),
        line_width_(limit_or_none(options.max_line_width)),
        line_count_(is_set(options.max_line_count) ? options.max_line_count : std::nullopt),
        last_start_s_(first_start_s) {}

  // `begins_chunk`: the first word of a segment, or of max_words_per_line words within it.
  void add(const Word& word, bool begins_chunk) {
    const bool long_pause = !keep_segments_ && word.start_s - last_start_s_ > kLongPauseS;
    const bool chunk_break = begins_chunk && !cue_.words.empty() && keep_segments_;
    const bool other_speaker = !cue_.words.empty() && word.speaker != cue_.speaker;
    const std::size_t length = model::count_utf8(word.word);
    if (length_ > 0 && length_ + length <= line_width_ && !long_pause && !chunk_break && !other_speaker) {
      length_ += length;
      cue_.words.push_back({word.word, word.start_s, word.end_s});
    } else {
      begin_line(word, long_pause, chunk_break || other_speaker);
    }
    last_start_s_ = word.start_s;
  }

  std::vector<WordCue> finish() {
    if (!cue_.words.empty()) cues_.push_back(std::move(cue_));
    return std::move(cues_);
  }

 private:
  void begin_line(const Word& word, bool long_pause, bool chunk_break) {
    const std::string_view stripped = python_strip(word.word);
    std::string text(stripped);
    const bool cue_is_full = !cue_.words.empty() && line_count_ && (long_pause || lines_ >= *line_count_);
    if (cue_is_full || chunk_break) {
      cues_.push_back(std::exchange(cue_, {}));
      lines_ = 1;
    } else if (length_ > 0) {
      ++lines_;
      text.insert(0, 1, '\n');
    }
    length_ = model::count_utf8(stripped);
    cue_.words.push_back({std::move(text), word.start_s, word.end_s});
    cue_.speaker = word.speaker;
  }

  bool keep_segments_;
  std::size_t line_width_;
  std::optional<std::size_t> line_count_;
  double last_start_s_;
  std::size_t length_ = 0;  // characters of the line so far
  std::size_t lines_ = 1;
  WordCue cue_;
  std::vector<WordCue> cues_;
};

std::vector<WordCue> group_words(const Transcript& transcript, const WriterOptions& options) {
  double first_start_s = 0;
  for (const Segment& segment : transcript.segments) {
    if (segment.words.empty()) continue;
    first_start_s = segment.words.front().start_s;
    break;
  }
  const std::size_t chunk = limit_or_none(options.max_words_per_line);
  WordCueBuilder builder(options, first_start_s);
  for (const Segment& segment : transcript.segments) {
    for (std::size_t i = 0; i < segment.words.size(); ++i) builder.add(segment.words[i], i % chunk == 0);
  }
  return builder.finish();
}

// The word between <u> and </u>, the white space before it outside. A word with a line break inside stays as it is; one
// at its very end stays outside: what openai/whisper's regular expression does.
std::string underline(const std::string& word) {
  std::string_view rest = word;
  while (!rest.empty()) {
    const model::Utf8Char c = model::read_utf8(rest);
    if (c.status != model::Utf8Status::kValid || !is_python_space(c.code_point)) break;
    rest.remove_prefix(c.size_bytes);
  }
  const std::string_view space = std::string_view(word).substr(0, word.size() - rest.size());
  const std::size_t line_break = rest.find('\n');
  if (line_break != std::string_view::npos && line_break + 1 != rest.size()) return word;
  return fmt::format("{}<u>{}</u>{}", space, rest.substr(0, line_break),
                     line_break == std::string_view::npos ? "" : "\n");
}

// One cue for each word, in which it is underlined, and one for each pause between words.
void add_highlighted(const std::vector<TimedText>& words, const std::string& prefix, const std::string& text,
                     std::vector<Cue>& cues) {
  std::int64_t last_ms = to_milliseconds(words.front().start_s);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::int64_t start_ms = to_milliseconds(words[i].start_s);
    const std::int64_t end_ms = to_milliseconds(words[i].end_s);
    if (last_ms != start_ms) cues.push_back({last_ms, start_ms, text});
    std::string highlighted = prefix;
    for (std::size_t j = 0; j < words.size(); ++j) highlighted += j == i ? underline(words[j].text) : words[j].text;
    cues.push_back({start_ms, end_ms, std::move(highlighted)});
    last_ms = end_ms;
  }
}

std::vector<Cue> cues_from_words(const Transcript& transcript, const WriterOptions& options) {
  std::vector<Cue> cues;
  for (const WordCue& cue : group_words(transcript, options)) {
    const std::vector<TimedText>& words = cue.words;
    const std::string prefix = speaker_prefix(cue.speaker);
    std::string text = prefix;
    for (const TimedText& word : words) text += word.text;
    if (options.highlight_words) {
      add_highlighted(words, prefix, text, cues);
    } else {
      cues.push_back({to_milliseconds(words.front().start_s), to_milliseconds(words.back().end_s), std::move(text)});
    }
  }
  return cues;
}

// One segment's text as cues of at most max_line_count lines, each given its share of the time.
void add_wrapped(const Segment& segment, const std::string& text, const WriterOptions& options,
                 std::vector<Cue>& cues) {
  const std::vector<std::string> lines = wrap_text(text, *options.max_line_width);
  std::size_t total = 0;
  for (const std::string& line : lines) total += model::count_utf8(line);
  const std::size_t lines_a_cue = limit_or_none(options.max_line_count);
  std::size_t done = 0;
  double start_s = segment.start_s;
  for (std::size_t first = 0; first < lines.size(); first += lines_a_cue) {
    const std::size_t end = std::min(first + lines_a_cue, lines.size());
    std::string cue_text;
    for (std::size_t i = first; i < end; ++i) {
      if (i > first) cue_text.push_back('\n');
      cue_text += lines[i];
      done += model::count_utf8(lines[i]);
    }
    const double share = total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
    const double end_s =
        end == lines.size() ? segment.end_s : segment.start_s + share * (segment.end_s - segment.start_s);
    cues.push_back({to_milliseconds(start_s), to_milliseconds(end_s), std::move(cue_text)});
    start_s = end_s;
  }
}

std::vector<Cue> cues_from_segments(const Transcript& transcript, const WriterOptions& options) {
  std::vector<Cue> cues;
  for (const Segment& segment : transcript.segments) {
    // An arrow in the text would read as a line of times.
    const std::string text = speaker_prefix(segment.speaker) + replace_all(python_strip(segment.text), "-->", "->");
    if (is_set(options.max_line_width)) {
      add_wrapped(segment, text, options, cues);
    } else {
      cues.push_back({to_milliseconds(segment.start_s), to_milliseconds(segment.end_s), text});
    }
  }
  return cues;
}

}  // namespace

std::vector<Cue> make_cues(const Transcript& transcript, const WriterOptions& options) {
  const auto& segments = transcript.segments;
  const bool has_words = std::ranges::any_of(segments, [](const Segment& s) { return !s.words.empty(); });
  // OpenAI looks for a list of words in the first segment, and gives an empty one to each segment without text: when no
  // segment has text, it writes no cue.
  const bool all_empty = std::ranges::all_of(segments, [](const Segment& s) { return s.text.empty(); });
  return has_words || all_empty ? cues_from_words(transcript, options) : cues_from_segments(transcript, options);
}

std::string speaker_prefix(const std::string& speaker) { return speaker.empty() ? "" : "[" + speaker + "]: "; }

std::int64_t to_milliseconds(double seconds) {
  if (!(seconds > 0)) return 0;  // not a number either
  constexpr double kLatestMs = 1e15;
  return static_cast<std::int64_t>(std::nearbyint(std::min(seconds * 1000.0, kLatestMs)));
}

std::string format_timestamp(std::int64_t milliseconds, bool always_hours, char decimal_mark) {
  const std::int64_t hours = milliseconds / 3'600'000;
  const std::string hours_text = always_hours || hours > 0 ? fmt::format("{:02}:", hours) : "";
  return fmt::format("{}{:02}:{:02}{}{:03}", hours_text, milliseconds / 60'000 % 60, milliseconds / 1000 % 60,
                     decimal_mark, milliseconds % 1000);
}

}  // namespace amanuensis::pipeline
