// The wrappers around JetStream, against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fleet/nats/connection.h"
#include "fleet/nats/stream.h"
#include "fleet/nats/table.h"
#include "fleet/nats/work_queue.h"
#include "support/error_of.h"
#include "support/nats_server.h"

namespace amanuensis::fleet {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

NatsSettings at(const std::string& servers, milliseconds request_timeout = milliseconds(5000)) {
  NatsSettings settings;
  settings.servers = servers;
  settings.connect_timeout = milliseconds(3000);
  settings.request_timeout = request_timeout;
  return settings;
}

template <typename Condition>
bool eventually(const Condition& condition) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

TEST(NatsAddress, HidesPasswordsAndSaysWhatIsWrong) {
  EXPECT_EQ(without_password("nats://a:4222,tls://user:secret@b:4222"), "nats://a:4222,tls://***@b:4222");
  for (const char* address : {"", "localhost:4222", "http://localhost"}) {
    EXPECT_EQ(test::error_of([&] { Connection connection(at(address)); }).code, ErrorCode::kInvalidArgument);
  }
  const auto error = test::error_of([] { Connection connection(at("nats://x:secret@127.0.0.1:1")); });
  EXPECT_EQ(error.code, ErrorCode::kNetwork);
  EXPECT_EQ(error.message.find("secret"), std::string::npos) << error.message;
}

TEST(NatsTable, ChangesOnlyWhatWasRead) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  Table table(connection, {.bucket = "t-jobs"});
  EXPECT_FALSE(table.get("a"));
  const auto first = table.create("a", "1");
  ASSERT_TRUE(first);
  EXPECT_FALSE(table.create("a", "2"));
  const auto second = table.update("a", "3", *first);
  ASSERT_TRUE(second);
  EXPECT_FALSE(table.update("a", "4", *first));
  EXPECT_EQ(table.get("a")->value, "3");
  EXPECT_EQ(table.get("a")->revision, *second);
  table.remove("a");
  table.remove("never");
  EXPECT_FALSE(table.get("a"));
  EXPECT_TRUE(table.create("a", "5"));
  Table same(connection, {.bucket = "t-jobs"});
  EXPECT_EQ(same.get("a")->value, "5");
}

TEST(NatsTable, IsWatchedFromTheBeginningOn) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  Table table(connection, {.bucket = "t-jobs"});
  for (const char* key : {"a", "b"}) table.create(key, key);
  std::mutex mutex;
  std::vector<std::string> heard;
  const auto note = [&](const std::string& what) {
    const std::scoped_lock lock(mutex);
    heard.push_back(what);
  };
  const auto watch =
      table.watch([&](const Table::Change& change) { note(change.key + "=" + change.value.value_or("removed")); },
                  [&] { note("complete"); });
  const auto count = [&] {
    const std::scoped_lock lock(mutex);
    return heard.size();
  };
  ASSERT_TRUE(eventually([&] { return count() == 3; }));
  table.create("c", "c");
  table.remove("a");
  ASSERT_TRUE(eventually([&] { return count() == 5; }));
  const std::scoped_lock lock(mutex);
  EXPECT_THAT(heard, ElementsAre("a=a", "b=b", "complete", "c=c", "a=removed"));
}

TEST(NatsWorkQueue, HandsOutEachOnceUntilItIsGivenBack) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  WorkQueue queue(connection, {.name = "t"});
  EXPECT_EQ(queue.replicas(), 1);
  EXPECT_TRUE(queue.take(Priority::kNormal, 4).empty());
  EXPECT_TRUE(queue.put(Priority::kNormal, "a", "work a"));
  EXPECT_FALSE(queue.put(Priority::kNormal, "a", "again"));
  EXPECT_TRUE(queue.put(Priority::kHigh, "b", "work b"));
  EXPECT_TRUE(queue.contains(Priority::kNormal, "a"));
  EXPECT_EQ(queue.depth(Priority::kNormal).waiting, 1U);

  auto taken = queue.take(Priority::kNormal, 4);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0]->data(), "work a");
  EXPECT_EQ(taken[0]->delivered(), 1U);
  EXPECT_TRUE(queue.take(Priority::kNormal, 4).empty());
  EXPECT_EQ(queue.depth(Priority::kNormal).handed_out, 1U);
  taken[0]->give_back(milliseconds(0));
  ASSERT_TRUE(eventually([&] {
    taken = queue.take(Priority::kNormal, 4);
    return !taken.empty();
  }));
  EXPECT_EQ(taken[0]->delivered(), 2U);
  taken[0]->ack();
  EXPECT_FALSE(queue.contains(Priority::kNormal, "a"));
  EXPECT_TRUE(queue.put(Priority::kNormal, "a", "anew"));
  queue.remove(Priority::kNormal, "a");
  queue.remove(Priority::kNormal, "a");
  EXPECT_TRUE(queue.take(Priority::kNormal, 4).empty());
  EXPECT_EQ(queue.take(Priority::kHigh, 4).size(), 1U);
}

TEST(NatsWorkQueue, HandsOutAsManyAsAreAskedFor) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  WorkQueue queue(connection, {.name = "t"});
  // Answers that there is nothing are not taken for those to later questions.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.take(Priority::kLow, 2).empty());
  for (int i = 0; i < 5; ++i) queue.put(Priority::kLow, std::to_string(i), std::to_string(i));
  std::vector<std::string> taken;
  for (const std::size_t most : {2U, 2U, 2U, 2U}) {
    const auto some = queue.take(Priority::kLow, most);
    EXPECT_LE(some.size(), most);
    for (const auto& each : some) taken.push_back(each->data());
  }
  EXPECT_THAT(taken, ElementsAre("0", "1", "2", "3", "4"));
}

TEST(NatsWorkQueue, AsksAgainAfterTheServersAbsence) {
  AMANUENSIS_NEEDS_NATS();
  test::NatsServer server;
  Connection connection(at(server.address(), milliseconds(1000)));
  WorkQueue queue(connection, {.name = "t"});
  queue.put(Priority::kHigh, "a", "work a");
  server.stop();
  ASSERT_TRUE(eventually([&] { return !connection.connected(); }));
  EXPECT_EQ(test::error_of([&] { queue.take(Priority::kHigh, 1); }).code, ErrorCode::kNetwork);
  server.start();
  std::vector<std::unique_ptr<Delivery>> taken;
  ASSERT_TRUE(eventually([&] {
    try {
      taken = queue.take(Priority::kHigh, 1);
    } catch (const Error&) {
      return false;
    }
    return !taken.empty();
  }));
  EXPECT_EQ(taken[0]->data(), "work a");
}

TEST(NatsWorkQueue, CountsDeliveriesInBothFormsOfTheServersAddress) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  EXPECT_EQ(Delivery(connection, "$JS.ACK.t.high.3.10.11.1700000000000000000.0", "").delivered(), 3U);
  EXPECT_EQ(Delivery(connection, "$JS.ACK.hub.account.t.high.4.10.11.1700000000000000000.0.x", "").delivered(), 4U);
  EXPECT_EQ(Delivery(connection, "elsewhere", "").delivered(), 0U);
}

TEST(NatsWorkQueue, WhatNobodySpeaksOfComesAgain) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  WorkQueue queue(connection, {.name = "t", .ack_wait = milliseconds(2500)});
  queue.put(Priority::kLow, "kept", "");
  queue.put(Priority::kLow, "lost", "");
  const auto taken = queue.take(Priority::kLow, 2);
  ASSERT_EQ(taken.size(), 2U);
  std::vector<std::unique_ptr<Delivery>> again;
  ASSERT_TRUE(eventually([&] {
    taken[0]->in_progress();
    again = queue.take(Priority::kLow, 2);
    return !again.empty();
  }));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0]->delivered(), 2U);
}

TEST(NatsStream, SurvivesTheServer) {
  AMANUENSIS_NEEDS_NATS();
  test::NatsServer server;
  Connection connection(at(server.address(), milliseconds(1000)));
  ensure_stream(connection, {.name = "t-dead", .subjects = "t.dead.>", .max_per_subject = 1});
  store(connection, "t.dead.a", "1", "");
  store(connection, "t.dead.a", "2", "x");
  store(connection, "t.dead.a", "3", "x");  // the same id: not kept
  store(connection, "t.dead.b", "4", "");
  server.stop();
  EXPECT_EQ(test::error_of([&] { store(connection, "t.dead.c", "", ""); }).code, ErrorCode::kNetwork);
  server.start();
  ASSERT_TRUE(eventually([&] { return connection.connected(); }));
  std::vector<std::string> letters;
  ASSERT_TRUE(eventually([&] {
    try {
      letters.clear();
      read_stream(connection, "t.dead.>", [&](const auto&, std::string_view data) { letters.emplace_back(data); });
      return true;
    } catch (const Error&) {
      return false;
    }
  }));
  // Whether what was stored while there was no server is kept, nobody can know: it may have been sent later.
  ASSERT_GE(letters.size(), 2U);
  EXPECT_EQ(letters[0], "2");
  EXPECT_EQ(letters[1], "4");
  const std::uint64_t before = count_messages(connection, "t-dead");
  remove_last(connection, "t-dead", "t.dead.a");
  remove_last(connection, "t-dead", "t.dead.a");
  EXPECT_EQ(count_messages(connection, "t-dead"), before - 1);
  EXPECT_EQ(connection.reconnects(), 1U);
}

TEST(NatsStream, TellsThoseWhoListen) {
  AMANUENSIS_NEEDS_NATS();
  const test::NatsServer server;
  Connection connection(at(server.address()));
  ensure_stream(connection, {.name = "t-events", .subjects = "t.events.>"});
  connection.publish("t.events.a", "1");
  connection.flush();
  std::atomic<int> heard{0};
  std::atomic<int> plain{0};
  const StreamReader reader(connection, "t.events.a", [&](std::string_view) { ++heard; });
  const auto subscription = connection.subscribe("t.events.*", [&](const auto&, std::string_view) { ++plain; });
  connection.publish("t.events.a", "2");
  connection.publish("t.events.b", "3");
  EXPECT_TRUE(eventually([&] { return heard == 2 && plain == 2; }));
}

}  // namespace
}  // namespace amanuensis::fleet
