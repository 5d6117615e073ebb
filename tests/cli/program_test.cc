// Command lines through the whole program, in this process, up to where a model would be needed.
#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/transcribe_options.h"
#include "support/error_of.h"
#include "support/goldens.h"
#include "support/run_in_process.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using test::Outcome;
using test::TempFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Outcome run(const std::vector<std::string>& arguments) { return test::run_in_process(arguments); }

// A usage error is one line that begins with the program's name, and nothing on standard output.
void expect_usage_error(const std::vector<std::string>& arguments, const std::string& part) {
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.code, 2) << outcome.error;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.error, AllOf(StartsWith("amanuensis: "), HasSubstr(part)));
  EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
}

TEST(ProgramTest, HelpAndVersionGoToStandardOutput) {
  EXPECT_THAT(run({"--version"}).out, StartsWith("amanuensis "));
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"--help"},
                                                                                         {"transcribe", "--help"},
                                                                                         {"models", "--help"},
                                                                                         {"models", "pull", "-h"},
                                                                                         {"models", "list", "-h"},
                                                                                         {"models", "path", "-h"},
                                                                                         {"models", "remove", "-h"},
                                                                                         {"features", "--help"},
                                                                                         {"logits", "--help"},
                                                                                         {"demo", "--help"},
                                                                                         {"bench", "--help"},
                                                                                         {"bench", "kernels", "-h"},
                                                                                         {"bench", "model", "-h"},
                                                                                         {"bench", "pipeline", "-h"},
                                                                                         {"completion", "--help"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("Usage: amanuensis"), HasSubstr("Examples:"))) << arguments[0];
    EXPECT_THAT(outcome.error, IsEmpty());
    std::size_t line_start = 0;
    while (line_start < outcome.out.size()) {
      const std::size_t end = outcome.out.find('\n', line_start);
      EXPECT_LE(end - line_start, 140U) << outcome.out.substr(line_start, end - line_start);
      line_start = end + 1;
    }
  }
  EXPECT_THAT(run({"--help"}).out, HasSubstr("Exit codes:"));
}

TEST(ProgramTest, MistypedCommandsAndOptionsAreNamed) {
  expect_usage_error({"transcibe", "x"}, "did you mean 'transcribe'?");
  expect_usage_error({"talk.mp3"}, "amanuensis transcribe FILE");
  expect_usage_error({"transcribe"}, "FILE is required");
  expect_usage_error({"transcribe", "x", "--modle", "base"}, "did you mean '--model'?");
  expect_usage_error({"models"}, "name a command");
  expect_usage_error({"features", "x", "y", "-o", "z"}, "'y' is one argument too many");
  EXPECT_EQ(run({}).code, 2);
}

TEST(ProgramTest, BadValuesAreNamedBeforeAnyModelIsLookedFor) {
  expect_usage_error({"transcribe", "x", "--beam_size", "0"}, "--beam-size '0'");
  expect_usage_error({"transcribe", "x", "--temperature", "-1"}, "--temperature '-1'");
  expect_usage_error({"transcribe", "x", "--temperature", "warm"}, "not a number");
  expect_usage_error({"transcribe", "x", "--language", "germn"}, "'german'");
  expect_usage_error({"transcribe", "x", "--task", "transcrbe"}, "'transcribe'");
  expect_usage_error({"transcribe", "x", "-f", "str"}, "'srt'");
  expect_usage_error({"transcribe", "x", "--clip_timestamps", "5,3"}, "3 comes before 5");
  expect_usage_error({"transcribe", "x", "--beam-size", "1", "--patience", "2"}, "--patience '2'");
  expect_usage_error({"transcribe", "x", "--max-line-count", "2"}, "--max-line-width");
  expect_usage_error({"transcribe", "x", "--compute-type", "float16"}, "--compute-type 'float16'");
  expect_usage_error({"transcribe", "x", "--threads", "many"}, "--threads 'many'");
  expect_usage_error({"transcribe", "x", "--quiet", "--verbose"}, "exclude each other");
  expect_usage_error({"logits", "x", "--tokens", "1,a", "-o", "y"}, "--tokens '1,a'");
  expect_usage_error({"features", "x", "-o", "y", "--n-mels", "81"}, "--n-mels '81'");
}

TEST(ProgramTest, WorkersSettingsAreLookedOverWithoutAQueue) {
  const auto refused = [](const std::vector<std::string>& more, const std::string& part) {
    std::vector<std::string> arguments{"worker", "--check-config"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_usage_error(arguments, part);
  };
  refused({"--nats", "htp://queue:4222"}, "'htp://queue:4222' is no address of a NATS server");
  refused({"--nats", ""}, "no address of a NATS server");
  refused({"--nats-credentials", "/no/such.creds"}, "'/no/such.creds' cannot be read");
  refused({"--stream", "a b"}, "--stream 'a b'");
  refused({"--concurrency", "0"}, "--concurrency '0'");
  refused({"--device", "gpu"}, "--device 'gpu'");
  const std::string model = test::source_path("models/demo").string();
  const Outcome outcome = run({"worker", "--check-config", "--nats", "nats://me:secret@queue:4222", "-m", model});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("queue nats://***@queue:4222"));
}

TEST(ProgramTest, OutputsThatCannotBeToldApartAreRefused) {
  expect_usage_error({"transcribe", "x", "-f", "srt,vtt"}, "--output-dir");
  expect_usage_error({"transcribe", "x", "y", "-f", "srt"}, "--output-dir");
  expect_usage_error({"transcribe", "a/x.wav", "b/x.mp3", "-o", "out"}, "'a/x.wav' and 'b/x.mp3'");
}

TEST(ProgramTest, NewcomerWithoutAModelIsToldWhatToType) {
  const Outcome outcome = run({"transcribe", "x"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.error, HasSubstr("`amanuensis models pull base`"));
  EXPECT_THAT(run({"transcribe", "x", "-m", "bse"}).error, HasSubstr("did you mean 'base'?"));
  EXPECT_THAT(run({"transcribe", "x", "-m", "small"}).error, HasSubstr("`amanuensis models pull small` fetches it"));
}

TEST(TranscribeOptionsTest, DefaultsAreThoseOfWhispersProgram) {
  TranscribeArguments arguments;
  arguments.files = {"x.wav"};
  const TranscribeRequest request = read_transcribe_request(arguments);
  const auto& options = request.options;
  EXPECT_EQ(options.decoding.beam_size, 5U);
  EXPECT_EQ(options.decoding.best_of, 5U);
  EXPECT_EQ(options.decoding.patience, 1.0);
  EXPECT_EQ(options.decoding.length_penalty, std::nullopt);
  EXPECT_THAT(options.decoding.suppress_tokens, ElementsAre(-1));
  EXPECT_EQ(options.fallback.temperatures.size(), 6U);
  EXPECT_EQ(options.fallback.compression_ratio_threshold, 2.4);
  EXPECT_EQ(options.fallback.logprob_threshold, -1.0);
  EXPECT_EQ(options.fallback.no_speech_threshold, 0.6);
  EXPECT_EQ(options.language, std::nullopt);
  EXPECT_TRUE(options.condition_on_previous_text);
  EXPECT_THAT(options.clip_timestamps, ElementsAre(0.0));
  ASSERT_EQ(request.formats.size(), 1U);
  EXPECT_EQ(request.formats[0]->name, "txt");
}

// What CLI11 makes of a command line, without running anything.
TranscribeRequest parsed(std::vector<std::string> arguments) {
  CLI::App parser;
  TranscribeArguments values;
  add_transcribe_options(parser, values);
  std::reverse(arguments.begin(), arguments.end());
  parser.parse(arguments);
  return read_transcribe_request(values);
}

TEST(TranscribeOptionsTest, NegativeNumbersAndSwitchesAreUnderstood) {
  const TranscribeRequest request =
      parsed({"a.wav", "--logprob-threshold", "-0.5", "--suppress-tokens", "-1,5", "--condition-on-previous-text=false",
              "--no-speech-threshold", "None", "-", "--carry-initial-prompt", "-f", "all", "-o", "out"});
  EXPECT_THAT(request.files, ElementsAre("a.wav", "-"));
  EXPECT_EQ(request.options.fallback.logprob_threshold, -0.5);
  EXPECT_EQ(request.options.fallback.no_speech_threshold, std::nullopt);
  EXPECT_THAT(request.options.decoding.suppress_tokens, ElementsAre(-1, 5));
  EXPECT_FALSE(request.options.condition_on_previous_text);
  EXPECT_TRUE(request.options.carry_initial_prompt);
  EXPECT_EQ(request.formats.size(), 5U);
  EXPECT_FALSE(parsed({"a.wav", "--no-condition-on-previous-text"}).options.condition_on_previous_text);
}

}  // namespace
}  // namespace amanuensis::cli
