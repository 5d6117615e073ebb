// Where recordings come from and results go when one machine is not enough: a local or shared folder, an S3 bucket, or
// one recording at an address. A store holds objects under keys: paths relative to the store, with '/' between their
// parts. What is written appears whole or not at all, also to readers on other machines.
//
// A store may be used by several threads at once; calls block. All throw Error, with a message that names the object,
// what the storage said, and what to do:
//   kNotFound           no such object, folder or bucket
//   kInvalidArgument    an address or key that makes no sense, or credentials that are missing
//   kUnsupported        the store cannot do this (an https:// address is only read)
//   kIo                 the storage refuses: no permission, wrong credentials, a failing disk
//   kNetwork            no answer, or only errors, in spite of trying again
//   kResourceExhausted  the disk or the bucket's quota is full
//   kBadData            an object that is not what was announced: wrong size or checksum
//   kCancelled          stop was requested
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "storage/settings.h"

namespace amanuensis::storage {

struct ObjectInfo {
  std::string key;
  std::uint64_t size_bytes = 0;
  // Changes when the content does; otherwise opaque and the store's own. Empty where a server does not say.
  std::string etag;
};

// What a transfer may be given besides.
struct TransferOptions {
  std::stop_token stop = {};
  // Hears how many bytes of this object have been moved so far; less again when a part is repeated.
  std::function<void(std::uint64_t)> on_bytes = {};
};

class ObjectStore {
 public:
  ObjectStore() = default;
  virtual ~ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // The object's full address, as open_object() takes it and as messages show it. The empty key is the store itself.
  virtual std::string uri(std::string_view key) const = 0;

  // Calls `each` with every object whose key begins with `prefix`, in the order of the keys' bytes, until it returns
  // false. Pages are asked for as they are needed. No object is an ordinary outcome. Half-written files, and in folders
  // names that begin with a dot, are not objects.
  using Visitor = std::function<bool(const ObjectInfo&)>;
  virtual void list(std::string_view prefix, const Visitor& each, const std::stop_token& stop = {}) = 0;

  // Size and etag; empty when there is no such object.
  virtual std::optional<ObjectInfo> find(std::string_view key, const std::stop_token& stop = {}) = 0;

  // The whole object, kept in memory. Throws Error{kBadData} when it is larger than max_bytes.
  virtual std::string read(std::string_view key, std::uint64_t max_bytes, const TransferOptions& options = {}) = 0;

  // The object as the file `target`, which appears when all of it is there and has been checked. A broken connection
  // is resumed where it stopped, unless the object has changed meanwhile; then it begins anew.
  virtual ObjectInfo download(std::string_view key, const std::filesystem::path& target,
                              const TransferOptions& options = {}) = 0;

  // Creates or replaces an object. Folders that the key names are made.
  virtual void write(std::string_view key, std::string_view bytes, const TransferOptions& options = {}) = 0;
  virtual void write_file(std::string_view key, const std::filesystem::path& source,
                          const TransferOptions& options = {}) = 0;

  // Creates an object unless there is one of that name, as one step where the storage can do that; says whether it did.
  // For results that several workers may make: the first one stays.
  virtual bool write_if_absent(std::string_view key, std::string_view bytes, const TransferOptions& options = {}) = 0;

  // Removes an object; one that is not there is no error.
  virtual void remove(std::string_view key, const std::stop_token& stop = {}) = 0;

  // Where the object lies as an ordinary file of this machine, so that it need not be copied to be read; empty when it
  // is not one. Says nothing about whether it exists.
  virtual std::optional<std::filesystem::path> local_path(std::string_view key) const = 0;

  bool exists(std::string_view key, const std::stop_token& stop = {}) { return find(key, stop).has_value(); }
};

// What `uri` names, taken as a folder:
//   /shared/calls, calls, file:///shared/calls     a folder of this machine; need not exist before the first write
//   s3://bucket, s3://bucket/some/prefix           keys are below the prefix, which may end in '/' or not
//   https://host/meeting.mp3, http://...           the one object there, its key the last part of the path
// Throws Error{kInvalidArgument} for anything else, and for s3:// without credentials. Asks nobody yet.
std::unique_ptr<ObjectStore> open_store(const std::string& uri, const StorageSettings& settings);

// One object and the store it is in. The key is empty when the address ends in '/' or is only a bucket.
struct ObjectAddress {
  std::string store;  // for open_store()
  std::string key;
};

// "s3://bucket/calls/monday.mp3" -> {"s3://bucket/calls", "monday.mp3"}, and folders likewise; an https:// address is
// its own store: {"https://host/monday.mp3?id=7", "monday.mp3"}. Throws Error{kInvalidArgument} as open_store() does.
ObjectAddress split_address(const std::string& uri);

// The other way round: "s3://bucket/calls/" and "a.mp3" -> "s3://bucket/calls/a.mp3".
std::string join_address(std::string_view store, std::string_view key);

// Whether it is an address with a scheme ("s3://...", "file://...", "https://..."), not a path.
bool has_scheme(std::string_view uri);

}  // namespace amanuensis::storage
