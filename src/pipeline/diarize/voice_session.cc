#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "audio/decode.h"
#include "base/error.h"
#include "pipeline/diarize/bayesian_speakers.h"
#include "pipeline/diarize/change_detection.h"
#include "pipeline/diarize/clustering.h"
#include "pipeline/diarize/naming.h"
#include "pipeline/diarize/overlap.h"
#include "pipeline/diarize/pauses.h"
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
// One who is asked for says at least so much, if so many do.
constexpr double kLeastAskedForS = 1.0;
// First guesses of who is there, rather too many: one of them leads to the best explanation.
constexpr std::array kGuessSimilarity{0.55, 0.65, 0.75, 0.85};
constexpr double kGuessCentre = 0.95;
constexpr std::size_t kGuessSpeakers = 16;
// What a speaker more costs.
constexpr double kSpeakerCost = 5;
// Speakers whose voices are so alike are one, unless more are heard at once: chance, or a voice that changed, has split
// it. With so much speech and with more; between the two in proportion. Of little speech a voice is known less well; of
// much it shows whether there is a valley between the two.
constexpr double kShortS = 60;
constexpr double kLongS = 240;
constexpr double kSameWhereShort = 0.62;
constexpr double kSameWhereLong = 0.9;
// The same where there are but two: one person alone is likelier than two so alike.
constexpr double kSameWhereTwo = 0.58;
// Never less.
constexpr double kLeastCost = 3;
// Overlaps that prove how many there are.
constexpr OverlapOptions kBeyondDoubt{.least = {0.5, 0.2, 0.2}};
// A cell that is so much likelier of its speaker than of any other (the logarithm) is nobody else's as well.
constexpr float kSureMargin = 25.0F;
// Shorter stretches in which one speaks alone say little of a voice.
constexpr double kLeastAloneS = 0.3;

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

    const ClusterOptions wanted = cluster_options(seconds_of(cells));
    Found found;
    if (traits.space != nullptr) found = explain(cells, vectors, wanted, stop);
    if (traits.space == nullptr || found.speakers < wanted.min_clusters) {
      found.margins.clear();
      const Pieces pieces = pieces_of(cells, vectors);
      found.speakers = guess(pieces, cells.size(), wanted, found.labels);
      check(stop);
      resegment(cells, vectors, found.speakers, {}, found.labels);
      if (distinct(found.labels) < wanted.min_clusters) guess_asked_for(cells, vectors, pieces, wanted, stop, found);
    }
    check(stop);
    counts_ = count_overlapping(activity_, {}, sure_frames(cells, found.margins));
    return turns_of(cells, found.labels, found.speakers);
  }

  struct FirstGuess {
    std::size_t speakers = 0;
    std::vector<std::size_t> labels;  // of the cells
  };

  struct Found {
    std::size_t speakers = 0;
    std::vector<std::size_t> labels;  // of the cells
    std::vector<float> margins;       // as explain_voices() returns them
  };

  static std::vector<float> seconds_of(std::span<const SpeechSpan> cells) {
    std::vector<float> seconds;
    seconds.reserve(cells.size());
    for (const SpeechSpan& cell : cells) {
      seconds.push_back(static_cast<float>(static_cast<double>(cell.size()) / kRate));
    }
    return seconds;
  }

  // Who speaks in each cell, by what is known of voices.
  Found explain(std::span<const SpeechSpan> cells, const VoiceVectors& vectors, const ClusterOptions& wanted,
                const std::stop_token& stop) const {
    const std::vector<float> weights = seconds_of(cells);
    const model::VoiceSpace& space = *embedder_->traits().space;
    const double speech_s = std::accumulate(weights.begin(), weights.end(), 0.0);
    const std::size_t heard =
        std::min(most_at_once(count_overlapping(activity_, kBeyondDoubt), speech_s), *wanted.max_clusters);
    ClusterOptions settled = wanted;
    settled.same_centre = by_length(speech_s, kSameWhereShort, kSameWhereLong);
    settled.min_clusters = std::max(wanted.min_clusters, heard);
    ClusterOptions many = wanted;
    many.same_centre = kGuessCentre;
    many.max_clusters = std::max(kGuessSpeakers, wanted.min_clusters);
    many.min_weight = 0;
    const Pieces pieces = pieces_of(cells, vectors);
    std::vector<FirstGuess> guesses;
    for (const double similarity : kGuessSimilarity) {
      many.merge_similarity = similarity;
      guesses.emplace_back();
      guesses.back().speakers = guess(pieces, cells.size(), many, guesses.back().labels);
      check(stop);
    }
    const VoiceCells known{cells, in_voice_space(vectors, space)};
    Found found;
    BayesOptions options;
    // Cheaper speakers where fewer are found than are heard at once.
    for (options.speaker_cost = kSpeakerCost;; options.speaker_cost /= 2) {
      double bound = -std::numeric_limits<double>::infinity();
      found.speakers = 0;
      for (const FirstGuess& first : guesses) {
        VoiceExplanation explanation = explain_voices(known, space, options, first.speakers, first.labels);
        check(stop);
        std::vector<std::size_t> labels =
            settle_clusters(vectors, weights, explanation.labels, first.speakers, settled);
        const std::size_t speakers = count_of(labels);
        // First as many as are heard, then the best.
        if (std::pair(std::min(speakers, heard), explanation.bound) <=
            std::pair(std::min(found.speakers, heard), bound)) {
          continue;
        }
        bound = explanation.bound;
        found = {.speakers = speakers, .labels = std::move(labels), .margins = std::move(explanation.margins)};
      }
      if (found.speakers >= heard || options.speaker_cost < kLeastCost) break;
    }
    if (found.speakers == 2) {
      settled.same_centre = std::min(settled.same_centre, kSameWhereTwo);
      found.labels = settle_clusters(vectors, weights, found.labels, found.speakers, settled);
      found.speakers = count_of(found.labels);
    }
    return found;
  }

  // Frames of the activity in which one voice explains all that is heard, by the margins of the cells.
  std::vector<bool> sure_frames(std::span<const SpeechSpan> cells, std::span<const float> margins) const {
    std::vector<bool> sure(activity_.frames.size());
    for (std::size_t i = 0; i < margins.size(); ++i) {
      if (margins[i] < kSureMargin) continue;
      const std::size_t end = std::min(sure.size(), cells[i].end / SpeechActivity::kHopSamples);
      for (std::size_t frame = cells[i].start / SpeechActivity::kHopSamples; frame < end; ++frame) sure[frame] = true;
    }
    return sure;
  }

  // Of two values the one for so much speech.
  static double by_length(double speech_s, double where_short, double where_long) {
    const double share = std::clamp((speech_s - kShortS) / (kLongS - kShortS), 0.0, 1.0);
    return where_short + share * (where_long - where_short);
  }

  static std::size_t count_of(std::span<const std::size_t> labels) {
    return *std::max_element(labels.begin(), labels.end()) + 1;
  }

  static std::size_t distinct(std::span<const std::size_t> labels) {
    return std::set<std::size_t>(labels.begin(), labels.end()).size();
  }

  struct Pieces {
    std::vector<std::size_t> first_cells;  // of each
    std::vector<float> values;             // their vectors
    std::vector<float> seconds;
  };

  Pieces pieces_of(std::span<const SpeechSpan> cells, const VoiceVectors& vectors) const {
    Pieces pieces{.first_cells = find_changes(cells, vectors, kPieceS), .values = {}, .seconds = {}};
    std::vector<SpeechSpan> spans;
    for (std::size_t p = 0; p < pieces.first_cells.size(); ++p) {
      const std::size_t last = (p + 1 < pieces.first_cells.size() ? pieces.first_cells[p + 1] : cells.size()) - 1;
      spans.push_back({cells[pieces.first_cells[p]].start, cells[last].end});
    }
    pieces.seconds = seconds_of(spans);
    voices_->embed(spans, pieces.values);
    return pieces;
  }

  // Labels for the cells by clustering pieces of them. Returns how many clusters there are.
  std::size_t guess(const Pieces& pieces, std::size_t cells, const ClusterOptions& options,
                    std::vector<std::size_t>& labels) const {
    const std::vector<std::size_t> clusters =
        cluster_voices({pieces.values, embedder_->traits().dimension}, pieces.seconds, options);
    labels.resize(cells);
    for (std::size_t p = 0; p < clusters.size(); ++p) {
      const std::size_t end = p + 1 < clusters.size() ? pieces.first_cells[p + 1] : cells;
      for (std::size_t i = pieces.first_cells[p]; i < end; ++i) labels[i] = clusters[p];
    }
    return count_of(clusters);
  }

  // The same, not cell by cell, where that leaves fewer speakers than are asked for: that many who say something, where
  // there are. Clustering down to their number names a cough or two, which are like nobody, before it parts two people.
  void guess_asked_for(std::span<const SpeechSpan> cells, const VoiceVectors& vectors, const Pieces& pieces,
                       const ClusterOptions& wanted, const std::stop_token& stop, Found& found) const {
    const std::vector<float> weights = seconds_of(cells);
    ClusterOptions many = wanted;
    many.min_weight = 0;
    ClusterOptions settled = wanted;
    settled.min_clusters = 1;
    settled.max_clusters = wanted.min_clusters;
    settled.min_weight = kLeastAskedForS;
    settled.same_centre = settled.same_without_valley = 2;  // never
    const std::size_t most = std::min(pieces.seconds.size(), wanted.min_clusters + kGuessSpeakers);
    for (; many.min_clusters <= most; ++many.min_clusters) {
      many.max_clusters = many.min_clusters;
      std::vector<std::size_t> labels;
      const std::size_t speakers = guess(pieces, cells.size(), many, labels);
      check(stop);
      labels = settle_clusters(vectors, weights, labels, speakers, settled);
      if (count_of(labels) <= distinct(found.labels)) continue;
      found.speakers = count_of(labels);
      found.labels = std::move(labels);
      if (found.speakers >= wanted.min_clusters) return;
    }
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
    std::vector<DiarizedSpeaker> described(speakers);
    for (std::size_t k = 0; k < speakers; ++k) {
      const std::vector<SpeechSpan> regions = regions_of(turns, k, counts_);
      if (!regions.empty()) described[k].voice = voices_->voice(regions);
    }
    if (options_.overlap && speakers > 1 && std::ranges::any_of(counts_, [](std::uint8_t n) { return n > 1; })) {
      add_more_speakers(counts_, speakers, turns);
      turns = smooth_turns(std::move(turns), options_.smoothing);
    }
    turns = without_pauses(turns, activity_.level, options_.smoothing.min_turn_s);
    name_known_voices(options_.known, embedder_->traits().same_voice_similarity, described);
    return make_diarization(std::move(turns), std::move(described), static_cast<double>(samples_) / kRate);
  }

  // Where a speaker has the turn and nobody else is heard; if that is nowhere, where they have the turn.
  static std::vector<SpeechSpan> regions_of(std::span<const SpeakerTurn> turns, std::size_t speaker,
                                            std::span<const std::uint8_t> counts) {
    std::vector<SpeechSpan> whole;
    std::vector<SpeechSpan> alone;
    for (const SpeakerTurn& turn : turns) {
      if (turn.speaker != speaker) continue;
      whole.push_back({static_cast<std::size_t>(turn.start_s * kRate), static_cast<std::size_t>(turn.end_s * kRate)});
      std::size_t begin = whole.back().start;
      for (std::size_t i = begin / SpeechActivity::kHopSamples; i * SpeechActivity::kHopSamples < whole.back().end;
           ++i) {
        if (i >= counts.size() || counts[i] < 2) continue;
        const std::size_t at = i * SpeechActivity::kHopSamples;
        if (at > begin) alone.push_back({begin, at});
        begin = at + SpeechActivity::kHopSamples;
      }
      if (begin < whole.back().end) alone.push_back({begin, whole.back().end});
    }
    std::erase_if(alone,
                  [](const SpeechSpan& span) { return static_cast<double>(span.size()) < kLeastAloneS * kRate; });
    return alone.empty() ? whole : alone;
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
  std::vector<std::uint8_t> counts_;  // who speak at once, by frames of the activity; 0 where fewer than two do
  std::vector<SpeechSpan> speech_;
  std::size_t samples_ = 0;
};

}  // namespace

std::unique_ptr<DiarizationSession> open_voice_session(const DiarizerParts& parts, std::string model,
                                                       const DiarizeOptions& options) {
  return std::make_unique<VoiceSession>(parts, std::move(model), options);
}

}  // namespace amanuensis::pipeline
