#include "server/live/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/http/loop.h"

namespace amanuensis::server {
namespace {

using testing::ElementsAre;

TEST(Turns, SoundThatWaitsIsTakenTogether) {
  const auto loop = make_loop();
  std::vector<std::string> order;
  std::promise<void> first_may_end, over;
  {
    Worker worker(*loop, 2);
    const auto turns = std::make_shared<Turns>(worker);
    const auto take = [&order](const std::string& sound) { order.push_back(sound); };
    turns->add([&] { first_may_end.get_future().wait(); });
    turns->add_sound("a", take);
    turns->add_sound("b", take);
    turns->add([&order] { order.emplace_back("flush"); });
    turns->add_sound("c", take);
    turns->add([&over] { over.set_value(); });
    EXPECT_FALSE(turns->full());
    first_may_end.set_value();
    over.get_future().wait();
  }
  EXPECT_THAT(order, ElementsAre("ab", "flush", "c"));
}

TEST(Turns, AreFullWithMinutesOfSoundAndEmptyWhenCleared) {
  const auto loop = make_loop();
  std::promise<void> may_end;
  Worker worker(*loop, 1);
  const auto turns = std::make_shared<Turns>(worker);
  turns->add([&] { may_end.get_future().wait(); });
  turns->add_sound(std::string(10u << 20, '\0'), [](const std::string& /*sound*/) {});
  EXPECT_FALSE(turns->full());
  turns->add_sound(std::string(10u << 20, '\0'), [](const std::string& /*sound*/) {});
  EXPECT_TRUE(turns->full());
  turns->clear();
  EXPECT_FALSE(turns->full());
  may_end.set_value();
}

}  // namespace
}  // namespace amanuensis::server
