// The whole diarization with the built-in model, on real recordings where they are.
#include "pipeline/diarize/diarizer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "audio/decode.h"
#include "base/error.h"
#include "pipeline/diarize/builtin_embedder.h"
#include "support/cpu_machine.h"

namespace amanuensis::pipeline {
namespace {

DiarizeOptions exactly(std::size_t speakers) {
  DiarizeOptions options;
  options.num_speakers = speakers;
  return options;
}

class DiarizerTest : public testing::Test {
 protected:
  static std::vector<float> shared(const std::string& name) {
    const std::filesystem::path path = std::filesystem::path(AMANUENSIS_SHARED_DATA) / name;
    return std::filesystem::exists(path) ? audio::read_all_audio(path) : std::vector<float>();
  }

  ThreadPool pool_{1};
  std::unique_ptr<device::Backend> backend_ =
      device::make_cpu_backend({.pool = pool_,
                                .kernels = kernels::select_kernels(detect_cpu_features()),
                                .compute_type = device::ComputeType::kFloat32});
  Diarizer diarizer_{{.detector = nullptr, .embedder = make_builtin_embedder(*backend_), .segmenter = nullptr}};
};

TEST_F(DiarizerTest, NoAudioAndSilenceAreNobody) {
  EXPECT_TRUE(diarizer_.diarize({}, {}).turns.empty());
  const Diarization silence = diarizer_.diarize(std::vector<float>(160000), exactly(3));
  EXPECT_TRUE(silence.turns.empty());
  EXPECT_TRUE(silence.speakers.empty());
  EXPECT_DOUBLE_EQ(silence.duration_s, 10);
  EXPECT_THROW(diarizer_.voice(std::vector<float>(160000)), Error);
}

TEST_F(DiarizerTest, ASecondOfSpeechIsOneSpeakerWhateverIsAskedFor) {
  std::vector<float> speech = shared("jfk.flac");
  if (speech.empty()) GTEST_SKIP() << "jfk.flac is not here";
  EXPECT_EQ(diarizer_.diarize(speech, {}).speakers.size(), 1U);
  speech.resize(24000);
  EXPECT_LE(diarizer_.diarize(speech, exactly(10)).speakers.size(), 2U);
}

TEST_F(DiarizerTest, TwoOnTheTelephoneAreTold) {
  const std::vector<float> call = shared("pyannote/sample.wav");
  if (call.empty()) GTEST_SKIP() << "pyannote/sample.wav is not here";
  const Diarization found = diarizer_.diarize(call, {});
  EXPECT_EQ(found.speakers.size(), 2U);
  EXPECT_EQ(found.model, "builtin");
  DiarizeOptions three;
  three.num_speakers = 3;
  EXPECT_EQ(diarizer_.diarize(call, three).speakers.size(), 3U);
}

TEST_F(DiarizerTest, OneWhoIsAskedForAsThreeIsThree) {
  const std::vector<float> alone = shared("jfk.flac");
  if (alone.empty()) GTEST_SKIP() << "jfk.flac is not here";
  EXPECT_EQ(diarizer_.diarize(alone, {}).speakers.size(), 1U);
  for (const std::size_t count : {2U, 3U, 4U}) {
    DiarizeOptions options;
    options.num_speakers = count;
    EXPECT_EQ(diarizer_.diarize(alone, options).speakers.size(), count);
  }
}

TEST_F(DiarizerTest, HowTheAudioIsCutIntoCallsMakesNoDifference) {
  const std::vector<float> call = shared("pyannote/sample.wav");
  if (call.empty()) GTEST_SKIP() << "pyannote/sample.wav is not here";
  const auto session = diarizer_.open({});
  for (std::size_t i = 0; i < call.size(); i += 12345) {
    session->push(std::span(call).subspan(i, std::min<std::size_t>(12345, call.size() - i)));
  }
  EXPECT_EQ(session->finish({}).turns, diarizer_.diarize(call, {}).turns);
}

TEST_F(DiarizerTest, AKnownVoiceGivesItsName) {
  const std::vector<float> call = shared("pyannote/sample.wav");
  if (call.empty()) GTEST_SKIP() << "pyannote/sample.wav is not here";
  const Diarization found = diarizer_.diarize(call, {});
  DiarizeOptions options;
  options.known = {{"Ada", found.speakers.back().voice}};
  const Diarization named = diarizer_.diarize(call, options);
  EXPECT_EQ(named.speakers.back().label, "Ada");
  EXPECT_EQ(named.speakers.front().label, "SPEAKER_00");
}

TEST_F(DiarizerTest, WithoutAnEmbedderThereIsNone) { EXPECT_THROW(Diarizer({}), Error); }

}  // namespace
}  // namespace amanuensis::pipeline
