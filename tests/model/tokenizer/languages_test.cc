#include "model/tokenizer/languages.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace amanuensis::model {
namespace {

std::string code_of(std::string_view wanted) {
  const auto language = find_language(wanted);
  return language ? std::string(language->code) : "none";
}

TEST(Languages, AreOneHundredWithDistinctCodesAndNames) {
  std::set<std::string_view> codes;
  std::set<std::string_view> names;
  for (const Language& language : whisper_languages()) {
    codes.insert(language.code);
    names.insert(language.name);
  }
  EXPECT_EQ(codes.size(), 100);
  EXPECT_EQ(names.size(), 100);
  EXPECT_EQ(whisper_languages().front().code, "en");
  EXPECT_EQ(whisper_languages().back().code, "yue");
}

TEST(Languages, AreFoundByCodeNameAndAlias) {
  EXPECT_EQ(code_of("de"), "de");
  EXPECT_EQ(code_of("DE"), "de");
  EXPECT_EQ(code_of("German"), "de");
  EXPECT_EQ(code_of("Castilian"), "es");
  EXPECT_EQ(code_of("mandarin"), "zh");
  EXPECT_EQ(code_of("Haitian Creole"), "ht");
  EXPECT_EQ(code_of("valencian"), "ca");
  EXPECT_EQ(code_of("jv"), "jw");
  EXPECT_EQ(code_of("cantonese"), "yue");
  EXPECT_EQ(code_of("klingon"), "none");
  EXPECT_EQ(code_of(""), "none");
}

TEST(Languages, EveryNameFindsItsCode) {
  for (const Language& language : whisper_languages()) {
    EXPECT_EQ(code_of(language.name), language.code);
    EXPECT_EQ(code_of(language.code), language.code);
  }
}

}  // namespace
}  // namespace amanuensis::model
