#include "model/hub/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "support/fake_hub.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::HubFile;
using test::read_file;
using test::TempFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kOtherCommit = "89abcdef0123456789abcdef0123456789abcdef";

std::string weights(char seed, std::size_t size = 300'000) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(seed + static_cast<char>(i * 31 % 251));
  return bytes;
}

FakeHub::Repository whisper_repository(const std::string& commit = kCommit, char seed = 'a') {
  return {commit,
          {{"config.json", {R"({"model_type": "whisper"})"}},
           {"generation_config.json", {"{}"}},
           {"tokenizer.json", {"{}"}},
           {"model.safetensors", {weights(seed), true}},
           {"model.fp32.safetensors", {"not wanted", true}},
           {"flax_model.msgpack", {"not wanted", true}},
           {"onnx/model.onnx", {"not wanted", true}},
           {"README.md", {"not wanted"}}}};
}

class HubTest : public ::testing::Test {
 protected:
  HubTest() { hub_.set_repository("openai/whisper-base", whisper_repository()); }

  HubSettings settings() const {
    HubSettings settings;
    settings.endpoint = hub_.url();
    settings.cache = cache();
    settings.retries = 2;
    settings.retry_wait = std::chrono::milliseconds(1);
    return settings;
  }
  fs::path cache() const { return folder_.path() / "hub"; }
  fs::path repository_folder() const { return cache() / "models--openai--whisper-base"; }
  fs::path pull(const HubSettings& with, std::string_view name = "base") const { return Hub(with).pull(name, {}, {}); }

  // The message of the error that a pull ends with, "" when it succeeds.
  std::string failed_pull(const HubSettings& with, ErrorCode code, std::string_view name = "base") const {
    try {
      pull(with, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  std::vector<std::string> blobs() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(repository_folder() / "blobs")) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void leave_partial(const std::string& hash, const std::string& content) const {
    folder_.write("hub/models--openai--whisper-base/blobs/" + hash + ".incomplete", content);
  }

  FakeHub hub_;
  TempFolder folder_;
};

TEST_F(HubTest, PullLaysOutTheCacheAsPythonDoes) {
  const fs::path path = pull(settings());
  EXPECT_EQ(path, repository_folder() / "snapshots" / kCommit);
  EXPECT_EQ(read_file(repository_folder() / "refs/main"), kCommit);
  EXPECT_EQ(read_file(path / "model.safetensors"), weights('a'));

  const HubFile large{weights('a'), true};
  EXPECT_TRUE(fs::is_symlink(path / "model.safetensors"));
  EXPECT_EQ(fs::read_symlink(path / "model.safetensors"), "../../blobs/" + FakeHub::hash_of(large));
  EXPECT_EQ(fs::read_symlink(path / "tokenizer.json"), "../../blobs/" + FakeHub::hash_of({"{}", false}));

  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("config.json", "generation_config.json", "tokenizer.json",
                                                     "model.safetensors"));
  for (const std::string& name : blobs()) EXPECT_THAT(name, Not(HasSubstr("incomplete")));
}

TEST_F(HubTest, ProgressEndsAtTheWholeSize) {
  std::vector<PullProgress> seen;
  Hub(settings()).pull("base", [&](const PullProgress& progress) { seen.push_back(progress); }, {});
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().done_bytes, seen.back().total_bytes);
  EXPECT_GE(seen.back().total_bytes, 300'000U);
  for (const PullProgress& progress : seen) EXPECT_EQ(progress.total_bytes, seen.back().total_bytes);
}

TEST_F(HubTest, PullAgainFetchesNothing) {
  pull(settings());
  const std::size_t before = hub_.requests().size();
  pull(settings());
  EXPECT_EQ(hub_.requests().size(), before + 1) << "only the listing";
}

TEST_F(HubTest, BrokenConnectionIsResumedWhereItStopped) {
  hub_.set_faults({.cut_after = {{"model.safetensors", 100'000}}});
  const fs::path path = pull(settings());
  EXPECT_EQ(read_file(path / "model.safetensors"), weights('a'));
  EXPECT_EQ(hub_.store_requests().back().headers.at("range"), "bytes=100000-");
}

TEST_F(HubTest, PullAfterAnInterruptedOneResumes) {
  HubSettings once = settings();
  once.retries = 0;
  hub_.set_faults({.failures = {{"model.safetensors", 1}}});
  failed_pull(once, ErrorCode::kNetwork);
  EXPECT_THROW(Hub(settings()).resolve("base"), Error) << "a half-written model must not be visible";
  const std::string hash = FakeHub::hash_of({weights('a'), true});
  leave_partial(hash, weights('a').substr(0, 123'456));
  pull(settings());
  EXPECT_EQ(hub_.store_requests().back().headers.at("range"), "bytes=123456-");
}

TEST_F(HubTest, ServerThatIgnoresRangeStartsAnew) {
  hub_.set_faults({.cut_after = {{"model.safetensors", 100'000}}, .ignore_range = true});
  EXPECT_EQ(read_file(pull(settings()) / "model.safetensors"), weights('a'));
}

TEST_F(HubTest, ServerThatRefusesRangeStartsAnew) {
  hub_.set_faults({.cut_after = {{"model.safetensors", 100'000}}, .refuse_range = true});
  EXPECT_EQ(read_file(pull(settings()) / "model.safetensors"), weights('a'));
}

TEST_F(HubTest, StalePartialFileIsFoundOutByItsHash) {
  const std::string hash = FakeHub::hash_of({weights('a'), true});
  leave_partial(hash, std::string(100'000, 'x'));
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork), HasSubstr("model.safetensors"));
  EXPECT_EQ(read_file(pull(settings()) / "model.safetensors"), weights('a'));
}

TEST_F(HubTest, WrongContentIsDeletedAndNamed) {
  hub_.set_faults({.corrupt = true});
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork),
              AllOf(HasSubstr("model.safetensors of openai/whisper-base"), HasSubstr("expected")));
  for (const std::string& name : blobs()) EXPECT_THAT(name, Not(HasSubstr("incomplete")));
  EXPECT_FALSE(fs::exists(repository_folder() / "refs/main"));
}

TEST_F(HubTest, PassingFailuresAreTriedAgain) {
  hub_.set_faults({.failures = {{"model.safetensors", 2}, {"config.json", 1}}});
  EXPECT_EQ(read_file(pull(settings()) / "model.safetensors"), weights('a'));
}

TEST_F(HubTest, LastingFailureGivesUp) {
  hub_.set_faults({.failures = {{"model.safetensors", 100}}});
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork),
              AllOf(HasSubstr("503"), HasSubstr("gave up after 3 tries")));
}

TEST_F(HubTest, TokenGoesToTheHubAloneAndIntoNoMessage) {
  hub_.set_faults({.required_token = "hf_secret"});
  HubSettings with_token = settings();
  with_token.token = "hf_secret";
  pull(with_token);
  for (const auto& request : hub_.requests()) EXPECT_EQ(request.headers.at("authorization"), "Bearer hf_secret");
  ASSERT_FALSE(hub_.store_requests().empty());
  for (const auto& request : hub_.store_requests()) EXPECT_FALSE(request.headers.contains("authorization"));

  with_token.token = "hf_wrong";
  const std::string message = failed_pull(with_token, ErrorCode::kNetwork);
  EXPECT_THAT(message, AllOf(HasSubstr("HF_TOKEN was refused"), Not(HasSubstr("hf_wrong"))));
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork), HasSubstr("set HF_TOKEN"));
}

TEST_F(HubTest, GatedRepositoryIsExplained) {
  hub_.set_faults({.gated = true});
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork), AllOf(HasSubstr("gated"), HasSubstr("accept its terms")));
}

TEST_F(HubTest, UnknownRepositoryNamesTheNearest) {
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNotFound, "openai/whisper-bas"), HasSubstr("'openai/whisper-base'"));
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNotFound, "bse"), HasSubstr("'base'"));
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNotFound, "base@v9"), HasSubstr("no such revision"));
}

TEST_F(HubTest, RevisionsStandBesideEachOtherAndShareBlobs) {
  const fs::path old_path = pull(settings());
  hub_.set_repository("openai/whisper-base", whisper_repository(kOtherCommit, 'b'));
  const fs::path new_path = pull(settings());
  EXPECT_NE(old_path, new_path);
  const Hub hub(settings());
  EXPECT_EQ(hub.resolve("base"), new_path);
  EXPECT_EQ(hub.resolve(std::string("base@") + kCommit), old_path);
  EXPECT_EQ(hub.installed().size(), 2U);

  // Only the old weights are the old revision's own.
  EXPECT_EQ(hub.remove(std::string("base@") + kCommit), 300'000U);
  EXPECT_EQ(read_file(new_path / "model.safetensors"), weights('b'));
  EXPECT_EQ(read_file(new_path / "config.json"), R"({"model_type": "whisper"})");
  EXPECT_GT(hub.remove("base"), 300'000U);
  EXPECT_FALSE(fs::exists(repository_folder()));
  EXPECT_TRUE(hub.installed().empty());
  EXPECT_THROW(hub.remove("base"), Error);
}

TEST_F(HubTest, ShardedWeightsAreFetchedByTheirIndex) {
  FakeHub::Repository repository = whisper_repository();
  repository.files.erase("model.safetensors");
  repository.files["model-00001-of-00002.safetensors"] = {weights('c'), true};
  repository.files["model-00002-of-00002.safetensors"] = {weights('d'), true};
  repository.files["model.safetensors.index.json"] = {
      R"({"weight_map": {"x": "model-00001-of-00002.safetensors", "y": "model-00002-of-00002.safetensors"}})"};
  hub_.set_repository("some/sharded", repository);
  const fs::path path = pull(settings(), "some/sharded");
  EXPECT_EQ(read_file(path / "model-00002-of-00002.safetensors"), weights('d'));
  EXPECT_EQ(Hub(settings()).resolve("some/sharded"), path);
}

TEST_F(HubTest, HostileFileNamesAreRefused) {
  FakeHub::Repository repository = whisper_repository();
  repository.files.erase("model.safetensors");
  repository.files["../../../evil.safetensors"] = {"x", true};
  repository.files["model.safetensors.index.json"] = {R"({"weight_map": {"x": "../../../evil.safetensors"}})"};
  hub_.set_repository("some/hostile", repository);
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kBadData, "some/hostile"), HasSubstr("evil"));
  EXPECT_FALSE(fs::exists(folder_.path() / "evil.safetensors"));
  EXPECT_FALSE(fs::exists(cache() / "evil.safetensors"));
}

TEST_F(HubTest, HubThatHidesHashesIsAskedFileByFile) {
  hub_.set_faults({.hide_hashes = true});
  const fs::path path = pull(settings());
  const HubFile large{weights('a'), true};
  EXPECT_EQ(fs::read_symlink(path / "model.safetensors"), "../../blobs/" + FakeHub::hash_of(large));
}

TEST_F(HubTest, RepositoryWithoutUsableWeightsIsRefused) {
  FakeHub::Repository repository = whisper_repository();
  repository.files.erase("model.safetensors");
  hub_.set_repository("some/torch", repository);
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kUnsupported, "some/torch"), HasSubstr("no model.safetensors"));
}

TEST_F(HubTest, VoiceActivityModelIsOneFile) {
  const FakeHub::Repository repository{kCommit,
                                       {{"config.json", {R"({"model_type": "silero_vad"})"}},
                                        {"model.safetensors", {weights('v'), true}},
                                        {"README.md", {"not wanted"}}}};
  hub_.set_repository("mlx-community/silero-vad-v6", repository);
  const Hub hub(settings());
  EXPECT_THROW(hub.resolve("silero-vad"), Error);
  const fs::path path = hub.pull("silero-vad", {}, {});
  EXPECT_EQ(read_file(path / "model.safetensors"), weights('v'));
  EXPECT_FALSE(fs::exists(path / "README.md"));
  EXPECT_EQ(hub.resolve("silero-vad"), path);
  ASSERT_EQ(hub.installed().size(), 1U);
  EXPECT_EQ(hub.installed()[0].name, "silero-vad");
  EXPECT_EQ(hub.installed()[0].kind, ModelKind::kVoiceActivity);
  EXPECT_GT(hub.remove("silero-vad"), 0U);
  EXPECT_TRUE(hub.installed().empty());
}

TEST_F(HubTest, VoiceActivityRepositoryWithoutWeightsIsRefused) {
  hub_.set_repository("mlx-community/silero-vad-v6", {kCommit, {{"onnx/model.onnx", {"other", true}}}});
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kUnsupported, "silero-vad"),
              HasSubstr("neither silero_vad_16k.safetensors nor model.safetensors"));
}

TEST_F(HubTest, SpeakerNetworksAreOneFile) {
  hub_.set_repository("pyannote/wespeaker-voxceleb-resnet34-LM", {kCommit,
                                                                  {{"pytorch_model.bin", {weights('w'), true}},
                                                                   {"config.yaml", {"not wanted"}},
                                                                   {"hubert.ckpt", {"not wanted", true}}}});
  hub_.set_repository(
      "pyannote/segmentation-3.0",
      {kCommit, {{"pytorch_model.bin", {weights('p'), true}}, {"model.safetensors", {weights('s'), true}}}});
  const Hub hub(settings());
  const fs::path wespeaker = hub.pull("wespeaker-voxceleb-resnet34-LM", {}, {});
  EXPECT_EQ(read_file(wespeaker / "pytorch_model.bin"), weights('w'));
  EXPECT_FALSE(fs::exists(wespeaker / "config.yaml"));
  EXPECT_EQ(hub.resolve("wespeaker-voxceleb-resnet34-LM"), wespeaker);
  // What is read without being converted is preferred.
  const fs::path segmentation = hub.pull("pyannote-segmentation-3.0", {}, {});
  EXPECT_EQ(read_file(segmentation / "model.safetensors"), weights('s'));
  EXPECT_FALSE(fs::exists(segmentation / "pytorch_model.bin"));
  ASSERT_EQ(hub.installed().size(), 2U);
  EXPECT_EQ(hub.installed()[0].kind, ModelKind::kSpeakerSegmentation);
  EXPECT_EQ(hub.installed()[1].kind, ModelKind::kSpeakerEmbedding);

  hub_.set_repository("pyannote/segmentation-3.0", {kOtherCommit, {{"README.md", {"moved"}}}});
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kUnsupported, "pyannote-segmentation-3.0"),
              AllOf(HasSubstr("no speaker segmentation model"), HasSubstr("model.safetensors nor pytorch_model.bin")));
}

TEST_F(HubTest, GatedSegmentationSaysHowToGetIt) {
  hub_.set_repository("pyannote/segmentation-3.0", {kCommit, {{"pytorch_model.bin", {weights('p'), true}}}});
  FakeHub::Faults faults;
  faults.gated_files = true;
  hub_.set_faults(faults);
  EXPECT_THAT(failed_pull(settings(), ErrorCode::kNetwork, "pyannote-segmentation-3.0"),
              AllOf(HasSubstr("'pyannote/segmentation-3.0' is gated"), HasSubstr("accept its terms at"),
                    HasSubstr("HF_TOKEN")));
}

TEST_F(HubTest, OfflineTouchesNoNetwork) {
  HubSettings offline = settings();
  offline.offline = true;
  EXPECT_THAT(failed_pull(offline, ErrorCode::kNetwork), HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_TRUE(hub_.requests().empty());
  pull(settings());
  EXPECT_EQ(pull(offline), repository_folder() / "snapshots" / kCommit);
}

TEST_F(HubTest, NoServerIsAClearError) {
  HubSettings nobody = settings();
  nobody.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(failed_pull(nobody, ErrorCode::kNetwork),
              AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("check the network")));
}

TEST_F(HubTest, SomethingElseThanAHubIsAClearError) {
  test::HttpServer portal([](const test::ServerRequest&) {
    test::ServerResponse response;
    response.body = "<html>Please log in to the hotel network</html>";
    return response;
  });
  HubSettings captive = settings();
  captive.endpoint = portal.url();
  EXPECT_THAT(failed_pull(captive, ErrorCode::kNetwork), HasSubstr("is HF_ENDPOINT right?"));
}

TEST_F(HubTest, CancelEndsASlowPullAndKeepsWhatCame) {
  hub_.set_faults({.delay_each_kb = std::chrono::milliseconds(5)});
  std::stop_source stop;
  const auto on_progress = [&](const PullProgress& progress) {
    if (progress.done_bytes > 5'000) stop.request_stop();
  };
  try {
    Hub(settings()).pull("base", on_progress, stop.get_token());
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  const auto names = blobs();
  EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const auto& n) { return n.ends_with(".incomplete"); }));
}

TEST_F(HubTest, ConcurrentPullsOfOneModelFetchItOnce) {
  hub_.set_faults({.delay_each_kb = std::chrono::milliseconds(1)});
  std::vector<std::jthread> pulls;
  for (int i = 0; i < 3; ++i) pulls.emplace_back([&] { EXPECT_NO_THROW(pull(settings())); });
  pulls.clear();
  EXPECT_EQ(hub_.store_requests().size(), 1U);
  EXPECT_EQ(read_file(repository_folder() / "snapshots" / kCommit / "model.safetensors"), weights('a'));
}

TEST_F(HubTest, BundledModelsAreFoundByNameAndStay) {
  folder_.write("models/demo/config.json", R"({"model_type": "whisper"})");
  folder_.write("models/demo/model.safetensors", "12345");
  HubSettings with_bundled = settings();
  with_bundled.local_dirs = {folder_.path() / "models"};
  const Hub hub(with_bundled);
  EXPECT_EQ(hub.resolve("demo"), folder_.path() / "models/demo");
  EXPECT_THROW(hub.remove("demo"), Error);
  ASSERT_EQ(hub.installed().size(), 1U);
  EXPECT_EQ(hub.installed()[0].name, "demo");
  try {
    hub.resolve("bse");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("did you mean 'base'"), HasSubstr("installed: demo")));
  }
  try {
    hub.resolve("base");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("`amanuensis models pull base` fetches it"));
  }
}

}  // namespace
}  // namespace amanuensis::model
