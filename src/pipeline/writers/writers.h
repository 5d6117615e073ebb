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

struct WriterOptions {
  std::optional<std::size_t> max_line_width;  // characters; breaks lines (needs word times, as in openai/whisper)
  std::optional<std::size_t> max_line_count;  // lines a caption
  std::optional<std::size_t> max_words_per_line;
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
