#include "audio/decode.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "media_builder.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::audio {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::HasSubstr;

double loudest(const std::vector<float>& samples) {
  float peak = 0;
  for (const float sample : samples) peak = std::max(peak, std::abs(sample));
  return peak;
}

std::string warning_of(AudioReader& reader) {
  std::vector<float> piece(5000);
  while (reader.read(piece) > 0) {
  }
  return reader.warning();
}

test::ThrownError error_reading(const fs::path& path) {
  return error_of([&] { read_all_audio(path); });
}

// A folder with three seconds of a sine in `name`, coded as its extension says.
class Media : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_program("ffmpeg")) GTEST_SKIP() << "the ffmpeg program is not installed";
  }

  // ffmpeg's own failure is a missing encoder, not ours: the empty path.
  fs::path make(const std::string& name, const std::string& arguments = "") const {
    const fs::path path = folder_.path() / name;
    const std::string input = "-f lavfi -i sine=frequency=440:duration=3:sample_rate=44100 ";
    return ffmpeg(input + arguments + " '" + path.string() + "'") ? path : fs::path();
  }

  // The first part of a file.
  fs::path cut(const fs::path& file, double share) const {
    const std::string bytes = test::read_file(file);
    const auto size = static_cast<std::size_t>(static_cast<double>(bytes.size()) * share);
    return folder_.write("cut_" + file.filename().string(), std::string_view(bytes).substr(0, size));
  }

  test::TempFolder folder_;
};

TEST(Decode, AWavFileAt16KilohertzComesOutAsItIs) {
  const test::TempFolder folder;
  const fs::path file = folder.write("a.wav", wav_file({.frames = 1600}));
  AudioReader reader(file);
  EXPECT_EQ(reader.info().container, "wav");
  EXPECT_EQ(reader.info().codec, "pcm_s16le");
  EXPECT_EQ(reader.info().sample_rate_hz, 16000);
  EXPECT_EQ(reader.info().channels, 1);
  EXPECT_NEAR(reader.info().duration_s.value_or(0), 0.1, 1e-9);
  const std::vector<float> samples = read_all_audio(file);
  ASSERT_EQ(samples.size(), 1600U);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * 100 * static_cast<double>(i) / 16000;
    ASSERT_EQ(samples[i], static_cast<float>(std::lround(8192 * std::sin(phase))) / 32768.0F) << i;
  }
  EXPECT_EQ(reader.warning(), "");
}

TEST(Decode, PiecesOfAnySizeGiveTheSameSamples) {
  const test::TempFolder folder;
  const std::string bytes = wav_file({.rate_hz = 44100, .channels = 2, .frames = 30000});
  const fs::path file = folder.write("a.wav", bytes);
  const std::vector<float> whole = read_all_audio(file);
  EXPECT_NEAR(static_cast<double>(whole.size()), 30000 * 16000 / 44100.0, 2);
  for (const std::size_t size : {1U, 7U, 1024U, 100000U}) {
    AudioReader reader = AudioReader::from_memory(std::as_bytes(std::span(bytes)), "a.wav");
    std::vector<float> piece(size);
    std::vector<float> all;
    while (const std::size_t count = reader.read(piece))
      all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    EXPECT_EQ(all, whole) << size;
    EXPECT_EQ(reader.read(piece), 0U);
  }
}

TEST(Decode, AFileWithoutSamplesIsValid) {
  const test::TempFolder folder;
  EXPECT_TRUE(read_all_audio(folder.write("zero.wav", wav_file({.frames = 0}))).empty());
  EXPECT_EQ(read_all_audio(folder.write("ten_ms.wav", wav_file({.frames = 160}))).size(), 160U);
  EXPECT_EQ(read_all_audio(folder.write("one.wav", wav_file({.frames = 1}))).size(), 1U);
}

TEST(Decode, AnyNumberOfChannelsIsMixed) {
  const test::TempFolder folder;
  for (const std::uint32_t channels : {2U, 3U, 5U, 6U, 8U, 9U, 11U, 16U, 31U, 64U}) {
    const fs::path file = folder.write("c.wav", wav_file({.channels = channels, .frames = 8000}));
    const std::vector<float> samples = read_all_audio(file);
    ASSERT_EQ(samples.size(), 8000U) << channels;
    // Channel 0 begins every mix, none drowns it, and none of them together overflow.
    EXPECT_GT(loudest(samples), 0.01) << channels;
    EXPECT_LE(loudest(samples), 0.26) << channels;
  }
  EXPECT_THAT(error_reading(folder.write("c.wav", wav_file({.channels = 65, .frames = 800}))).message,
              HasSubstr("c.wav: audio of 65 channels at 16000 Hz; at most 64 channels"));
}

TEST(Decode, HighRatesAreResampledAndAbsurdOnesRefused) {
  const test::TempFolder folder;
  const std::vector<float> samples =
      read_all_audio(folder.write("h.wav", wav_file({.rate_hz = 192000, .frames = 192000})));
  EXPECT_NEAR(static_cast<double>(samples.size()), 16000, 2);
  EXPECT_NEAR(loudest(samples), 0.25, 0.01);
  EXPECT_EQ(error_reading(folder.write("h.wav", wav_file({.rate_hz = 7, .frames = 100}))).code,
            ErrorCode::kUnsupported);
}

TEST(Decode, SaysWhatAFileIsInsteadOfMedia) {
  const test::TempFolder folder;
  const auto expect = [&](const fs::path& path, ErrorCode code, const std::string& message) {
    const test::ThrownError error = error_reading(path);
    EXPECT_EQ(error.code, code) << path;
    EXPECT_THAT(error.message, HasSubstr(path.filename().string() + message));
    EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  };
  expect(folder.path() / "missing.wav", ErrorCode::kNotFound, ": cannot open: No such file or directory");
  expect(folder.path(), ErrorCode::kInvalidArgument, ": is a folder; name the media files in it");
  expect(folder.write("empty.wav", ""), ErrorCode::kBadData, ": is empty (0 bytes)");
  const std::string text = "Dear Sir,\nthis is not a recording, whatever its name may say.\n";
  for (const char* name : {"text.wav", "text.mp3", "text.txt", "text.flac", "text.bin", "text"}) {
    expect(folder.write(name, text), ErrorCode::kBadData, ": is a text file, not a media file");
  }
  std::string junk(5000, '\0');
  for (std::size_t i = 0; i < junk.size(); ++i) junk[i] = static_cast<char>(i * i * 31 >> 3U);
  expect(folder.write("junk.wav", junk), ErrorCode::kBadData, ": is not a media file of any known format");
}

TEST(Decode, ACodecThatNobodyKnowsIsNamedAsSuch) {
  const test::TempFolder folder;
  std::string bytes = wav_file({.frames = 1600});
  bytes[20] = '\x34';  // the format tag
  bytes[21] = '\x12';
  const test::ThrownError error = error_reading(folder.write("odd.wav", bytes));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("odd.wav: its audio track is coded as unknown, for which"));
}

TEST(Decode, AFileThatMayNotBeReadIsNamedAsSuch) {
  if (::geteuid() == 0) GTEST_SKIP() << "the superuser may read everything";
  const test::TempFolder folder;
  const fs::path file = folder.write("private.wav", wav_file({.frames = 1600}));
  fs::permissions(file, fs::perms::none);
  const test::ThrownError error = error_reading(file);
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, HasSubstr("private.wav: cannot open: Permission denied"));
}

TEST(Decode, APlaylistOpensNothing) {
  const test::TempFolder folder;
  const fs::path secret = folder.write("secret.wav", wav_file({.frames = 16000}));
  const std::string hls = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-VERSION:3\n#EXTINF:10,\n" + secret.string() +
                          "\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
  for (const char* name : {"list.m3u8", "list.wav", "list.mp3"}) {
    EXPECT_EQ(error_reading(folder.write(name, hls)).code, ErrorCode::kInvalidArgument) << name;
  }
  for (const char* name : {"list.ffconcat", "list2.wav"}) {
    const test::ThrownError error = error_reading(folder.write(name, "ffconcat version 1.0\nfile secret.wav\n"));
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << name;
    EXPECT_THAT(error.message, HasSubstr("is a playlist (concat), which only names other files"));
  }
  const std::string sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n";
  EXPECT_EQ(error_reading(folder.write("call.sdp", sdp)).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(error_reading(folder.write("dash.mpd",
                                         "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                                         "type=\"static\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\">"))
                  .code.has_value());
}

TEST(Decode, ATruncatedWavIsReadAsFarAsItGoes) {
  const test::TempFolder folder;
  const std::string bytes = wav_file({.frames = 16000});
  AudioReader reader(folder.write("cut.wav", std::string_view(bytes).substr(0, 44 + 2 * 6000)));
  EXPECT_THAT(warning_of(reader), HasSubstr("cut.wav: 20000 bytes that its header announces are missing: truncated?"));
  EXPECT_EQ(read_all_audio(folder.path() / "cut.wav").size(), 6000U);
}

// Standard input is another file while this lives.
class StandardInput {
 public:
  explicit StandardInput(int fd) : saved_(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

// What is read from standard input when a program writes `bytes` to it through a pipe.
std::vector<float> read_through_pipe(const std::string& bytes) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const StandardInput input(ends[0]);
  std::jthread writer([&] {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(ends[1], bytes.data() + done, std::min<std::size_t>(bytes.size() - done, 3000));
      if (count < 0) break;
      done += static_cast<std::size_t>(count);
    }
    ::close(ends[1]);
  });
  ::close(ends[0]);
  return read_all_audio("-");
}

TEST(Decode, StandardInputMayBeAPipeOrTheRestOfAFile) {
  const test::TempFolder folder;
  const std::string bytes = wav_file({.frames = 20000});
  const std::vector<float> expected = read_all_audio(folder.write("a.wav", bytes));
  EXPECT_EQ(read_through_pipe(bytes), expected);
  EXPECT_EQ(error_of([] { read_through_pipe(""); }).message, "standard input: is empty (0 bytes)");

  const fs::path shifted = folder.write("shifted", "12345" + bytes);
  const int fd = ::open(shifted.c_str(), O_RDONLY | O_CLOEXEC);
  ::lseek(fd, 5, SEEK_SET);
  const StandardInput input(fd);
  ::close(fd);
  EXPECT_EQ(read_all_audio("-"), expected);
}

TEST(Decode, NothingIsWrittenToStandardError) {
  const test::TempFolder folder;
  const fs::path text = folder.write("text.mp3", "not a recording, and FFmpeg would say so at length");
  testing::internal::CaptureStderr();
  EXPECT_TRUE(error_reading(text).code.has_value());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Media, AnMp4FromAPipeIsReadAlthoughItsIndexIsAtTheEnd) {
  const fs::path file = make("a.m4a");
  ASSERT_FALSE(file.empty());
  EXPECT_EQ(read_through_pipe(test::read_file(file)), read_all_audio(file));
}

TEST_F(Media, EveryCommonFormatGivesWhatTheFfmpegProgramGives) {
  const std::vector<std::pair<std::string, std::string>> formats = {
      {"a.wav", ""},
      {"u8.wav", "-c:a pcm_u8"},
      {"s24.wav", "-c:a pcm_s24le"},
      {"f64.wav", "-c:a pcm_f64le"},
      {"al.wav", "-c:a pcm_alaw"},
      {"ad.wav", "-c:a adpcm_ms"},
      {"a.flac", ""},
      {"a.mp3", ""},
      {"vbr.mp3", "-q:a 7"},
      {"a.ogg", ""},
      {"a.opus", ""},
      {"a.m4a", ""},
      {"a.aac", ""},
      {"a.mka", ""},
      {"a.wma", ""},
      {"a.ac3", ""},
      {"a.aiff", ""},
      {"a.caf", ""},
      {"a.au", ""},
      {"a.tta", ""},
      {"a.wv", ""},
      {"5.1.flac", "-ac 6"},
      {"stereo.mp3", "-ac 2"},
      {"8k.wav", "-ar 8000"},
      {"96k.flac", "-ar 96000"},
      {"7.1.wav", "-ac 8"},
  };
  std::size_t made = 0;
  for (const auto& [name, arguments] : formats) {
    const fs::path file = make(name, arguments);
    if (file.empty()) continue;
    ++made;
    AudioReader reader(file);
    std::vector<float> samples(200000);
    samples.resize(reader.read(samples));
    EXPECT_EQ(samples, whisper_samples(file)) << name;
    EXPECT_NEAR(static_cast<double>(samples.size()), 3 * 16000, 1000) << name;
    EXPECT_GT(loudest(samples), 0.02) << name;
    EXPECT_EQ(reader.warning(), "") << name;
    EXPECT_NEAR(reader.info().duration_s.value_or(0), 3, 0.1) << name;
  }
  EXPECT_GE(made, 20U) << "the ffmpeg program could hardly encode anything";
}

TEST_F(Media, VideosGiveTheirAudioTrack) {
  const std::string picture = "-f lavfi -i testsrc=duration=5:size=64x64:rate=5 ";
  for (const char* name : {"v.mp4", "v.mkv", "v.mov", "v.avi", "v.ts"}) {
    const fs::path file = make(name, picture);
    if (file.empty()) continue;
    const std::vector<float> samples = read_all_audio(file);
    EXPECT_EQ(samples, whisper_samples(file)) << name;
    EXPECT_NEAR(static_cast<double>(samples.size()), 3 * 16000, 1500) << name;
  }
}

TEST_F(Media, TheDefaultTrackIsReadElseTheOneWithMostChannels) {
  const fs::path file = make("two.mkv",
                             "-f lavfi -i anullsrc=r=44100:cl=5.1:duration=3 -map 0 -map 1 -c:a flac "
                             "-disposition:a:0 0 -disposition:a:1 0");
  ASSERT_FALSE(file.empty());
  EXPECT_EQ(read_all_audio(file), whisper_samples(file));
  EXPECT_EQ(loudest(read_all_audio(file)), 0);
  const fs::path chosen = make("chosen.mkv",
                               "-f lavfi -i anullsrc=r=44100:cl=5.1:duration=3 -map 0 -map 1 -c:a flac "
                               "-disposition:a:0 default -disposition:a:1 0");
  EXPECT_EQ(read_all_audio(chosen), whisper_samples(chosen));
  EXPECT_GT(loudest(read_all_audio(chosen)), 0.1);
}

TEST_F(Media, AVideoWithoutSoundIsNamedAsSuch) {
  const fs::path file = folder_.path() / "meeting.mp4";
  ASSERT_TRUE(ffmpeg("-f lavfi -i testsrc=duration=1:size=64x64:rate=5 -c:v mpeg4 '" + file.string() + "'"));
  const test::ThrownError error = error_reading(file);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("meeting.mp4: no audio track (1 video stream, mpeg4)"));
}

TEST_F(Media, TruncatedFilesAreReadAsFarAsTheyGo) {
  for (const char* name : {"t.flac", "t.mp3", "t.aiff", "t.wav"}) {
    const fs::path whole = make(name);
    if (whole.empty()) continue;
    const fs::path file = cut(whole, 0.5);
    AudioReader reader(file);
    EXPECT_THAT(warning_of(reader), HasSubstr("truncated?")) << name;
    const std::vector<float> samples = read_all_audio(file);
    EXPECT_EQ(samples, whisper_samples(file)) << name;
    EXPECT_NEAR(static_cast<double>(samples.size()), 24000, 8000) << name;
  }
  const test::ThrownError error = error_reading(cut(make("t.m4a"), 0.5));
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, HasSubstr("moov atom not found (the index is missing: cut off before its end"));
}

TEST_F(Media, DamageInTheMiddleIsSkippedAndReported) {
  for (const char* name : {"d.flac", "d.mp3"}) {
    const fs::path whole = make(name);
    if (whole.empty()) continue;
    std::string bytes = test::read_file(whole);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), 1000, 'U');
    const fs::path file = folder_.write(name, bytes);
    AudioReader reader(file);
    EXPECT_THAT(warning_of(reader), HasSubstr("damaged packet")) << name;
    const std::vector<float> samples = read_all_audio(file);
    EXPECT_EQ(samples, whisper_samples(file)) << name;
    EXPECT_GT(samples.size(), 40000U) << name;
  }
}

TEST_F(Media, SharedRecordingsAreWhatOpenAiWhisperReads) {
  const fs::path shared = AMANUENSIS_SHARED_DATA;
  if (!fs::exists(shared)) GTEST_SKIP() << "no shared recordings at " << shared;
  for (const char* name :
       {"jfk.flac", "silero/test.mp3", "silero/test.opus", "silero/test.wav", "faster-whisper/stereo_diarization.wav",
        "faster-whisper/hotwords.mp3", "pyannote/dev00.wav"}) {
    EXPECT_EQ(read_all_audio(shared / name), whisper_samples(shared / name)) << name;
  }
}

}  // namespace
}  // namespace amanuensis::audio
