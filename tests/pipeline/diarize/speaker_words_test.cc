#include "pipeline/diarize/speaker_words.h"

#include <gtest/gtest.h>

#include <sstream>

#include "pipeline/diarize/channels.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::pipeline {
namespace {

Diarization two_speakers(std::vector<SpeakerTurn> turns) {
  Diarization diarization = make_diarization(std::move(turns), std::vector<DiarizedSpeaker>(2), 20);
  diarization.model = "builtin";
  return diarization;
}

// A segment of words of half a second each.
Segment said(double start_s, const std::vector<std::string>& words) {
  Segment segment;
  segment.start_s = start_s;
  for (const std::string& word : words) {
    segment.words.push_back({.word = " " + word, .start_s = start_s, .end_s = start_s + 0.5, .probability = 1});
    segment.text += " " + word;
    start_s += 0.5;
  }
  segment.end_s = start_s;
  segment.tokens = {1, 2, 3};
  return segment;
}

std::string written(const Transcript& transcript, std::string_view format) {
  std::ostringstream out;
  find_writer_format(format)->write(transcript, {}, out);
  return out.str();
}

TEST(SpeakerWords, ASegmentIsCutWhereTheSpeakerChanges) {
  Transcript transcript;
  transcript.segments = {said(0, {"How", "are", "you?", "I", "am", "fine."})};
  assign_speakers(two_speakers({{0, 1.5, 0}, {1.5, 3, 1}}), transcript);
  ASSERT_EQ(transcript.segments.size(), 2U);
  EXPECT_EQ(transcript.segments[0].text, " How are you?");
  EXPECT_EQ(transcript.segments[0].speaker, "SPEAKER_00");
  EXPECT_EQ(transcript.segments[1].text, " I am fine.");
  EXPECT_EQ(transcript.segments[1].speaker, "SPEAKER_01");
  EXPECT_EQ(transcript.segments[1].id, 1U);
  EXPECT_DOUBLE_EQ(transcript.segments[0].end_s, 1.5);
  EXPECT_DOUBLE_EQ(transcript.segments[1].start_s, 1.5);
  EXPECT_TRUE(transcript.segments[1].tokens.empty());
  ASSERT_EQ(transcript.speakers.size(), 2U);
  EXPECT_DOUBLE_EQ(transcript.speakers[1].speaking_s, 1.5);
}

TEST(SpeakerWords, OneStrayWordDoesNotCutASentence) {
  Transcript transcript;
  transcript.segments = {said(0, {"This", "is", "one", "whole", "sentence."})};
  assign_speakers(two_speakers({{0, 1, 0}, {1, 1.5, 1}, {1.5, 2.5, 0}}), transcript);
  ASSERT_EQ(transcript.segments.size(), 1U);
  for (const Word& word : transcript.segments[0].words) EXPECT_EQ(word.speaker, "SPEAKER_00");
}

TEST(SpeakerWords, AShortAnswerIsASentenceOfItsOwn) {
  Transcript transcript;
  transcript.segments = {said(0, {"Shall", "we", "go?", "Yes.", "Then", "come", "now."})};
  assign_speakers(two_speakers({{0, 1.5, 0}, {1.5, 2, 1}, {2, 3.5, 0}}), transcript);
  ASSERT_EQ(transcript.segments.size(), 3U);
  EXPECT_EQ(transcript.segments[1].text, " Yes.");
  EXPECT_EQ(transcript.segments[1].speaker, "SPEAKER_01");
}

TEST(SpeakerWords, AWordBetweenTurnsGoesToTheNearest) {
  Transcript transcript;
  transcript.segments = {said(5, {"Well."})};
  assign_speakers(two_speakers({{0, 1, 0}, {6, 8, 1}}), transcript);
  EXPECT_EQ(transcript.segments[0].speaker, "SPEAKER_01");
}

TEST(SpeakerWords, WithoutTurnsNobodyIsNamed) {
  Transcript transcript;
  transcript.segments = {said(0, {"Hum."})};
  assign_speakers(two_speakers({}), transcript);
  EXPECT_EQ(transcript.segments[0].speaker, "");
  EXPECT_TRUE(transcript.speakers.empty());
  EXPECT_NE(written(transcript, "json").find(R"("speakers": {"count": 0, "labels": [], "speaking_time": {}})"),
            std::string::npos);
}

TEST(SpeakerWords, EveryWriterNamesTheSpeaker) {
  Transcript transcript;
  transcript.segments = {said(0, {"How", "are", "you?", "I", "am", "fine."})};
  assign_speakers(two_speakers({{0, 1.5, 0}, {1.5, 3, 1}}), transcript);
  EXPECT_EQ(written(transcript, "txt"), "[SPEAKER_00]: How are you?\n[SPEAKER_01]: I am fine.\n");
  EXPECT_EQ(written(transcript, "srt"),
            "1\n00:00:00,000 --> 00:00:01,500\n[SPEAKER_00]: How are you?\n\n"
            "2\n00:00:01,500 --> 00:00:03,000\n[SPEAKER_01]: I am fine.\n\n");
  EXPECT_EQ(written(transcript, "vtt"),
            "WEBVTT\n\n00:00.000 --> 00:01.500\n[SPEAKER_00]: How are you?\n\n"
            "00:01.500 --> 00:03.000\n[SPEAKER_01]: I am fine.\n\n");
  EXPECT_EQ(written(transcript, "tsv"),
            "start\tend\tspeaker\ttext\n0\t1500\tSPEAKER_00\tHow are you?\n1500\t3000\tSPEAKER_01\tI am fine.\n");
  const std::string json = written(transcript, "json");
  EXPECT_NE(json.find(R"("probability": 1.0, "speaker": "SPEAKER_01")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("speaking_time": {"SPEAKER_00": 1.5, "SPEAKER_01": 1.5}}, "diarization_model": "builtin")"),
            std::string::npos)
      << json;
}

TEST(Channels, EachIsASpeakerInTheOrderOfAppearance) {
  Diarization left = make_diarization({{4, 5, 0}}, std::vector<DiarizedSpeaker>(1), 9);
  Diarization right = make_diarization({{1, 2, 0}, {6, 7, 0}}, std::vector<DiarizedSpeaker>(1), 9);
  const Diarization silent = make_diarization({}, {}, 9);
  const ChannelSpeakers joined = join_channels({left, silent, right});
  EXPECT_EQ(joined.labels, (std::vector<std::string>{"SPEAKER_01", "", "SPEAKER_00"}));
  ASSERT_EQ(joined.diarization.speakers.size(), 2U);
  EXPECT_DOUBLE_EQ(joined.diarization.speakers[0].speaking_s, 2);
  EXPECT_EQ(joined.diarization.turns, (std::vector<SpeakerTurn>{{1, 2, 0}, {4, 5, 1}, {6, 7, 0}}));
}

TEST(Channels, TranscriptsAreJoinedByTime) {
  Transcript left;
  left.segments = {said(4, {"Second."})};
  assign_speakers(make_diarization({{4, 5, 0}}, std::vector<DiarizedSpeaker>(1), 9), left);
  Transcript right;
  right.segments = {said(1, {"First."}), said(6, {"Third."})};
  right.language = "en";
  assign_speakers(make_diarization({{1, 2, 0}, {6, 7, 0}}, std::vector<DiarizedSpeaker>(1), 9), right);
  const Transcript joined = join_transcripts({left, right});
  EXPECT_EQ(joined.text, " First. Second. Third.");
  ASSERT_EQ(joined.segments.size(), 3U);
  EXPECT_EQ(joined.segments[0].speaker, "SPEAKER_00");
  EXPECT_EQ(joined.segments[1].speaker, "SPEAKER_01");
  EXPECT_EQ(joined.segments[2].words[0].speaker, "SPEAKER_00");
  EXPECT_EQ(joined.segments[2].id, 2U);
  EXPECT_EQ(joined.diarization_model, "channels");
}

}  // namespace
}  // namespace amanuensis::pipeline
