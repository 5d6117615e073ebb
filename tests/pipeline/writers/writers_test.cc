// The writers against openai-whisper's, byte for byte. tools/goldens/writers.py makes the goldens.
#include "pipeline/writers/writers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "pipeline/writers/python_text.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {
namespace {

using Json = nlohmann::json;

std::string read_golden(const std::string& name) {
  std::ifstream file(std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/writers" / name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

Transcript transcript_of(const Json& result) {
  Transcript transcript;
  transcript.text = result["text"];
  transcript.language = result["language"];
  for (const Json& s : result["segments"]) {
    Segment& segment = transcript.segments.emplace_back();
    segment.id = s["id"];
    segment.seek = s["seek"];
    segment.start_s = s["start"];
    segment.end_s = s["end"];
    segment.text = s["text"];
    segment.tokens = s["tokens"].get<std::vector<model::TokenId>>();
    segment.temperature = s["temperature"];
    segment.avg_logprob = s["avg_logprob"];
    segment.compression_ratio = s["compression_ratio"];
    segment.no_speech_prob = s["no_speech_prob"];
    for (const Json& w : s.value("words", Json::array())) {
      segment.words.push_back({w["word"], w["start"], w["end"], w["probability"]});
    }
  }
  return transcript;
}

WriterOptions options_of(const Json& json) {
  WriterOptions options;
  const auto number = [&json](const char* key) {
    return json.contains(key) ? std::optional<std::size_t>(json[key]) : std::nullopt;
  };
  options.max_line_width = number("max_line_width");
  options.max_line_count = number("max_line_count");
  options.max_words_per_line = number("max_words_per_line");
  options.highlight_words = json.value("highlight_words", false);
  return options;
}

std::string write(const std::string& format, const Transcript& transcript, const WriterOptions& options = {}) {
  std::ostringstream out;
  find_writer_format(format)->write(transcript, options, out);
  return out.str();
}

TEST(Writers, EqualOpenAIsByteForByte) {
  const Json manifest = Json::parse(read_golden("manifest.json"));
  ASSERT_GE(manifest.size(), 11);
  for (const auto& [name, labels] : manifest.items()) {
    const std::string json = read_golden(name + ".json");
    const Transcript transcript = transcript_of(Json::parse(json));
    EXPECT_EQ(write("json", transcript), json) << name;
    for (const auto& [label, variant] : labels.items()) {
      for (const std::string format : {"txt", "vtt", "srt", "tsv"}) {
        const auto& formats = variant["formats"];
        const bool as_plain = label != "plain" && std::find(formats.begin(), formats.end(), format) == formats.end();
        const std::string golden = name + (as_plain ? ".plain." : "." + label + ".") + format;
        const std::string expected = read_golden(golden);
        EXPECT_EQ(write(format, transcript, options_of(variant["options"])), expected) << golden << " as " << label;
      }
    }
  }
}

TEST(Writers, AreFoundByName) {
  EXPECT_EQ(writer_formats().size(), 5);
  for (const WriterFormat& format : writer_formats()) EXPECT_EQ(find_writer_format(format.name), &format);
  EXPECT_EQ(find_writer_format("docx"), nullptr);
  EXPECT_EQ(find_writer_format(""), nullptr);
}

TEST(PythonText, FloatsAsRepr) {
  for (const std::string expected : Json::parse(read_golden("floats.json"))) {
    EXPECT_EQ(python_float(std::strtod(expected.c_str(), nullptr)), expected);
  }
}

TEST(PythonText, Strip) {
  EXPECT_EQ(python_strip(""), "");
  EXPECT_EQ(python_strip(" \t\n\x1C"), "");
  EXPECT_EQ(python_strip("\u2003\u3000 a b \u0085\u00A0"), "a b");
  EXPECT_EQ(python_strip("\u200B x\u180E"), "\u200B x\u180E");
  EXPECT_EQ(python_strip(" \x80\x80 "), "\x80\x80");
}

TEST(JsonWriter, AddsLanguageProbabilitiesOnlyWhenDetected) {
  Transcript transcript;
  transcript.language = "de";
  EXPECT_EQ(write("json", transcript), R"({"text": "", "segments": [], "language": "de"})");
  transcript.language_probabilities = {{"de", 0.75}, {"nl", 1e-05}};
  EXPECT_EQ(write("json", transcript),
            R"({"text": "", "segments": [], "language": "de", "language_probabilities": {"de": 0.75, "nl": 1e-05}})");
}

TEST(JsonWriter, NeverWritesWhatIsNotJson) {
  Transcript transcript;
  transcript.text = "cut \xE2\x82";
  transcript.segments.emplace_back().avg_logprob = std::numeric_limits<double>::quiet_NaN();
  transcript.segments.back().text = "x";
  transcript.segments.back().no_speech_prob = std::numeric_limits<double>::infinity();
  const Json parsed = Json::parse(write("json", transcript));
  EXPECT_EQ(parsed["text"], "cut \uFFFD");
  EXPECT_TRUE(parsed["segments"][0]["avg_logprob"].is_null());
  EXPECT_TRUE(parsed["segments"][0]["no_speech_prob"].is_null());
}

TEST(Captions, TimesThatAreNotTimesCountAsZero) {
  EXPECT_EQ(to_milliseconds(-1), 0);
  EXPECT_EQ(to_milliseconds(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_GT(to_milliseconds(std::numeric_limits<double>::infinity()), 0);
}

// OpenAI's writers fail on this one: the first segment was cleared, the others have no word times.
TEST(Captions, AFirstSegmentWithoutTextIsAnEmptyCaption) {
  Transcript transcript;
  transcript.segments.resize(2);
  transcript.segments[0].end_s = 1;
  transcript.segments[1] = {.id = 1, .start_s = 1, .end_s = 2, .text = " Hi."};
  EXPECT_EQ(write("srt", transcript),
            "1\n00:00:00,000 --> 00:00:01,000\n\n\n2\n00:00:01,000 --> 00:00:02,000\nHi.\n\n");
}

}  // namespace
}  // namespace amanuensis::pipeline
