// `amanuensis models` against a hub of our own: pull, use, list, remove.
#include "e2e/program_fixture.h"
#include "support/fake_hub.h"

namespace amanuensis::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

class ModelsTest : public ProgramFixture {
 protected:
  // The bundled model, published as openai/whisper-tiny.
  ModelsTest() {
    test::FakeHub::Repository repository{kCommit, {}};
    for (const std::string name :
         {"config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"}) {
      repository.files[name] = {test::read_file(std::string(AMANUENSIS_SOURCE_DIR "/models/demo/") + name),
                                name.ends_with(".safetensors")};
    }
    hub_.set_repository("openai/whisper-tiny", repository);
  }
  test::RunResult models(const std::vector<std::string>& more, test::RunOptions options = {}) const {
    options.environment["HF_ENDPOINT"] = hub_.url();
    options.environment["NO_PROXY"] = "127.0.0.1";
    return run(with({"models"}, more), options);
  }

  test::FakeHub hub_;
};

TEST_F(ModelsTest, PulledModelIsListedUsedAndRemoved) {
  EXPECT_THAT(models({"list"}).out, AllOf(StartsWith("demo "), HasSubstr("tiny ")));
  const test::RunResult pulled = models({"pull", "tiny"});
  ASSERT_EQ(pulled.exit_code, 0) << pulled.error;
  const std::string snapshot = path("hf/hub/models--openai--whisper-tiny/snapshots/") + kCommit;
  EXPECT_EQ(pulled.out, snapshot + "\n");
  EXPECT_THAT(pulled.error, AllOf(HasSubstr("tiny: model.safetensors"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(models({"path", "tiny"}).out, snapshot + "\n");
  EXPECT_THAT(models({"list"}).out, HasSubstr("downloaded  " + snapshot));

  const test::RunResult used = run({"logits", "-m", "tiny", recording(), "--tokens", "1001", "-o", path("x.npy")});
  EXPECT_EQ(used.exit_code, 0) << used.error;

  EXPECT_THAT(models({"remove", "tiny"}).error, HasSubstr("removed"));
  EXPECT_EQ(models({"path", "tiny"}).exit_code, 3);
}

TEST_F(ModelsTest, TerminalShowsABar) {
  const test::RunResult pulled = models({"pull", "tiny"}, {.on_terminal = true});
  EXPECT_EQ(pulled.exit_code, 0);
  EXPECT_THAT(pulled.out, AllOf(HasSubstr("tiny  ["), HasSubstr("\r\x1b[K")));
}

TEST_F(ModelsTest, InterruptedPullGoesOn) {
  hub_.set_faults({.delay_each_kb = std::chrono::milliseconds(1)});
  const test::RunResult first = models({"pull", "tiny"}, {.signal = SIGINT, .signal_after = "model.safetensors"});
  EXPECT_EQ(first.exit_code, 130) << first.error;
  EXPECT_EQ(models({"path", "tiny"}).exit_code, 3) << "nothing half-written is a model";
  hub_.set_faults({});
  EXPECT_EQ(models({"pull", "tiny"}).exit_code, 0);
  EXPECT_EQ(models({"path", "tiny"}).exit_code, 0);
}

TEST_F(ModelsTest, FailuresAreOneLine) {
  expect_one_line(models({"pull", "tyni"}), 3, "did you mean 'tiny'");
  expect_one_line(models({"pull", "openai/whisper-tny"}), 3, "'openai/whisper-tiny'");
  hub_.set_faults({.required_token = "hf_right"});
  expect_one_line(models({"pull", "tiny"}), 7, "HF_TOKEN");
  const test::RunResult wrong = models({"pull", "tiny"}, {.environment = {{"HF_TOKEN", "hf_wrong"}}});
  EXPECT_THAT(wrong.error, Not(HasSubstr("hf_wrong")));
  EXPECT_EQ(models({"pull", "tiny"}, {.environment = {{"HF_TOKEN", "hf_right"}}}).exit_code, 0);
  expect_one_line(models({"pull", "small"}, {.environment = {{"HF_HUB_OFFLINE", "1"}}}), 7, "HF_HUB_OFFLINE");
  expect_one_line(models({"remove", "demo"}), 2, "comes with the program");
}

TEST_F(ModelsTest, OneBadNameDoesNotStopTheOthers) {
  const test::RunResult result = models({"pull", "openai/absent", "tiny"});
  EXPECT_EQ(result.exit_code, 1) << result.error;
  EXPECT_THAT(result.error, HasSubstr("openai/absent"));
  EXPECT_THAT(result.out, HasSubstr(kCommit));
}

}  // namespace
}  // namespace amanuensis::e2e
