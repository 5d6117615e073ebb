// Which options make windows follow each other, and which exclude that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/transcribe_options.h"
#include "support/error_of.h"

namespace amanuensis::cli {
namespace {

// The request that a command line stands for.
TranscribeRequest request_of(const std::string& options) {
  CLI::App parser;
  TranscribeArguments arguments;
  add_transcribe_options(parser, arguments);
  parser.parse("x.wav " + options, false);
  return read_transcribe_request(arguments);
}

std::string refusal_of(const std::string& options) {
  const test::ThrownError error = test::error_of([&] { request_of(options); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << options;
  return error.message;
}

TEST(TranscribeOrder, WindowsAreDecodedTogetherUnlessAnOptionNeedsThemInOrder) {
  EXPECT_FALSE(request_of("").sequential);
  EXPECT_EQ(request_of("").batch_size, 16U);
  EXPECT_FALSE(request_of("--initial-prompt Laura --hotwords Oliver --word-timestamps --vad-filter").sequential);
  EXPECT_FALSE(request_of("--no-condition-on-previous-text").sequential);
  for (const char* option : {"--sequential", "--condition-on-previous-text", "--carry-initial-prompt",
                             "--clip-timestamps 0,5", "--word-timestamps --hallucination-silence-threshold 2"}) {
    EXPECT_TRUE(request_of(option).sequential) << option;
  }
  EXPECT_TRUE(request_of("--sequential").options.condition_on_previous_text);
}

TEST(TranscribeOrder, EveryWindowsLanguageNeedsBatches) {
  EXPECT_TRUE(request_of("--multilingual").multilingual);
  EXPECT_THAT(refusal_of("--multilingual --sequential"), testing::HasSubstr("because of --sequential"));
  EXPECT_THAT(refusal_of("--multilingual --clip-timestamps 0,5"), testing::HasSubstr("because of --clip-timestamps"));
  EXPECT_THAT(refusal_of("--multilingual --language de"), testing::HasSubstr("--language 'de'"));
}

TEST(TranscribeOrder, ABatchHasBetween1And256Windows) {
  EXPECT_EQ(request_of("--batch-size 1").batch_size, 1U);
  EXPECT_THAT(refusal_of("--batch-size 0"), testing::HasSubstr("--batch-size '0'"));
  EXPECT_THAT(refusal_of("--batch-size 1000"), testing::HasSubstr("--batch-size '1000'"));
}

}  // namespace
}  // namespace amanuensis::cli
