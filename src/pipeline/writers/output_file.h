// A transcript as a file beside others. A file appears whole or not at all, replacing an older one. Keeps no state; may
// be called from any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "pipeline/transcript.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::pipeline {

struct OutputPlace {
  std::filesystem::path directory;  // made when it does not exist; empty: the current one
  std::string stem;                 // the file's name without extension; see output_stem
};

// The stem for the outputs of one input: its file name without the last extension ("talks/a.b.mp4" -> "a.b"), or
// "stdin" for "-".
std::string output_stem(std::string_view input);

// Writes <directory>/<stem>.<format name> and returns its path. Throws Error{kResourceExhausted} when the disk is full,
// Error{kIo} when the folder cannot be made or written; then nothing is left behind.
std::filesystem::path write_output_file(const Transcript& transcript, const WriterFormat& format,
                                        const WriterOptions& options, const OutputPlace& place);

}  // namespace amanuensis::pipeline
