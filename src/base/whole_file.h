// A file that appears whole or not at all: it is written under another name in the same folder, then renamed, and takes
// the place of an older one. One object is one file and belongs to one thread; different files are independent.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace amanuensis {

class WholeFile {
 public:
  // Begins an empty file that will be called `target`. This and the rest throw Error{kNotFound} when the folder is not
  // there, Error{kResourceExhausted} when the disk is full and Error{kIo} when the system refuses; then nothing of it
  // is left, and what was called `target` before still is.
  explicit WholeFile(std::filesystem::path target);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(std::span<const std::byte> bytes) const;
  void write(std::string_view text) const { write(std::as_bytes(std::span(text))); }

  // Begins again, with an empty file.
  void clear() const;

  // Gives the file its name, after all of it has reached the disk. Without this call it disappears.
  void commit();

  // As commit(), but leaves it to the system when the bytes reach the disk: for what can be had again.
  void commit_unflushed();

  // As commit(), unless something has the name already: then that stays and false is returned. One step for all who try
  // at once, also on a shared folder, where the file system has hard links; a short check elsewhere.
  bool commit_if_absent();

 private:
  void flush() const;
  void close();
  void rename();

  std::filesystem::path target_;
  std::filesystem::path partial_;
  int descriptor_ = -1;
};

}  // namespace amanuensis
