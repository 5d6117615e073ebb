// Streams of JetStream as such: making them, and reading what one holds. Any thread; calls block and throw
// Error{kNetwork} while there is no server or no majority of servers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "fleet/nats/connection.h"

namespace amanuensis::fleet {

struct StreamOptions {
  std::string name;
  std::string subjects;  // "amanuensis.dead.>"
  // As WorkQueueOptions has it.
  int replicas = 0;
  bool work_queue = false;            // a message goes when it is acknowledged
  std::int64_t max_per_subject = -1;  // the oldest goes
  std::chrono::seconds max_age{0};    // 0: for ever
  std::int64_t max_bytes = -1;        // the oldest goes
};

// Makes the stream when there is none; how many copies there are of what it holds. Throws Error{kUnsupported} when the
// servers have no JetStream, or cannot keep so many copies.
int ensure_stream(Connection& connection, const StreamOptions& options);

// Kept by the stream when this returns. `id`, unless empty, keeps a second message of the same id out for some minutes.
void store(Connection& connection, const std::string& subject, std::string_view data, const std::string& id);

// Messages that a stream holds.
std::uint64_t count_messages(Connection& connection, const std::string& stream);
// The messages of a subject (which may hold wildcards) that are there now, oldest first.
void read_stream(Connection& connection, const std::string& subject,
                 const std::function<void(const std::string& subject, std::string_view data)>& visit);
// Those, then what comes, until the object is destroyed; on a thread of the library. The callback must not throw.
class StreamReader {
 public:
  StreamReader(Connection& connection, const std::string& subject,
               std::function<void(std::string_view data)> on_message);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// Removes what a stream holds of a subject, the last message alone.
void remove_last(Connection& connection, const std::string& stream, const std::string& subject);

}  // namespace amanuensis::fleet
