// The encoder through the NPU: the demo model's transcripts are those of the CPU in int8, whatever goes wrong on the
// way.
#include "device/npu/npu_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "audio/log_mel.h"
#include "base/thread_pool.h"
#include "device/cpu/cpu_backend.h"
#include "kernels/select.h"
#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"
#include "npu_rig.h"
#include "pipeline/transcriber.h"
#include "support/cpu_machine.h"
#include "support/faulty_backend.h"
#include "support/goldens.h"

namespace amanuensis::device::npu {
namespace {

using ::testing::HasSubstr;

class NpuBackendTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    checkpoint_ = std::make_unique<model::Checkpoint>(model::open_checkpoint(test::source_path("models/demo")));
    samples_ = audio::read_all_audio(test::source_path("models/demo/recordings/meeting.flac"));
    test::CpuMachine cpu(ComputeType::kInt8);
    expected_ = transcribe(cpu.backend(), samples_);
  }
  static void TearDownTestSuite() { checkpoint_.reset(); }

  static std::string transcribe(Backend& backend, std::span<const float> samples, audio::MelDevice* mel = nullptr) {
    const model::WhisperModel whisper(*checkpoint_, backend);
    const model::Tokenizer tokenizer(checkpoint_->vocabulary);
    pipeline::TranscribeOptions options;
    options.language = "en";
    const pipeline::Transcriber transcriber(whisper, tokenizer, checkpoint_->generation, {.device = mel});
    return transcriber.transcribe(samples, options, {}, {}).text;
  }

  static std::string transcribe_on(NpuRig& rig, std::span<const float> samples) {
    ThreadPool pool(2);
    const auto backend =
        make_npu_backend({.cpu = make_cpu_backend({.pool = pool,
                                                   .kernels = kernels::select_kernels(detect_cpu_features(), {}),
                                                   .compute_type = ComputeType::kInt8}),
                          .operations = rig.operations});
    OnNpu mel(rig, "log_mel_20");
    return transcribe(*backend, samples, &mel);
  }

  static inline std::unique_ptr<model::Checkpoint> checkpoint_;
  static inline std::vector<float> samples_;
  static inline std::string expected_;
};

TEST_F(NpuBackendTest, ThePublicRecordingHasTheSameTranscriptAsOnTheCpu) {
  NpuRig rig;
  EXPECT_EQ(transcribe_on(rig, samples_), expected_);
  EXPECT_NE(expected_, "");
  for (const char* operation : {"encoder_block", "matmul"}) {
    EXPECT_GT(rig.count(operation).npu, 0U) << operation;
    EXPECT_EQ(rig.count(operation).cpu + rig.count(operation).npu_single, 0U)
        << operation << ": " << rig.count(operation).reason;
  }
  // One launch for each block, two convolutions, and all of the log-mel; a window's last batch goes frame by frame.
  EXPECT_GT(rig.count("log_mel").npu, 10 * rig.count("log_mel").npu_single);
  EXPECT_EQ(rig.count("log_mel").cpu, 0U);
  EXPECT_EQ(2 * rig.count("encoder_block").npu, 4 * rig.count("matmul").npu);
}

TEST_F(NpuBackendTest, TheOtherRecordingToo) {
  const auto samples = audio::read_all_audio(test::source_path("models/demo/recordings/planning.flac"));
  test::CpuMachine cpu(ComputeType::kInt8);
  NpuRig rig;
  EXPECT_EQ(transcribe_on(rig, samples), transcribe(cpu.backend(), samples));
}

// Keeps what the encoder's norms are given.
class NormRecorder : public test::FaultyBackend {
 public:
  struct Call {
    std::vector<float> x;
    std::vector<float> gamma;
    std::vector<float> beta;
  };
  using FaultyBackend::FaultyBackend;
  void norm_linear(const LinearWeights& weights, const LayerNorm& norm, TensorView<const float> x, TensorView<float> y,
                   const Epilogue& epilogue) override {
    Call& call = calls.emplace_back();
    for (std::size_t r = 0; r < x.rows(); ++r) call.x.insert(call.x.end(), x.row(r).begin(), x.row(r).end());
    call.gamma.assign(norm.gamma.begin(), norm.gamma.end());
    call.beta.assign(norm.beta.begin(), norm.beta.end());
    FaultyBackend::norm_linear(weights, norm, x, y, epilogue);
  }
  std::vector<Call> calls;
};

TEST_F(NpuBackendTest, LayerNormOnTheEncodersOwnActivations) {
  test::CpuMachine cpu(ComputeType::kFloat32);
  NormRecorder recorder(cpu.backend());
  std::vector<float> window = samples_;
  window.resize(480000);
  const model::WhisperModel whisper(*checkpoint_, recorder);
  (void)whisper.encoder_output(audio::log_mel_spectrogram(window, 80, 0).view());
  ASSERT_EQ(recorder.calls.size(), 8U);
  NpuRig rig;
  for (const NormRecorder::Call& call : recorder.calls) {
    const std::size_t cols = call.gamma.size();
    const TensorView<const float> x(call.x.data(), call.x.size() / cols, cols);
    std::vector<float> expected(call.x.size());
    cpu.backend().layer_norm(x, call.gamma, call.beta, TensorView<float>(expected.data(), x.rows(), cols));
    ByteRows found;
    ASSERT_TRUE(rig.operations.layer_norm(x, call.gamma, call.beta, found)) << rig.count("layer_norm").reason;
    std::vector<float> values;
    for (std::size_t r = 0; r < x.rows(); ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        values.push_back(static_cast<float>(found.codes[r * found.padded_cols + c]) * found.scales[r]);
      }
    }
    EXPECT_GE(correlation(values, expected), 0.999);
  }
}

TEST_F(NpuBackendTest, TheEncodersOutputIsCloseToFloat32) {
  test::CpuMachine cpu(ComputeType::kFloat32);
  const std::vector<float> window(samples_.begin(), samples_.begin() + std::min<std::size_t>(samples_.size(), 480000));
  std::vector<float> padded(window);
  padded.resize(480000);
  const audio::LogMel mel = audio::log_mel_spectrogram(padded, 80, 0);
  const model::WhisperModel reference(*checkpoint_, cpu.backend());
  const auto expected = reference.encoder_output(mel.view());
  NpuRig rig;
  ThreadPool pool(2);
  const auto backend =
      make_npu_backend({.cpu = make_cpu_backend({.pool = pool,
                                                 .kernels = kernels::select_kernels(detect_cpu_features(), {}),
                                                 .compute_type = ComputeType::kInt8}),
                        .operations = rig.operations});
  const model::WhisperModel whisper(*checkpoint_, *backend);
  const auto found = whisper.encoder_output(mel.view());
  EXPECT_GE(correlation(found.span(), expected.span()), 0.9995);
}

// The first fifteen seconds, for there are many cases.
TEST_F(NpuBackendTest, FaultsAtEveryCallSiteLeaveTheTranscriptAlone) {
  const std::span<const float> beginning = std::span(samples_).first(std::min<std::size_t>(samples_.size(), 240000));
  test::CpuMachine cpu(ComputeType::kInt8);
  const std::string expected = transcribe(cpu.backend(), beginning);
  for (std::size_t i = 0; i < kCallSites; ++i) {
    const auto site = static_cast<CallSite>(i);
    for (const Fault fault : faults_at(site)) {
      auto plan = std::make_shared<FaultPlan>();
      plan->site = site;
      plan->fault = fault;
      // Loads are few: of a window's kernels the sixth is the block's.
      plan->after = site == CallSite::kOpen || site == CallSite::kInfo || site == CallSite::kClose ? 0
                    : site == CallSite::kLoad                                                      ? 5
                                                                                                   : 9;
      SCOPED_TRACE(testing::Message() << to_string(fault) << " in " << to_string(site));
      NpuRig rig(with_faults([] { return make_simulator({.threads = 2}); }, plan));
      EXPECT_EQ(transcribe_on(rig, beginning), expected);
      if (site == CallSite::kClose) continue;
      EXPECT_GT(plan->injected, 0U);
      const auto counts = rig.operations.counts();
      EXPECT_TRUE(std::any_of(counts.begin(), counts.end(), [](const OperationCount& c) {
        return c.cpu + c.npu_single > 0;
      })) << "the fault left no trace";
      EXPECT_THAT(rig.events, testing::Contains(HasSubstr("next attempt")));
    }
  }
}

TEST_F(NpuBackendTest, SaysWhatRunsWhere) {
  NpuRig rig;
  ThreadPool pool(1);
  const auto backend =
      make_npu_backend({.cpu = make_cpu_backend({.pool = pool,
                                                 .kernels = kernels::select_kernels(detect_cpu_features(), {}),
                                                 .compute_type = ComputeType::kInt8}),
                        .operations = rig.operations});
  EXPECT_THAT(backend->description(), HasSubstr("simulated"));
  EXPECT_THAT(backend->description(), HasSubstr("decoder"));
}

}  // namespace
}  // namespace amanuensis::device::npu
