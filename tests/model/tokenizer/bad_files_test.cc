// Damaged and hostile tokenizer files: each gives an error that names the file and the entry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/vocabulary_files.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const Json& good_json() {
  static const Json json = [] {
    std::ifstream file(std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/tokenizer/tiny/tokenizer.json");
    return Json::parse(file);
  }();
  return json;
}

// Reads the text and builds a tokenizer; the message of the error, or "" when all is well.
std::string error_of(const std::string& text, ErrorCode expected = ErrorCode::kBadData) {
  try {
    const Tokenizer tokenizer(parse_tokenizer_json(text, "some/tokenizer.json"));
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
}

std::string error_after(const std::function<void(Json&)>& damage) {
  Json json = good_json();
  damage(json);
  return error_of(json.dump());
}

Json& added(Json& json, const std::string& content) {
  for (Json& token : json["added_tokens"]) {
    if (token["content"] == content) return token;
  }
  throw std::logic_error("no added token " + content);
}

void remove_added(Json& json, const std::string& content) {
  auto& tokens = json["added_tokens"];
  tokens.erase(std::remove_if(tokens.begin(), tokens.end(), [&](const Json& t) { return t["content"] == content; }),
               tokens.end());
}

TEST(BadTokenizerFile, GoodOneIsAccepted) { EXPECT_EQ(error_of(good_json().dump()), ""); }

TEST(BadTokenizerFile, NotJson) {
  for (const std::string text : {"", "{", "hello", "{\"model\": \"\xFF\"}", "[1,]", "{\"a\":1e999}"}) {
    EXPECT_THAT(error_of(text), AllOf(HasSubstr("some/tokenizer.json"), HasSubstr("JSON"))) << text;
  }
  const std::string whole = good_json().dump();
  EXPECT_THAT(error_of(whole.substr(0, whole.size() / 2)), HasSubstr("damaged or incomplete"));
}

TEST(BadTokenizerFile, NotATokenizer) {
  EXPECT_THAT(error_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("no \"model\""));
  EXPECT_THAT(error_of(R"({"model": 3})"), HasSubstr("\"model\" is not an object"));
  EXPECT_THAT(error_of(R"({"model": {"vocab": [], "merges": []}})"), HasSubstr("vocabulary is not an object"));
  EXPECT_THAT(error_of(R"({"model": {"vocab": {}, "merges": {}}})"), HasSubstr("\"merges\" is not a list"));
  EXPECT_THAT(error_of(R"({"model": {"vocab": {}}})"), HasSubstr("no \"merges\""));
  EXPECT_THAT(error_of(R"({"model": {"type": "Unigram"}})", ErrorCode::kUnsupported), HasSubstr("Unigram"));
  EXPECT_THAT(error_of(R"({"added_tokens": 7, "model": {"vocab": {}, "merges": []}})"), HasSubstr("added_tokens"));
  EXPECT_THAT(error_of(R"({"added_tokens": [{"id": 1}], "model": {"vocab": {}, "merges": []}})"),
              HasSubstr("added token 0"));
}

TEST(BadTokenizerFile, DeepNesting) {
  std::string arrays;
  arrays.resize(10'000'000, '[');
  EXPECT_THAT(error_of(arrays), HasSubstr("nested more than"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(error_of(objects), HasSubstr("nested more than"));
}

TEST(BadTokenizerFile, AbsurdIds) {
  for (const char* id : {"-1", "1048576", "2147483648", "18446744073709551615", "-9223372036854775808"}) {
    EXPECT_THAT(error_after([&](Json& json) { json["model"]["vocab"]["A"] = Json::parse(id); }),
                AllOf(HasSubstr("some/tokenizer.json"), HasSubstr("'A'"), HasSubstr("outside 0 to")))
        << id;
    EXPECT_THAT(error_after([&](Json& json) { added(json, "<|en|>")["id"] = Json::parse(id); }),
                AllOf(HasSubstr("'<|en|>'"), HasSubstr("outside 0 to")))
        << id;
  }
  for (const char* id : {"1.5", "\"7\"", "null", "true", "[]", "1e30"}) {
    EXPECT_THAT(error_after([&](Json& json) { json["model"]["vocab"]["A"] = Json::parse(id); }),
                AllOf(HasSubstr("'A'"), HasSubstr("not an integer")))
        << id;
  }
}

TEST(BadTokenizerFile, DuplicateIds) {
  EXPECT_THAT(error_after([](Json& json) { json["model"]["vocab"]["A"] = json["model"]["vocab"]["B"]; }),
              AllOf(HasSubstr("'A'"), HasSubstr("'B'"), HasSubstr("same id")));
  EXPECT_THAT(error_after([](Json& json) { added(json, "<|en|>")["id"] = 900; }),
              AllOf(HasSubstr("'<|en|>'"), HasSubstr("'<|endoftext|>'"), HasSubstr("same id 900")));
  EXPECT_THAT(error_after([](Json& json) { json["model"]["vocab"]["<|en|>"] = 1000; }),
              AllOf(HasSubstr("'<|en|>'"), HasSubstr("two ids, 902 and 1000")));
}

TEST(BadTokenizerFile, MissingByte) {
  EXPECT_THAT(error_after([](Json& json) {
                json["model"]["vocab"].erase("A");
                json["model"]["merges"] = Json::array();
              }),
              AllOf(HasSubstr("some/tokenizer.json"), HasSubstr("byte 0x41")));
}

TEST(BadTokenizerFile, SpellingOutsideTheByteAlphabet) {
  EXPECT_THAT(error_after([](Json& json) { json["model"]["vocab"]["漢"] = 2000; }), HasSubstr("'漢' (id 2000)"));
  EXPECT_THAT(error_after([](Json& json) { json["model"]["vocab"]["a b"] = 2000; }), HasSubstr("'a b' (id 2000)"));
  EXPECT_THAT(error_after([](Json& json) { json["model"]["vocab"][std::string(1000, ' ')] = 2000; }),
              HasSubstr("...'"));
}

TEST(BadTokenizerFile, Merges) {
  const auto with_merge = [](const Json& merge) {
    return error_after([&](Json& json) { json["model"]["merges"].insert(json["model"]["merges"].begin(), merge); });
  };
  EXPECT_THAT(with_merge("a qqq"), AllOf(HasSubstr("merge 0"), HasSubstr("'qqq'")));
  EXPECT_THAT(with_merge(Json::array({"q", "q"})), AllOf(HasSubstr("merge 0"), HasSubstr("'qq'")));
  EXPECT_THAT(with_merge(Json::array({"<|en|>", "a"})), HasSubstr("'<|en|>'"));
  for (const Json& merge : {Json("ab"), Json("a b c"), Json(" a"), Json("a "), Json("")}) {
    EXPECT_THAT(with_merge(merge), AllOf(HasSubstr("merge 0"), HasSubstr("two tokens")));
  }
  for (const Json& merge : {Json(3), Json::array({"a"}), Json::array({"a", 3}), Json::object()}) {
    EXPECT_THAT(with_merge(merge), HasSubstr("neither"));
  }
}

TEST(BadTokenizerFile, MissingSpecialTokens) {
  for (const std::string name : {"<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>",
                                 "<|startofprev|>", "<|notimestamps|>"}) {
    EXPECT_THAT(error_after([&](Json& json) { remove_added(json, name); }),
                AllOf(HasSubstr("some/tokenizer.json"), HasSubstr(name)));
  }
  EXPECT_THAT(error_after([](Json& json) { remove_added(json, "<|nocaptions|>"); }), HasSubstr("<|nospeech|>"));
}

TEST(BadTokenizerFile, TimeTokens) {
  EXPECT_THAT(error_after([](Json& json) { remove_added(json, "<|0.04|>"); }),
              AllOf(HasSubstr("'<|0.04|>' is missing"), HasSubstr("'<|0.06|>'")));
  EXPECT_THAT(error_after([](Json& json) { remove_added(json, "<|0.00|>"); }), HasSubstr("'<|0.00|>' is missing"));
  EXPECT_THAT(error_after([](Json& json) { added(json, "<|0.04|>")["id"] = 5000; }),
              AllOf(HasSubstr("'<|0.04|>' has id 5000"), HasSubstr("consecutive")));
}

TEST(OldTokenizerFile, WithoutAnyTimeTokenHasThemAfterNoTimestamps) {
  Json json = good_json();
  for (int i = 0; i <= 10; ++i)
    remove_added(json, "<|0." + std::string(i < 5 ? "0" : "") + std::to_string(2 * i) + "|>");
  const Tokenizer tokenizer(parse_tokenizer_json(json.dump(), "old"));
  EXPECT_EQ(tokenizer.special().timestamp_begin, tokenizer.special().no_timestamps + 1);
  EXPECT_EQ(tokenizer.special().timestamp_end, tokenizer.special().timestamp_begin + 1501);
}

TEST(AddedTokens, ThatAreNotSpecialAreText) {
  Json json = good_json();
  json["added_tokens"].push_back({{"id", 3000}, {"content", " 漢字"}, {"special", false}});
  json["added_tokens"].push_back({{"id", 3001}, {"content", "[PAD]"}, {"special", true}});
  const Tokenizer tokenizer(parse_tokenizer_json(json.dump(), "added"));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{3000, 3001}), " 漢字");
  EXPECT_EQ(tokenizer.vocabulary_size(), 3002);
}

class TokenizerFolder : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  std::string error() const {
    try {
      read_vocabulary(folder_);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  const test::TempFolder temporary_;
  const std::filesystem::path& folder_ = temporary_.path();
};

TEST_F(TokenizerFolder, EmptyOrAbsentSaysWhatIsExpected) {
  EXPECT_THAT(error(), AllOf(HasSubstr(folder_.string()), HasSubstr("tokenizer.json"), HasSubstr("merges.txt")));
  write("vocab.json", "{}");
  EXPECT_THAT(error(), HasSubstr("merges.txt"));
}

TEST_F(TokenizerFolder, ErrorsNameTheFileOfTheEntry) {
  write("vocab.json", R"({"a": 0, "b": 1})");
  write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_THAT(error(), AllOf(HasSubstr("merges.txt"), HasSubstr("'ab'")));
  write("merges.txt", "#version: 0.2\r\n\r\n");
  EXPECT_EQ(error(), "");
  write("added_tokens.json", R"(["x"])");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json"));
  write("added_tokens.json", R"({"<|en|>": 1})");
  EXPECT_THAT(error(), AllOf(HasSubstr("vocab.json"), HasSubstr("'b'"), HasSubstr("'<|en|>'")));
  write("vocab.json", "");
  write("added_tokens.json", "{}");
  EXPECT_THAT(error(), AllOf(HasSubstr("vocab.json"), HasSubstr("JSON")));
}

TEST(TokenizerConstructor, RefusesAVocabularyThatNoFileReaderWouldMake) {
  Vocabulary vocabulary = parse_tokenizer_json(good_json().dump(), "good");
  vocabulary.merges.emplace_back(0, 1 << 30);
  EXPECT_THROW(Tokenizer{vocabulary}, Error);
  vocabulary.merges.back() = {-5, 0};
  EXPECT_THROW(Tokenizer{vocabulary}, Error);
  vocabulary.merges.pop_back();
  EXPECT_NO_THROW(Tokenizer{vocabulary});
  vocabulary.special["<|en|>"] = -7;
  EXPECT_THROW(Tokenizer{vocabulary}, Error);
  vocabulary.special["<|en|>"] = vocabulary.special["<|de|>"];
  EXPECT_THROW(Tokenizer{vocabulary}, Error);
}

}  // namespace
}  // namespace amanuensis::model
