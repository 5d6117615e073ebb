// The S3 store against an emulator that tests/storage_emulator/emulator.py starts; its address comes as a variable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "storage/object_store.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::storage {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set; run this through emulator.py");
  return value;
}

// The same bytes that emulator.py compares with.
std::string large_object() {
  std::string period(251, '\0');
  for (std::size_t i = 0; i < period.size(); ++i) period[i] = static_cast<char>(i * 31 % 251);
  std::string bytes;
  for (int i = 0; i < 52'000; ++i) bytes += period;
  return bytes;
}

StorageSettings settings_of(const std::string& endpoint) {
  StorageSettings settings;
  settings.s3.endpoint = endpoint;
  settings.s3.access_key_id = "AKIDEXAMPLE";
  settings.s3.secret_access_key = "wJalrXUtnFEMI/K7MDENG";
  settings.s3.multipart_from_bytes = 6 << 20;
  settings.s3.part_bytes = 5 << 20;
  settings.first_pause = std::chrono::milliseconds(20);
  settings.longest_pause = std::chrono::milliseconds(500);
  settings.tries = 10;
  return settings;
}

class Emulator : public ::testing::Test {
 protected:
  std::unique_ptr<ObjectStore> open(const std::string& prefix) const {
    return open_store("s3://" + bucket_ + "/" + prefix, settings_);
  }
  static std::vector<std::string> keys(ObjectStore& store, std::string_view prefix = "") {
    std::vector<std::string> found;
    store.list(prefix, [&](const ObjectInfo& info) {
      found.push_back(info.key);
      return true;
    });
    return found;
  }

  std::string bucket_ = variable("AMANUENSIS_TEST_S3_BUCKET");
  StorageSettings settings_ = settings_of(variable("AMANUENSIS_TEST_S3"));
  test::TempFolder folder_;
};

TEST_F(Emulator, WhatIsWrittenIsFoundReadAndRemoved) {
  const auto store = open("ours");
  const std::string key = "ü b+c%20/&=?#;.json";
  const std::string bytes = R"({"text": "ü"})";
  store->write(key, bytes);
  EXPECT_EQ(store->read(key, 100), bytes);
  const auto info = store->find(key);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, bytes.size());
  EXPECT_EQ(info->etag.size(), 32U);
  EXPECT_THAT(keys(*store), ElementsAre(key));
  store->write("gone", "");
  EXPECT_EQ(store->read("gone", 0), "");
  store->remove("gone");
  store->remove("gone");
  EXPECT_FALSE(store->exists("gone"));
}

TEST_F(Emulator, ListsMoreThanAPage) {
  const auto store = open("many/");
  const std::vector<std::string> all = keys(*store);
  ASSERT_EQ(all.size(), 1103U);
  EXPECT_EQ(all.front(), "0000.wav");
  EXPECT_EQ(all.back(), "1102.wav");
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(keys(*store, "09").size(), 100U);
  EXPECT_TRUE(keys(*store, "x").empty());
}

TEST_F(Emulator, ReadsWhatOthersWrote) {
  const auto store = open("foreign");
  EXPECT_THAT(keys(*store), ElementsAre("by boto+3 ü.txt"));
  EXPECT_EQ(store->read("by boto+3 ü.txt", 100), "written by somebody else");
}

TEST_F(Emulator, TheFirstWriterStays) {
  const auto store = open("first");
  std::atomic<int> created{0};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 6; ++i) {
      writers.emplace_back([&, i] {
        if (store->write_if_absent("result", std::to_string(i))) ++created;
      });
    }
  }
  EXPECT_EQ(created, 1);
  EXPECT_FALSE(store->write_if_absent("result", "late"));
}

TEST_F(Emulator, TemporaryCredentialsWork) {
  settings_.s3.access_key_id = "ASIDEXAMPLE";
  settings_.s3.secret_access_key = "temporary";
  settings_.s3.session_token = "a/session+token==";
  open("temporary")->write("a", "x");
  settings_.s3.session_token = "another";
  EXPECT_THAT(error_of([&] { open("temporary")->write("a", "x"); }).message, HasSubstr("AWS_SESSION_TOKEN"));
}

TEST_F(Emulator, SaysWhatIsWrong) {
  EXPECT_EQ(error_of([&] { open("")->read("absent", 10); }).code, ErrorCode::kNotFound);
  const auto no_bucket = error_of([&] { keys(*open_store("s3://no-such-bucket", settings_)); });
  EXPECT_EQ(no_bucket.code, ErrorCode::kNotFound);
  EXPECT_THAT(no_bucket.message, AllOf(HasSubstr("s3://no-such-bucket/"), HasSubstr("404 NoSuchBucket")));
  settings_.s3.secret_access_key = "wrong";
  EXPECT_THAT(error_of([&] { open("")->read("a", 10); }).message, HasSubstr("403 SignatureDoesNotMatch"));
  settings_.s3.access_key_id = "NOBODY";
  EXPECT_THAT(error_of([&] { open("")->write("a", "x"); }).message, HasSubstr("403 InvalidAccessKeyId"));
}

// A large object there and back, through either door.
class Door : public Emulator, public ::testing::WithParamInterface<const char*> {};

TEST_P(Door, LargeObjectsGoThereAndBack) {
  const std::string door = GetParam();
  settings_.s3.endpoint = variable(door == "flaky" ? "AMANUENSIS_TEST_S3_FLAKY" : "AMANUENSIS_TEST_S3");
  const std::string bytes = large_object();
  const auto store = open(door);
  store->write_file("large.bin", folder_.write("source", bytes));
  const ObjectInfo info = store->download("large.bin", folder_.path() / "target");
  EXPECT_EQ(info.size_bytes, bytes.size());
  EXPECT_TRUE(test::read_file(folder_.path() / "target") == bytes);
  for (int i = 0; i < 40; ++i) {
    const std::string key = std::to_string(i);
    store->write(key, key);
    EXPECT_EQ(store->read(key, 10), key);
  }
  EXPECT_EQ(keys(*store).size(), 41U);
}

INSTANTIATE_TEST_SUITE_P(All, Door, ::testing::Values("checked", "flaky"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace amanuensis::storage
