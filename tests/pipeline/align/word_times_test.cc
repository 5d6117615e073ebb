// Words given to segments: punctuation, hacks against long words, and the order that is kept.
#include "pipeline/align/word_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "pipeline/align/silence_skip.h"
#include "support/small_vocabulary.h"

namespace amanuensis::pipeline {
namespace {

using testing::ElementsAre;

// A segment of `tokens` text tokens between two time tokens.
Segment segment_of(const model::Tokenizer& tokenizer, double start_s, double end_s, std::size_t tokens) {
  Segment segment;
  segment.start_s = start_s;
  segment.end_s = end_s;
  segment.text = "x";
  segment.tokens.push_back(tokenizer.special().timestamp_begin);
  for (std::size_t i = 0; i < tokens; ++i) segment.tokens.push_back('a');
  segment.tokens.push_back(tokenizer.special().timestamp_begin);
  return segment;
}

WordTiming timing(const std::string& word, double start_s, double end_s, std::size_t tokens = 1) {
  return {.word = word, .tokens = tokens, .start_s = start_s, .end_s = end_s, .probability = 0.5};
}

std::vector<std::string> texts_of(const Segment& segment) {
  std::vector<std::string> texts;
  for (const Word& word : segment.words) texts.push_back(word.word);
  return texts;
}

class AddWordTimes : public testing::Test {
 protected:
  void add(std::vector<WordTiming> alignment, const WordPlace& place = {}, const WordTimeOptions& options = {}) {
    add_word_times(segments_, std::move(alignment), tokenizer_, place, options);
  }

  model::Tokenizer tokenizer_ = test::small_tokenizer();
  std::vector<Segment> segments_;
};

TEST_F(AddWordTimes, PunctuationJoinsTheWordBesideIt) {
  segments_ = {segment_of(tokenizer_, 0, 3, 8)};
  add({timing(" (", 0, 0), timing("Hello", 0, 0.4), timing(",", 0.4, 0.6), timing(" \"", 0.6, 0.6),
       timing(" world", 0.6, 1.0), timing("\"", 1.0, 1.0), timing(")", 1.0, 1.1), timing(" end", 1.1, 1.5)});
  EXPECT_THAT(texts_of(segments_[0]), ElementsAre(" (Hello,", " \" world\")", " end"));
  EXPECT_EQ(segments_[0].words[0].end_s, 0.4) << "punctuation has no time of its own";
  EXPECT_EQ(segments_[0].words[1].end_s, 1.0);
}

TEST_F(AddWordTimes, TheMarksThatJoinAreTheCallers) {
  segments_ = {segment_of(tokenizer_, 0, 3, 3)};
  add({timing(" a", 0, 0.5), timing(",", 0.5, 0.6), timing(" b", 0.6, 1.0)}, {},
      {.prepend_punctuations = "", .append_punctuations = ""});
  EXPECT_THAT(texts_of(segments_[0]), ElementsAre(" a", ",", " b"));
}

TEST_F(AddWordTimes, WordsGoToTheSegmentOfTheirTokens) {
  segments_ = {segment_of(tokenizer_, 10, 11, 2), segment_of(tokenizer_, 11, 12, 3)};
  add({timing(" one", 0, 0.5), timing(" two", 0.5, 1.0), timing(" three", 1.1, 1.5, 2), timing(" four", 1.5, 2.0)},
      {.window_start_s = 10, .last_speech_s = 10});
  EXPECT_THAT(texts_of(segments_[0]), ElementsAre(" one", " two"));
  EXPECT_THAT(texts_of(segments_[1]), ElementsAre(" three", " four"));
  EXPECT_EQ(segments_[0].start_s, 10.0);
  EXPECT_EQ(segments_[0].end_s, 11.0);
  EXPECT_EQ(segments_[1].start_s, 11.1) << "a segment begins with its first word";
  EXPECT_EQ(segments_[1].end_s, 12.0);
}

TEST_F(AddWordTimes, ALongWordAtASentencesEndIsCut) {
  segments_ = {segment_of(tokenizer_, 0, 9, 5)};
  add({timing(" a", 0, 0.4), timing(" b", 0.4, 0.8), timing(".", 0.8, 5.0), timing(" c", 5.0, 5.4),
       timing(" d", 5.4, 5.8)});
  // The median is 0.4: the full stop, which would be 4.2 s long, ends after 0.8.
  EXPECT_THAT(texts_of(segments_[0]), ElementsAre(" a", " b.", " c", " d"));
  EXPECT_EQ(segments_[0].words[1].end_s, 0.8) << "the word's own end, not the mark's";
  EXPECT_EQ(segments_[0].words[2].start_s, 5.0);
}

TEST_F(AddWordTimes, ALongWordAfterAPauseBeginsLater) {
  segments_ = {segment_of(tokenizer_, 7.5, 9, 3)};
  add({timing(" a", 0, 8.0), timing(" b", 8.0, 8.4), timing(" c", 8.4, 8.8)});
  EXPECT_NEAR(segments_[0].words[0].start_s, 7.2, 1e-9) << "twice the median of 0.4 before its end";
  EXPECT_EQ(segments_[0].start_s, segments_[0].words[0].start_s);
}

TEST_F(AddWordTimes, NothingToAddLeavesSegmentsAlone) {
  segments_ = {segment_of(tokenizer_, 1, 2, 0)};
  add({});
  EXPECT_TRUE(segments_[0].words.empty());
  EXPECT_EQ(segments_[0].start_s, 1.0);
  segments_.clear();
  add({});
}

// --- WordOrder ---

Segment with_words(std::vector<Word> words) {
  Segment segment;
  segment.start_s = words.empty() ? 0 : words.front().start_s;
  segment.end_s = words.empty() ? 0 : words.back().end_s;
  segment.words = std::move(words);
  return segment;
}

Word word(double start_s, double end_s) { return {.word = " x", .start_s = start_s, .end_s = end_s}; }

void expect_in_order(const std::vector<Segment>& segments, double audio_s) {
  double last_s = 0;
  for (const Segment& segment : segments) {
    for (const Word& w : segment.words) {
      EXPECT_LT(w.start_s, w.end_s);
      EXPECT_GE(w.start_s, last_s);
      EXPECT_LE(w.end_s, audio_s);
      last_s = w.end_s;
    }
    if (segment.words.empty()) continue;
    EXPECT_EQ(segment.start_s, segment.words.front().start_s) << "where it stood, it stays";
    EXPECT_EQ(segment.end_s, segment.words.back().end_s);
  }
}

TEST(WordOrder, LeavesGoodTimesAlone) {
  std::vector<Segment> segments = {with_words({word(0.1, 0.5), word(0.5, 0.52)}), with_words({word(3.0, 3.01)})};
  WordOrder(10).settle(segments);
  EXPECT_EQ(segments[0].words[0].start_s, 0.1);
  EXPECT_EQ(segments[0].words[1].start_s, 0.5);
  EXPECT_EQ(segments[0].words[1].end_s, 0.52);
  EXPECT_EQ(segments[1].words[0].end_s, 3.01);
}

TEST(WordOrder, AWordWithoutLengthGetsTheLeast) {
  std::vector<Segment> segments = {with_words({word(1.12, 1.12), word(1.12, 1.12), word(1.12, 2.0)})};
  WordOrder(10).settle(segments);
  EXPECT_EQ(segments[0].words[0].start_s, 1.12);
  EXPECT_EQ(segments[0].words[0].end_s, 1.13);
  EXPECT_EQ(segments[0].words[1].end_s, 1.14);
  EXPECT_EQ(segments[0].words[2].start_s, 1.14);
  EXPECT_EQ(segments[0].words[2].end_s, 2.0);
}

TEST(WordOrder, NoWordBeginsBeforeTheLastSegmentsEnd) {
  WordOrder order(10);
  std::vector<Segment> first = {with_words({word(1, 4)})};
  std::vector<Segment> second = {with_words({word(0, 0.5), word(4.5, 5)})};
  order.settle(first);
  order.settle(second);
  EXPECT_EQ(second[0].words[0].start_s, 4.0);
  EXPECT_EQ(second[0].start_s, 4.0);
  expect_in_order({first[0], second[0]}, 10);
}

TEST(WordOrder, WordsEndWithTheAudio) {
  const double audio_s = 5.0034375;
  std::vector<Segment> segments = {with_words({word(4.9, 5.0), word(5.0, 5.0), word(5.0, 5.0), word(5.5, 29)})};
  WordOrder(audio_s).settle(segments);
  expect_in_order(segments, audio_s);
  EXPECT_EQ(segments[0].end_s, audio_s);
}

TEST(WordOrder, WordsShareWhatIsLeft) {
  WordOrder order(4.0);
  std::vector<Segment> first = {with_words({word(1, 3.99)})};
  std::vector<Segment> second = {with_words({word(4, 4), word(4, 4), word(4, 4), word(4, 4)})};
  order.settle(first);
  order.settle(second);
  expect_in_order({first[0], second[0]}, 4.0);
  EXPECT_EQ(second[0].words.size(), 4U);
}

TEST(WordOrder, DropsWordsForWhichThereIsNoAudio) {
  WordOrder order(4.0);
  std::vector<Segment> first = {with_words({word(1, 4)})};
  std::vector<Segment> second = {with_words({word(4, 4)})};
  order.settle(first);
  order.settle(second);
  EXPECT_TRUE(second[0].words.empty());
  std::vector<Segment> none = {with_words({word(0, 0)})};
  WordOrder(0).settle(none);
  EXPECT_TRUE(none[0].words.empty());
}

TEST(WordOrder, HoldsForAnyTimes) {
  std::uint32_t state = 7;
  const auto draw = [&state](std::uint32_t limit) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % limit;
  };
  for (int round = 0; round < 500; ++round) {
    const double audio_s = draw(3000) / 100.0 + 0.0034375;
    WordOrder order(audio_s);
    std::vector<Segment> all;
    for (std::uint32_t call = 0; call < 1 + draw(4); ++call) {
      std::vector<Segment> segments;
      for (std::uint32_t s = 0; s < draw(4); ++s) {
        std::vector<Word> words;
        for (std::uint32_t w = 0; w < draw(6); ++w) words.push_back(word(draw(3000) / 100.0, draw(3000) / 100.0));
        segments.push_back(with_words(words));
      }
      order.settle(segments);
      all.insert(all.end(), segments.begin(), segments.end());
    }
    expect_in_order(all, audio_s);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

// --- skip_silence ---

// Words of half a second each.
Segment spoken(double start_s, double end_s, double probability) {
  Segment segment;
  segment.start_s = start_s;
  segment.end_s = end_s;
  const auto words = static_cast<int>(std::lround((end_s - start_s) / 0.5));
  for (int i = 0; i < words; ++i) {
    const double word_end_s = i + 1 == words ? end_s : start_s + (i + 1) * 0.5;
    segment.words.push_back({" x", start_s + i * 0.5, word_end_s, probability});
  }
  return segment;
}

constexpr SpokenSpan kSpan = {.seek = 1000, .frames = 3000, .window_frames = 3000, .content_frames = 60000};

TEST(SkipSilence, GoodWordsAreKept) {
  std::vector<Segment> segments = {spoken(11, 13, 0.9), spoken(14, 38, 0.9)};
  const SkipDecision decision = skip_silence(segments, kSpan, 1.0, 3800);
  EXPECT_FALSE(decision.discard);
  EXPECT_EQ(segments.size(), 2U);
  EXPECT_EQ(decision.next_seek, 3800U) << "from the last word on: two seconds of the window are left";
}

TEST(SkipSilence, AShortRestOfTheWindowIsNotDecodedAgain) {
  std::vector<Segment> segments = {spoken(11, 39.5, 0.9)};
  EXPECT_EQ(skip_silence(segments, kSpan, 1.0, 3950).next_seek, 4000U);
}

TEST(SkipSilence, SilenceBeforeInventedWordsIsSkipped) {
  std::vector<Segment> segments = {spoken(15, 17, 0.01), spoken(20, 30, 0.9)};
  const SkipDecision decision = skip_silence(segments, kSpan, 1.0, 3000);
  EXPECT_TRUE(decision.discard);
  EXPECT_EQ(decision.next_seek, 1500U);
}

TEST(SkipSilence, InventedWordsBetweenPausesAreDropped) {
  std::vector<Segment> segments = {spoken(10.2, 14, 0.9), spoken(20, 22, 0.01), spoken(30, 32, 0.9)};
  const SkipDecision decision = skip_silence(segments, kSpan, 1.0, 3200);
  EXPECT_FALSE(decision.discard);
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(decision.next_seek, 2000U);
}

TEST(SkipSilence, AtTheAudiosEndNothingIsLeft) {
  SpokenSpan span = kSpan;
  span.content_frames = 3890;
  span.frames = 2890;
  std::vector<Segment> segments = {spoken(10.2, 14, 0.9), spoken(36, 38.5, 0.01)};
  EXPECT_EQ(skip_silence(segments, span, 1.0, 3850).next_seek, 3890U);
}

TEST(SkipSilence, LastWordEndLooksBackForWords) {
  std::vector<Segment> segments = {spoken(1, 2, 0.9), with_words({})};
  segments[1].end_s = 7;
  EXPECT_EQ(last_word_end_s(segments), 2.0);
  EXPECT_EQ(last_word_end_s(std::vector<Segment>{segments[1]}), 7.0);
  EXPECT_FALSE(last_word_end_s({}).has_value());
}

}  // namespace
}  // namespace amanuensis::pipeline
