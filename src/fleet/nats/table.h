// A JetStream key-value bucket: text under keys, every change with a revision, so that a change is made only to what
// one has read. Keys are of letters, digits, '-', '_' and '.'. Any thread; calls block and throw Error{kNetwork} while
// there is no server or no majority of servers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fleet/nats/connection.h"

// The library's own names, as in connection.h.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
struct __kvStore;
struct __kvWatcher;
}
// NOLINTEND(bugprone-reserved-identifier)

namespace amanuensis::fleet {

using Revision = std::uint64_t;

struct TableOptions {
  std::string bucket;
  int replicas = 1;
};

class Table {
 public:
  // Makes the bucket when there is none.
  Table(Connection& connection, const TableOptions& options);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  struct Entry {
    std::string value;
    Revision revision = 0;
  };
  std::optional<Entry> get(const std::string& key);
  // Nothing when there is an entry already.
  std::optional<Revision> create(const std::string& key, std::string_view value);
  // Nothing when the entry's revision is another.
  std::optional<Revision> update(const std::string& key, std::string_view value, Revision revision);
  // No entry is no error.
  void remove(const std::string& key);
  // Entries that there are.
  std::uint64_t size();

  // What happened to an entry: its value now; nothing when it was removed.
  struct Change {
    std::string key;
    std::optional<std::string> value;
    Revision revision = 0;
  };
  // Calls `on_change` for every entry, then `on_complete` once, then `on_change` for what happens, until the watch is
  // destroyed; on a thread of its own.
  class Watch;
  std::unique_ptr<Watch> watch(std::function<void(const Change&)> on_change, std::function<void()> on_complete);
  // Every entry, once.
  void each(const std::function<void(const Change&)>& visit);

 private:
  friend class Watch;
  std::string bucket_;
  Connection& connection_;
  __kvStore* store_ = nullptr;
};

class Table::Watch {
 public:
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  friend class Table;
  struct State;
  explicit Watch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanuensis::fleet
