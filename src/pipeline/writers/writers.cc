#include "pipeline/writers/writers.h"

#include <algorithm>
#include <iterator>

#include "pipeline/writers/formats.h"

namespace amanuensis::pipeline {
namespace {

constexpr WriterFormat kFormats[] = {
    {"txt", write_txt}, {"vtt", write_vtt}, {"srt", write_srt}, {"tsv", write_tsv}, {"json", write_json}};

}  // namespace

std::span<const WriterFormat> writer_formats() { return kFormats; }

const WriterFormat* find_writer_format(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &WriterFormat::name);
  return found == std::end(kFormats) ? nullptr : found;
}

}  // namespace amanuensis::pipeline
