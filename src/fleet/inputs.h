// What people give `amanuensis submit`: files, folders, patterns, lists of them, s3:// prefixes, addresses. Expanding
// asks the stores for what is there and reads no recording.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/recording.h"

namespace amanuensis::fleet {

struct Input {
  std::string source;  // an absolute path, s3://... or https://...
  std::string name;    // for people
  std::uint64_t size_bytes = 0;
  std::string etag = {};  // changes when the content does; empty for files of this machine
  bool is_file = false;   // of this machine
};

// Whether a file of that name, found in a folder, is taken for a recording.
bool is_media_name(std::string_view name);

// Calls `each` for every recording that `text` means:
//   a file, whatever its name; a folder, with the media files below it; a pattern with * ? [] as shells have it;
//   s3://bucket/prefix, all media objects whose keys begin so (or that one object); https://..., that recording.
// Throws Error{kNotFound} when there is nothing, and as the stores do.
void expand_input(const std::string& text, Stores& stores, const std::function<void(const Input&)>& each,
                  const std::stop_token& stop = {});

// The inputs of a manifest: one a line, or a JSON object with "source" a line; empty lines and those that begin with
// '#' are skipped. Relative paths are relative to `folder`. Throws Error{kBadData} naming the line.
std::vector<std::string> read_manifest(std::istream& in, const std::string& folder);

}  // namespace amanuensis::fleet
