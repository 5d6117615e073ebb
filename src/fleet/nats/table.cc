#include "fleet/nats/table.h"

#include <fmt/format.h>

#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include "fleet/nats/status.h"

namespace amanuensis::fleet {
namespace {

constexpr std::int64_t kLookMs = 250;
constexpr std::chrono::seconds kWatchAgainAfter{1};

struct EntryFree {
  void operator()(kvEntry* entry) const { kvEntry_Destroy(entry); }
};
using EntryPtr = std::unique_ptr<kvEntry, EntryFree>;

struct WatcherFree {
  void operator()(kvWatcher* watcher) const { kvWatcher_Destroy(watcher); }
};
using WatcherPtr = std::unique_ptr<kvWatcher, WatcherFree>;

std::string value_of(kvEntry* entry) {
  return {static_cast<const char*>(kvEntry_Value(entry)), static_cast<std::size_t>(kvEntry_ValueLen(entry))};
}

Table::Change change_of(kvEntry* entry) {
  Table::Change change{.key = kvEntry_Key(entry), .value = std::nullopt, .revision = kvEntry_Revision(entry)};
  if (kvEntry_Operation(entry) == kvOp_Put) change.value = value_of(entry);
  return change;
}

// The server says that the subject's last sequence is another.
bool is_conflict(natsStatus status) {
  if (status == NATS_OK) return false;
  const char* text = nats_GetLastError(nullptr);
  return text != nullptr && std::string_view(text).find("wrong last sequence") != std::string_view::npos;
}

}  // namespace

Table::Table(Connection& connection, const TableOptions& options) : bucket_(options.bucket), connection_(connection) {
  natsStatus status = js_KeyValue(&store_, connection.jetstream(), bucket_.c_str());
  if (status == NATS_NOT_FOUND) {
    kvConfig config;
    kvConfig_Init(&config);
    config.Bucket = bucket_.c_str();
    config.History = 1;
    config.Replicas = options.replicas;
    status = js_CreateKeyValue(&store_, connection.jetstream(), &config);
    // Somebody else may have made it at the same time.
    if (status != NATS_OK) status = js_KeyValue(&store_, connection.jetstream(), bucket_.c_str());
  }
  check(status, fmt::format("table '{}'", bucket_));
}

Table::~Table() { kvStore_Destroy(store_); }

std::optional<Table::Entry> Table::get(const std::string& key) {
  kvEntry* raw = nullptr;
  const natsStatus status = kvStore_Get(&raw, store_, key.c_str());
  if (status == NATS_NOT_FOUND) return std::nullopt;
  check(status, fmt::format("reading '{}'", key));
  const EntryPtr entry(raw);
  return Entry{value_of(raw), kvEntry_Revision(raw)};
}

std::optional<Revision> Table::create(const std::string& key, std::string_view value) {
  Revision revision = 0;
  const natsStatus status =
      kvStore_Create(&revision, store_, key.c_str(), value.data(), static_cast<int>(value.size()));
  if (is_conflict(status)) return std::nullopt;
  check(status, fmt::format("writing '{}'", key));
  return revision;
}

std::optional<Revision> Table::update(const std::string& key, std::string_view value, Revision revision) {
  Revision written = 0;
  const natsStatus status =
      kvStore_Update(&written, store_, key.c_str(), value.data(), static_cast<int>(value.size()), revision);
  if (is_conflict(status)) return std::nullopt;
  check(status, fmt::format("writing '{}'", key));
  return written;
}

void Table::remove(const std::string& key) {
  // Not kvStore_Purge: with one value kept for a key it does the same, and nats-server 2.9 may leave a change to
  // another entry, made at that moment, out of a watch.
  const natsStatus status = kvStore_Delete(store_, key.c_str());
  if (status != NATS_NOT_FOUND) check(status, fmt::format("removing '{}'", key));
}

std::uint64_t Table::size() {
  kvStatus* status = nullptr;
  check(kvStore_Status(&status, store_), fmt::format("counting '{}'", bucket_));
  const std::uint64_t count = kvStatus_Values(status);
  kvStatus_Destroy(status);
  return count;
}

struct Table::Watch::State {
  std::function<void(const Change&)> on_change;
  std::function<void()> on_complete;
  std::jthread thread;

  void run(kvStore* store, const std::stop_token& stop) {
    bool completed = false;
    while (!stop.stop_requested()) {
      kvWatcher* raw = nullptr;
      if (kvStore_WatchAll(&raw, store, nullptr) != NATS_OK) {
        std::this_thread::sleep_for(kWatchAgainAfter);
        continue;
      }
      const WatcherPtr watcher(raw);
      follow(raw, stop, completed);
    }
  }

  // Ends when the watcher does; a new one begins with everything there is.
  void follow(kvWatcher* watcher, const std::stop_token& stop, bool& completed) {
    while (!stop.stop_requested()) {
      kvEntry* raw = nullptr;
      const natsStatus status = kvWatcher_Next(&raw, watcher, kLookMs);
      if (status == NATS_TIMEOUT) continue;
      if (status != NATS_OK) return;
      if (raw == nullptr) {
        if (!std::exchange(completed, true) && on_complete) on_complete();
        continue;
      }
      const EntryPtr entry(raw);
      on_change(change_of(raw));
    }
  }
};

Table::Watch::Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Table::Watch::~Watch() = default;

std::unique_ptr<Table::Watch> Table::watch(std::function<void(const Change&)> on_change,
                                           std::function<void()> on_complete) {
  auto state = std::make_unique<Watch::State>();
  state->on_change = std::move(on_change);
  state->on_complete = std::move(on_complete);
  state->thread =
      std::jthread([raw = state.get(), store = store_](const std::stop_token& stop) { raw->run(store, stop); });
  return std::unique_ptr<Watch>(new Watch(std::move(state)));
}

void Table::each(const std::function<void(const Change&)>& visit) {
  kvWatcher* raw = nullptr;
  check(kvStore_WatchAll(&raw, store_, nullptr), fmt::format("listing '{}'", bucket_));
  const WatcherPtr watcher(raw);
  while (true) {
    kvEntry* entry = nullptr;
    const natsStatus status = kvWatcher_Next(&entry, raw, connection_.settings().request_timeout.count());
    check(status, fmt::format("listing '{}'", bucket_));
    if (entry == nullptr) return;
    const EntryPtr kept(entry);
    const Change change = change_of(entry);
    if (change.value) visit(change);
  }
}

}  // namespace amanuensis::fleet
