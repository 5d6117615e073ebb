// Transcripts as files: txt, srt, vtt, tsv and json, byte for byte as openai/whisper's utils.py writes them.
// A format is one file here and one line in writer_formats(). Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>

#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// How captions (vtt, srt) are broken up; the other formats take no notice. With word times all are as in
// openai/whisper. Without, the first two wrap each segment's text instead, and the last two do nothing.
struct WriterOptions {
  // Characters a line; absent or 0: no limit.
  std::optional<std::size_t> max_line_width = std::nullopt;
  // Lines a caption; absent or 0: no limit. Without word times it needs max_line_width; with both and word times,
  // captions may span segments.
  std::optional<std::size_t> max_line_count = std::nullopt;
  // Words a caption; absent or 0: no limit. Has no effect beside max_line_width and max_line_count together.
  std::optional<std::size_t> max_words_per_line = std::nullopt;
  // A caption for each word as it is said, with the word underlined.
  bool highlight_words = false;
};

using WriteFn = void (*)(const Transcript&, const WriterOptions&, std::ostream&);

struct WriterFormat {
  std::string_view name;  // also the file extension
  WriteFn write;
};

// txt, vtt, srt, tsv, json.
std::span<const WriterFormat> writer_formats();
// nullptr when there is no such format.
const WriterFormat* find_writer_format(std::string_view name);

}  // namespace amanuensis::pipeline
