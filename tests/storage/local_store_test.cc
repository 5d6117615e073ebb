#include "storage/local_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "storage/object_store.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::storage {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::read_file;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Files of this process cannot grow above a size, as if the disk were full.
class LargestFile {
 public:
  explicit LargestFile(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~LargestFile() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_DFL);
  }
  LargestFile(const LargestFile&) = delete;
  LargestFile& operator=(const LargestFile&) = delete;

 private:
  rlimit before_{};
};

class LocalStoreTest : public ::testing::Test {
 protected:
  std::vector<std::string> keys(std::string_view prefix = "") const {
    std::vector<std::string> found;
    store_->list(prefix, [&](const ObjectInfo& info) {
      found.push_back(info.key);
      return true;
    });
    return found;
  }
  std::vector<std::string> all_names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TempFolder folder_;
  std::unique_ptr<ObjectStore> store_ = open_store(folder_.path().string(), {});
};

TEST_F(LocalStoreTest, WhatIsWrittenIsRead) {
  const std::string bytes("a\0b\nc", 5);
  store_->write("calls/monday.json", bytes);
  EXPECT_EQ(store_->read("calls/monday.json", 5), bytes);
  EXPECT_EQ(read_file(folder_.path() / "calls/monday.json"), bytes);
  const auto info = store_->find("calls/monday.json");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, 5U);
  EXPECT_EQ(info->key, "calls/monday.json");
  store_->write("calls/monday.json", "");
  EXPECT_EQ(store_->read("calls/monday.json", 0), "");
  EXPECT_NE(store_->find("calls/monday.json")->etag, info->etag);
  EXPECT_EQ(store_->local_path("calls/monday.json"), folder_.path() / "calls/monday.json");
}

TEST_F(LocalStoreTest, FilesGoInAndOutWithProgress) {
  const TempFolder elsewhere;
  const std::string bytes(3'000'000, 'x');
  std::uint64_t moved = 0;
  const TransferOptions options{.on_bytes = [&](std::uint64_t so_far) { moved = so_far; }};
  store_->write_file("big", elsewhere.write("source", bytes), options);
  EXPECT_EQ(moved, bytes.size());
  moved = 0;
  const ObjectInfo info = store_->download("big", elsewhere.path() / "target", options);
  EXPECT_EQ(moved, bytes.size());
  EXPECT_EQ(info.size_bytes, bytes.size());
  EXPECT_EQ(info.etag, store_->find("big")->etag);
  EXPECT_EQ(read_file(elsewhere.path() / "target"), bytes);
}

TEST_F(LocalStoreTest, ListsInTheOrderOfKeysWhatIsAnObject) {
  for (const char* key : {"b/2", "b/1", "b.txt", "a", "b/.hidden", ".git/config", "b0"}) folder_.write(key, "x");
  fs::create_directories(folder_.path() / "empty");
  ASSERT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(keys(), ElementsAre("a", "b.txt", "b/1", "b/2", "b0"));
  EXPECT_THAT(keys("b/"), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(keys("b"), ElementsAre("b.txt", "b/1", "b/2", "b0"));
  EXPECT_THAT(keys("b/2"), ElementsAre("b/2"));
  EXPECT_THAT(keys("c"), IsEmpty());
  std::vector<std::string> first;
  store_->list("", [&](const ObjectInfo& info) {
    first.push_back(info.key);
    return first.size() < 2;
  });
  EXPECT_THAT(first, ElementsAre("a", "b.txt"));
}

TEST_F(LocalStoreTest, LinksAreFollowedButNotInCircles) {
  folder_.write("calls/1.wav", "x");
  const TempFolder elsewhere;
  elsewhere.write("2.wav", "x");
  fs::create_directory_symlink(elsewhere.path(), folder_.path() / "linked");
  fs::create_directory_symlink(folder_.path(), folder_.path() / "calls/up");
  fs::create_symlink("nowhere", folder_.path() / "broken");
  EXPECT_THAT(keys(), ElementsAre("calls/1.wav", "linked/2.wav"));
}

TEST_F(LocalStoreTest, AFolderThatIsNotThereIsEmptyAndIsMadeByTheFirstWrite) {
  const auto store = open_store("file://" + (folder_.path() / "not%20yet/there").string(), {});
  std::size_t count = 0;
  store->list("", [&](const ObjectInfo&) { return ++count > 0; });
  EXPECT_EQ(count, 0U);
  EXPECT_FALSE(store->exists("a"));
  store->write("a", "1");
  EXPECT_EQ(read_file(folder_.path() / "not yet/there/a"), "1");
}

TEST_F(LocalStoreTest, TheFirstOfManyWritersStays) {
  std::atomic<int> created{0};
  std::atomic<int> winner{-1};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, i] {
        if (store_->write_if_absent("result", std::to_string(i))) {
          ++created;
          winner = i;
        }
      });
    }
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(store_->read("result", 10), std::to_string(winner));
  EXPECT_THAT(all_names(), ElementsAre("result"));
  store_->remove("result");
  EXPECT_TRUE(store_->write_if_absent("result", "again"));
}

TEST_F(LocalStoreTest, RemovingTwiceIsNoError) {
  store_->write("a/b", "1");
  store_->remove("a/b");
  store_->remove("a/b");
  store_->remove("never/was");
  EXPECT_FALSE(store_->exists("a/b"));
}

TEST_F(LocalStoreTest, KeysStayBelowTheFolder) {
  for (const char* key : {"", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/", "a/."}) {
    EXPECT_EQ(error_of([&] { store_->write(key, "x"); }).code, ErrorCode::kInvalidArgument) << key;
    EXPECT_EQ(error_of([&] { store_->read(key, 10); }).code, ErrorCode::kInvalidArgument) << key;
  }
  EXPECT_THAT(all_names(), IsEmpty());
}

TEST_F(LocalStoreTest, SaysWhatIsWrong) {
  folder_.write("file", "12345");
  auto error = error_of([&] { store_->read("absent", 10); });
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("absent: cannot be opened"));
  error = error_of([&] { store_->read("file", 4); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, HasSubstr("larger than 4 bytes"));
  EXPECT_EQ(error_of([&] { store_->write("file/below", "x"); }).code, ErrorCode::kIo);
  fs::create_directory(folder_.path() / "folder");
  EXPECT_EQ(error_of([&] { store_->read("folder", 10); }).code, ErrorCode::kIo);
  EXPECT_FALSE(store_->find("folder"));
  EXPECT_EQ(error_of([&] { store_->write_file("x", folder_.path() / "absent"); }).code, ErrorCode::kNotFound);
}

TEST_F(LocalStoreTest, StoppingLeavesNothing) {
  const TempFolder elsewhere;
  const fs::path source = elsewhere.write("source", std::string(5'000'000, 'x'));
  std::stop_source stop;
  const TransferOptions options{.stop = stop.get_token(), .on_bytes = [&](std::uint64_t) { stop.request_stop(); }};
  EXPECT_EQ(error_of([&] { store_->write_file("big", source, options); }).code, ErrorCode::kCancelled);
  EXPECT_THAT(all_names(), IsEmpty());
}

TEST_F(LocalStoreTest, AFullDiskIsSaidAndLeavesTheOlderObject) {
  const LargestFile limit(1'000'000);
  store_->write("a", "older");
  const auto error = error_of([&] { store_->write("a", std::string(2'000'000, 'x')); });
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(store_->read("a", 10), "older");
}

}  // namespace
}  // namespace amanuensis::storage
