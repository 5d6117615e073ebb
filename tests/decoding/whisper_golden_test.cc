// decode() of openai-whisper and ours with the same weights, windows and options: tools/goldens/whisper_model.py.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "decoding/decode_window.h"
#include "support/goldens.h"
#include "support/hashed_whisper.h"

namespace amanuensis::decoding {
namespace {

using nlohmann::json;

DecodingOptions read_options(const json& given) {
  DecodingOptions options;
  options.task = given.value("task", "transcribe") == "translate" ? Task::kTranslate : Task::kTranscribe;
  options.language = given.at("language");
  options.sample_length = given.at("sample_len").get<std::size_t>();
  options.beam_size = given.value("beam_size", std::size_t{1});
  options.patience = given.value("patience", 1.0);
  if (given.contains("length_penalty")) options.length_penalty = given["length_penalty"];
  options.prompt = given.value("prompt", std::vector<TokenId>{});
  options.prefix = given.value("prefix", std::vector<TokenId>{});
  options.suppress_tokens = given.value("suppress_tokens", std::vector<TokenId>{-1});
  options.suppress_blank = given.value("suppress_blank", true);
  options.without_timestamps = given.value("without_timestamps", false);
  if (given.contains("max_initial_timestamp")) options.max_initial_timestamp_s.reset();
  return options;
}

class WhisperDecodeGolden : public testing::TestWithParam<const char*> {};

TEST_P(WhisperDecodeGolden, GreedyAndBeamGiveTheTokensOfTheReference) {
  const json golden = test::read_golden("whisper_decode_" + std::string(GetParam()) + ".json");
  const test::HashedWhisper whisper(test::read_dimensions(golden["dims"]));
  ASSERT_EQ(whisper.generation().suppress_tokens, golden["non_speech_tokens"].get<std::vector<TokenId>>());
  ASSERT_EQ(whisper.tokenizer().special().no_timestamps, golden["special"]["<|notimestamps|>"].get<TokenId>());

  std::map<std::string, std::shared_ptr<const model::EncodedWindow>> windows;
  for (const json& expected : golden["cases"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    auto& window = windows[expected["mel"]];
    if (window == nullptr) window = whisper.window(expected["mel"]);
    const WindowResult result =
        decode_window(whisper.context(), window, read_options(expected["options"]), std::stop_token());
    EXPECT_EQ(result.tokens, expected["tokens"].get<std::vector<TokenId>>());
    EXPECT_NEAR(result.avg_logprob, expected["avg_logprob"].get<double>(), 1e-4);
    const double no_speech = expected["no_speech_prob"];
    EXPECT_NEAR(result.no_speech_prob, no_speech, 1e-3 * no_speech);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, WhisperDecodeGolden, testing::Values("tiny", "base", "turbo_shaped"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace amanuensis::decoding
