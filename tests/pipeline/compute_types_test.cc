// What int8 costs on speech: the bundled recording's text, and the choices along it, against float32 of the same
// weights. (tests/model/whisper/fidelity_test.cc holds the encoder's output and the logits.)
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "audio/log_mel.h"
#include "golden_audio.h"
#include "model/whisper/whisper_model.h"
#include "pipeline/transcriber.h"
#include "support/cpu_machine.h"
#include "support/demo_model.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kSampleRateHz = 16000;

// The demo checkpoint with weights of one type.
struct TypedModel {
  explicit TypedModel(device::ComputeType type) : machine(type) {}
  test::CpuMachine machine;
  model::Checkpoint checkpoint = model::open_checkpoint(test::source_path("models/demo"));
  model::WhisperModel model{checkpoint, machine.backend()};
  model::Tokenizer tokenizer{checkpoint.vocabulary};
};

// A bundled recording's samples from one second up to another.
std::vector<float> speech_of(const char* recording, std::size_t from_s, std::size_t to_s) {
  GoldenAudio audio;
  const nlohmann::json part = {
      {"recording", recording}, {"from", kSampleRateHz * from_s}, {"to", kSampleRateHz * to_s}};
  return audio.samples_of(nlohmann::json::array({part}));
}

constexpr std::array kRecordings = {"meeting.flac", "planning.flac"};

Transcript transcribe(const TypedModel& typed, std::span<const float> samples) {
  TranscribeOptions options;
  options.fallback.temperatures = {0.0};
  return Transcriber(typed.model, typed.tokenizer, typed.checkpoint.generation).transcribe(samples, options, {}, {});
}

// The most probable token after each of `tokens`, which begin a transcript of the first window.
std::vector<std::size_t> choices(const TypedModel& typed, std::span<const float> samples,
                                 std::span<const model::TokenId> tokens) {
  const model::ModelDimensions& dims = typed.model.dims();
  const std::size_t window_samples = dims.window_frames() * 160;
  std::vector<float> window(window_samples, 0.0F);
  std::copy_n(samples.begin(), std::min(samples.size(), window_samples), window.begin());
  const audio::LogMel mel = audio::log_mel_spectrogram(window, dims.n_mels, 0);
  const std::vector<TensorView<const float>> windows = {mel.view()};
  model::DecoderSequence sequence = typed.model.new_sequence(typed.model.encode(windows)[0]);
  AlignedBuffer<float> logits(tokens.size() * dims.n_vocab);
  const std::vector<model::DecodeItem> items = {{&sequence, tokens, logits.matrix(tokens.size(), dims.n_vocab)}};
  typed.model.decode(items);
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::span<const float> row = logits.span().subspan(i * dims.n_vocab, dims.n_vocab);
    best.push_back(static_cast<std::size_t>(std::ranges::max_element(row) - row.begin()));
  }
  return best;
}

TEST(ComputeTypes, Int8WritesTheTextOfFloat32) {
  const TypedModel exact(device::ComputeType::kFloat32);
  const TypedModel bytes(device::ComputeType::kInt8);
  for (const char* recording : kRecordings) {
    const std::vector<float> speech = speech_of(recording, 0, 60);
    const Transcript expected = transcribe(exact, speech);
    EXPECT_FALSE(expected.text.empty());
    EXPECT_EQ(transcribe(bytes, speech).text, expected.text) << recording;
  }
}

TEST(ComputeTypes, Int8ChoosesTheTokensOfFloat32AlongSpeech) {
  const TypedModel exact(device::ComputeType::kFloat32);
  const TypedModel bytes(device::ComputeType::kInt8);
  std::size_t same = 0;
  std::size_t all = 0;
  for (const char* recording : kRecordings) {
    for (const std::size_t from_s : {0, 10, 20, 30}) {
      const std::vector<float> speech = speech_of(recording, from_s, from_s + 30);
      std::vector<model::TokenId> tokens = {exact.tokenizer.special().sot};
      for (const Segment& segment : transcribe(exact, speech).segments) {
        tokens.insert(tokens.end(), segment.tokens.begin(), segment.tokens.end());
      }
      tokens.resize(std::min(tokens.size(), exact.model.dims().n_text_ctx));
      const std::vector<std::size_t> expected = choices(exact, speech, tokens);
      const std::vector<std::size_t> actual = choices(bytes, speech, tokens);
      for (std::size_t i = 0; i < tokens.size(); ++i) same += actual[i] == expected[i] ? 1 : 0;
      all += tokens.size();
    }
  }
  ASSERT_GT(all, 400U);
  RecordProperty("same", static_cast<int>(same));
  EXPECT_GE(static_cast<double>(same), 0.99 * static_cast<double>(all))
      << same << " of " << all << " choices are the same";
}

}  // namespace
}  // namespace amanuensis::pipeline
