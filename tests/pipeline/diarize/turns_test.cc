#include "pipeline/diarize/turns.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/diarize/diarization_files.h"
#include "pipeline/diarize/naming.h"
#include "pipeline/diarize/options.h"

namespace amanuensis::pipeline {
namespace {

using Turns = std::vector<SpeakerTurn>;

TEST(Turns, AShortPauseOfOneSpeakerIsFilled) {
  EXPECT_EQ(smooth_turns({{1, 2, 0}, {2.25, 3, 0}, {4, 5, 0}}, {.max_gap_s = 0.5, .min_turn_s = 0.2}),
            (Turns{{1, 3, 0}, {4, 5, 0}}));
}

TEST(Turns, APauseInWhichSomebodyElseSpeaksIsNotFilled) {
  const Turns turns{{1, 2, 0}, {2, 2.25, 1}, {2.25, 3, 0}};
  EXPECT_EQ(smooth_turns(turns, {.max_gap_s = 0.5, .min_turn_s = 0.2}), turns);
}

TEST(Turns, AVeryShortTurnGoesToTheNeighbourThatTouchesIt) {
  EXPECT_EQ(smooth_turns({{0, 2, 0}, {2, 2.1, 1}, {2.1, 4, 0}}, {.max_gap_s = 0.5, .min_turn_s = 0.2}),
            (Turns{{0, 4, 0}}));
  EXPECT_TRUE(smooth_turns({{5, 5.1, 0}}, {.max_gap_s = 0.5, .min_turn_s = 0.2}).empty());
}

TEST(Turns, SpeakersAreNumberedAsTheyAppearAndTheirTimesSummed) {
  const Diarization result = make_diarization({{5, 6, 0}, {1, 3, 2}, {2, 4, 0}}, std::vector<DiarizedSpeaker>(3), 10);
  ASSERT_EQ(result.speakers.size(), 2U);
  EXPECT_EQ(result.speakers[0].label, "SPEAKER_00");
  EXPECT_DOUBLE_EQ(result.speakers[0].speaking_s, 2);
  EXPECT_DOUBLE_EQ(result.speakers[1].speaking_s, 3);
  EXPECT_EQ(result.turns, (Turns{{1, 3, 0}, {2, 4, 1}, {5, 6, 1}}));
}

TEST(Turns, FilesSayWhatWasFound) {
  Diarization found = make_diarization({{0.5, 2.75, 0}}, {{.label = "Ada B", .speaking_s = 0, .voice = {}}}, 3);
  found.model = "builtin";
  EXPECT_EQ(diarization_rttm(found, "my talk"), "SPEAKER my_talk 1 0.500 2.250 <NA> <NA> Ada_B <NA> <NA>\n");
  EXPECT_EQ(diarization_json(found),
            "{\"duration\":3.0,\"model\":\"builtin\",\"speakers\":{\"count\":1,\"labels\":[\"Ada B\"],"
            "\"speaking_time\":{\"Ada B\":2.25}},\"turns\":[{\"start\":0.5,\"end\":2.75,\"speaker\":\"Ada B\"}]}\n");
  EXPECT_EQ(diarization_text(found), "[00:00.500 --> 00:02.750]  Ada B\nAda B speaks for 00:02.250\n");
}

TEST(Naming, TheMostAlikeGetTheNamesAndOthersNone) {
  std::vector<DiarizedSpeaker> speakers(3);
  speakers[0].voice = {1, 0};
  speakers[1].voice = {0.6F, 0.8F};
  speakers[2].voice = {0, 1};
  const std::vector<KnownVoice> known{{"Ada", {0.8F, 0.6F}}, {"Bob", {0, -1}}};
  name_known_voices(known, 0.7, speakers);
  EXPECT_EQ(speakers[0].label, "");
  EXPECT_EQ(speakers[1].label, "Ada");
  EXPECT_EQ(speakers[2].label, "");
}

TEST(DiarizeOptions, CountsThatMakeNoSenseAreRefused) {
  DiarizeOptions counted;
  counted.num_speakers = 0;
  EXPECT_THROW(check_diarize_options(counted), Error);
  counted.num_speakers = 65;
  EXPECT_THROW(check_diarize_options(counted), Error);
  counted.num_speakers = 2;
  EXPECT_NO_THROW(check_diarize_options(counted));
  DiarizeOptions crossed;
  crossed.min_speakers = 4;
  crossed.max_speakers = 3;
  EXPECT_THROW(check_diarize_options(crossed), Error);
}

}  // namespace
}  // namespace amanuensis::pipeline
