#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "model/hub/cache.h"
#include "model/hub/hashing.h"
#include "model/hub/http.h"
#include "model/hub/hub.h"
#include "model/hub/model_name.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using test::TempFolder;

TEST(ModelNameTest, ShortNamesAndRepositoriesAreTakenApart) {
  EXPECT_EQ(parse_model_name("base")->repository, "openai/whisper-base");
  EXPECT_EQ(parse_model_name("base")->revision, "main");
  EXPECT_EQ(parse_model_name("large")->repository, "openai/whisper-large-v3");
  EXPECT_EQ(parse_model_name("turbo@refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(parse_model_name("some.one/a_b-c")->repository, "some.one/a_b-c");
  for (const char* bad : {"", "bse", "/x", "x/", "../x", "a/../b", "a/b/c", "a/.b", "a b/c", "base@", "base@../x",
                          "base@/etc", "a--b/c"}) {
    EXPECT_FALSE(parse_model_name(bad)) << bad;
  }
}

TEST(ModelNameTest, EveryKnownNameParsesAndIsUnique) {
  std::set<std::string_view> names;
  for (const KnownModel& known : known_models()) {
    EXPECT_TRUE(parse_model_name(known.repository)) << known.repository;
    EXPECT_TRUE(names.insert(known.name).second) << known.name;
    EXPECT_FALSE(known.note.empty());
  }
}

TEST(ModelNameTest, RepositoriesWithTwoNamesShowTheFullOne) {
  EXPECT_EQ(display_name("openai/whisper-large-v3"), "large-v3");
  EXPECT_EQ(display_name("openai/whisper-large-v3-turbo"), "large-v3-turbo");
  EXPECT_EQ(display_name("me/mine"), "me/mine");
}

TEST(ModelNameTest, PathsAServerMayChoose) {
  EXPECT_TRUE(is_safe_relative_path("config.json"));
  EXPECT_TRUE(is_safe_relative_path("onnx/model.onnx"));
  for (const char* bad : {"", "/etc/passwd", "..", "a/../b", "a//b", "./a", "a/", "a\\b", "a\nb"}) {
    EXPECT_FALSE(is_safe_relative_path(bad)) << bad;
  }
}

TEST(HashingTest, KnownAnswers) {
  const TempFolder folder;
  folder.write("abc", "abc");
  folder.write("empty", "");
  EXPECT_EQ(sha256_of_file(folder.path() / "abc", {}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // `printf abc | git hash-object --stdin`
  EXPECT_EQ(git_blob_sha1_of_file(folder.path() / "abc", {}), "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
  EXPECT_EQ(git_blob_sha1_of_file(folder.path() / "empty", {}), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(HttpTextTest, UrlsAreEncodedAndStrippedOfSecrets) {
  EXPECT_EQ(url_encode("refs/pr 1", false), "refs%2Fpr%201");
  EXPECT_EQ(url_encode("a/b~c.json", true), "a/b~c.json");
  EXPECT_EQ(url_origin("https://user:secret@hub.example:8443/x?token=1"), "https://hub.example:8443");
  EXPECT_EQ(url_origin("http://127.0.0.1:80"), "http://127.0.0.1:80");
}

TEST(CacheTest, IncompleteModelsAreNotModels) {
  const TempFolder folder;
  EXPECT_FALSE(is_complete_whisper_model(folder.path()));
  folder.write("config.json", R"({"model_type": "whisper"})");
  EXPECT_FALSE(is_complete_whisper_model(folder.path())) << "no weights";
  folder.write("model.safetensors.index.json", R"({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})");
  folder.write("a.safetensors", "x");
  EXPECT_FALSE(is_complete_whisper_model(folder.path())) << "one shard is missing";
  folder.write("b.safetensors", "x");
  EXPECT_TRUE(is_complete_whisper_model(folder.path()));
  folder.write("config.json", R"({"model_type": "bert"})");
  EXPECT_FALSE(is_complete_whisper_model(folder.path()));
  folder.write("config.json", "[");
  EXPECT_FALSE(is_complete_whisper_model(folder.path()));
}

TEST(FileLockTest, IsHeldByOneAtATime) {
  const TempFolder folder;
  auto first = FileLock::try_lock(folder.path() / "x/lock");
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::try_lock(folder.path() / "x/lock"));
  first.reset();
  EXPECT_TRUE(FileLock::try_lock(folder.path() / "x/lock"));
}

}  // namespace
}  // namespace amanuensis::model
