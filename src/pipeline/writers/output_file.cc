#include "pipeline/writers/output_file.h"

#include <fmt/format.h>

#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/whole_file.h"

namespace amanuensis::pipeline {

std::string output_stem(std::string_view input) {
  if (input == "-") return "stdin";
  return std::filesystem::path(input).stem().string();
}

std::filesystem::path write_output_file(const Transcript& transcript, const WriterFormat& format,
                                        const WriterOptions& options, const OutputPlace& place) {
  std::ostringstream text;
  format.write(transcript, options, text);

  const std::filesystem::path directory = place.directory.empty() ? "." : place.directory;
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: cannot make the output folder: {}", directory.string(), failed.message()));
  }
  std::filesystem::path target = place.directory / fmt::format("{}.{}", place.stem, format.name);
  WholeFile file(directory / target.filename());
  file.write(text.view());
  file.commit();
  return target;
}

}  // namespace amanuensis::pipeline
