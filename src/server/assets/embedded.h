// The files of src/server/page/ and description/, as they are in the program's own memory. Immutable; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace amanuensis::server {

struct EmbeddedFile {
  std::string_view name;  // relative to the folder, with '/': "app/player.js"
  const char* begin;
  const char* end;

  std::string_view bytes() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

// Made by cmake/embed.cmake.
std::span<const EmbeddedFile> embedded_page();
std::span<const EmbeddedFile> embedded_description();

}  // namespace amanuensis::server
