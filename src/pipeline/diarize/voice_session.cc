#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "audio/decode.h"
#include "base/error.h"
#include "pipeline/diarize/change_detection.h"
#include "pipeline/diarize/clustering.h"
#include "pipeline/diarize/naming.h"
#include "pipeline/diarize/overlap.h"
#include "pipeline/diarize/resegmentation.h"
#include "pipeline/diarize/sessions.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kRate = audio::kSampleRateHz;

// Pieces that are clustered are at most this long.
constexpr double kPieceS = 2.0;
// A group with less speech than this, or than this share of it all, is no speaker of its own unless asked for.
constexpr double kLeastSpeakerS = 4.0;
constexpr double kLeastSpeakerShare = 0.03;

SpeechOptions speech_options() {
  SpeechOptions options;
  options.min_silence_duration_ms = 300;
  options.min_speech_duration_ms = 200;
  options.speech_pad_ms = 60;
  return options;
}

class VoiceSession final : public DiarizationSession {
 public:
  VoiceSession(const DiarizerParts& parts, std::string model, const DiarizeOptions& options)
      : embedder_(parts.embedder),
        model_(std::move(model)),
        options_(options),
        detector_(parts.detector ? parts.detector() : nullptr),
        voices_(embedder_->listen()) {}

  void push(std::span<const float> samples) override {
    samples_ += samples.size();
    if (detector_) detector_->push(samples, probabilities_);
    voices_->push(samples);
  }

  Diarization finish(const std::stop_token& stop) override {
    activity_ = voices_->activity();
    if (detector_) {
      detector_->finish(probabilities_);
    } else {
      probabilities_ = speech_probabilities(activity_, samples_);
    }
    speech_ = find_speech_spans(probabilities_, samples_, speech_options());
    voices_->finish(speech_);
    Diarization result = make_diarization({}, {}, static_cast<double>(samples_) / kRate);
    if (!speech_.empty()) result = diarize(stop);
    result.model = model_;
    return result;
  }

 private:
  Diarization diarize(const std::stop_token& stop) {
    const EmbedderTraits& traits = embedder_->traits();
    const std::vector<SpeechSpan> cells = cut_into_cells(speech_);
    std::vector<float> values;
    voices_->embed(windows_around(cells, speech_, traits.window_s), values);
    const VoiceVectors vectors{values, traits.dimension};
    check(stop);

    const std::vector<std::size_t> first_cells = find_changes(cells, vectors, kPieceS);
    std::vector<SpeechSpan> pieces;
    std::vector<float> weights;
    for (std::size_t p = 0; p < first_cells.size(); ++p) {
      const std::size_t last = (p + 1 < first_cells.size() ? first_cells[p + 1] : cells.size()) - 1;
      pieces.push_back({cells[first_cells[p]].start, cells[last].end});
      weights.push_back(static_cast<float>(static_cast<double>(pieces.back().size()) / kRate));
    }
    std::vector<float> piece_values;
    voices_->embed(pieces, piece_values);
    check(stop);
    const std::vector<std::size_t> clusters =
        cluster_voices({piece_values, traits.dimension}, weights, cluster_options(weights));
    check(stop);

    std::vector<std::size_t> labels(cells.size());
    std::size_t speakers = 0;
    for (std::size_t p = 0; p < first_cells.size(); ++p) {
      const std::size_t end = p + 1 < first_cells.size() ? first_cells[p + 1] : cells.size();
      for (std::size_t i = first_cells[p]; i < end; ++i) labels[i] = clusters[p];
      speakers = std::max(speakers, clusters[p] + 1);
    }
    resegment(cells, vectors, speakers, {}, labels);
    return turns_of(cells, labels, speakers);
  }

  ClusterOptions cluster_options(std::span<const float> weights) const {
    ClusterOptions options;
    const double total_s = std::accumulate(weights.begin(), weights.end(), 0.0);
    options.merge_similarity = embedder_->traits().merge_similarity;
    options.min_weight = std::max(kLeastSpeakerS, kLeastSpeakerShare * total_s);
    options.max_clusters = kMaxSpeakers;
    if (options_.num_speakers) {
      options.min_clusters = *options_.num_speakers;
      options.max_clusters = *options_.num_speakers;
    } else {
      options.min_clusters = options_.min_speakers.value_or(1);
      if (options_.max_speakers) options.max_clusters = *options_.max_speakers;
    }
    return options;
  }

  Diarization turns_of(std::span<const SpeechSpan> cells, std::span<const std::size_t> labels, std::size_t speakers) {
    std::vector<SpeakerTurn> turns;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const double start_s = static_cast<double>(cells[i].start) / kRate;
      const double end_s = static_cast<double>(cells[i].end) / kRate;
      const bool goes_on = i > 0 && labels[i] == labels[i - 1] && cells[i].start == cells[i - 1].end;
      if (goes_on) {
        turns.back().end_s = end_s;
      } else {
        turns.push_back({start_s, end_s, labels[i]});
      }
    }
    turns = smooth_turns(std::move(turns), options_.smoothing);
    const std::vector<SpeakerTurn> alone = turns;
    if (options_.overlap && !activity_.frames.empty()) {
      add_second_speakers(find_overlaps(activity_, {}), turns);
      turns = smooth_turns(std::move(turns), options_.smoothing);
    }
    std::vector<DiarizedSpeaker> described(speakers);
    for (std::size_t k = 0; k < speakers; ++k) {
      std::vector<SpeechSpan> regions;
      for (const SpeakerTurn& turn : alone) {
        if (turn.speaker != k) continue;
        regions.push_back(
            {static_cast<std::size_t>(turn.start_s * kRate), static_cast<std::size_t>(turn.end_s * kRate)});
      }
      if (!regions.empty()) described[k].voice = voices_->voice(regions);
    }
    name_known_voices(options_.known, embedder_->traits().same_voice_similarity, described);
    return make_diarization(std::move(turns), std::move(described), static_cast<double>(samples_) / kRate);
  }

  static void check(const std::stop_token& stop) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
  }

  std::shared_ptr<const SpeakerEmbedder> embedder_;
  std::string model_;
  DiarizeOptions options_;
  std::unique_ptr<VoiceDetector> detector_;
  std::unique_ptr<RecordingVoices> voices_;
  std::vector<float> probabilities_;
  SpeechActivity activity_;
  std::vector<SpeechSpan> speech_;
  std::size_t samples_ = 0;
};

}  // namespace

std::unique_ptr<DiarizationSession> open_voice_session(const DiarizerParts& parts, std::string model,
                                                       const DiarizeOptions& options) {
  return std::make_unique<VoiceSession>(parts, std::move(model), options);
}

}  // namespace amanuensis::pipeline
