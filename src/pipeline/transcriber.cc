#include "pipeline/transcriber.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "audio/log_mel.h"
#include "base/aligned_buffer.h"
#include "base/error.h"
#include "decoding/decode_window.h"
#include "decoding/fallback.h"
#include "decoding/language.h"
#include "decoding/random.h"
#include "model/whisper/constants.h"
#include "pipeline/align/silence_skip.h"
#include "pipeline/clips.h"
#include "pipeline/prompt_history.h"
#include "pipeline/transcribe_setup.h"
#include "pipeline/window_segments.h"

namespace amanuensis::pipeline {

namespace {

using decoding::DecodingContext;
using decoding::WindowResult;
using model::TokenId;
using WindowRef = std::shared_ptr<const model::EncodedWindow>;

constexpr double kFramesPerSecond = static_cast<double>(model::kSampleRateHz) / static_cast<double>(model::kHopSamples);

double seconds_of(std::size_t frames) { return static_cast<double>(frames) / kFramesPerSecond; }

void check_stop(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "transcription was cancelled");
}

// One transcription from beginning to end.
class Run {
 public:
  Run(const DecodingContext& context, const TranscribeOptions& options, const TranscribeEvents& events,
      const audio::LogMelOptions& front_end, std::stop_token stop)
      : context_(context),
        options_(options),
        events_(events),
        front_end_(front_end),
        stop_(std::move(stop)),
        decoding_(options.decoding),
        window_frames_(context.model.dims().window_frames()),
        history_(encode_prompt(context.tokenizer, options.initial_prompt), options.carry_initial_prompt,
                 context.model.dims().n_text_ctx) {
    if (!options.hotwords.empty()) decoding_.hotwords = encode_prompt(context.tokenizer, options.hotwords);
    decoding_.language = requested_language(context, options.language);
    check_decoding(context, decoding_, options.fallback);
    clip_frames(options.clip_timestamps, 0);
  }

  Transcript transcribe(std::span<const float> samples) {
    check_stop(stop_);
    front_end_.padding_samples = window_frames_ * model::kHopSamples;
    mel_ = audio::log_mel_spectrogram(samples, audio::MelFilters(context_.model.dims().n_mels), front_end_);
    content_frames_ = mel_.frames - window_frames_;
    transcript_.duration_s = static_cast<double>(samples.size()) / static_cast<double>(model::kSampleRateHz);
    order_ = WordOrder(transcript_.duration_s);
    settle_language();
    const std::vector<FrameRange> clips = clip_frames(options_.clip_timestamps, content_frames_);
    std::size_t last = 0;
    for (const FrameRange& clip : clips) {
      if (clip.first < last) order_.go_back_to(seconds_of(clip.first));
      transcribe_clip(clip);
      last = clip.last;
    }
    report_progress(content_frames_);
    transcript_.text = context_.tokenizer.decode_text(history_.transcript());
    return std::move(transcript_);
  }

 private:
  void settle_language() {
    double probability = 1;
    if (decoding_.language.empty()) {
      // With a single language there is nothing to find out.
      const std::vector<model::LanguageToken>& languages = context_.tokenizer.languages();
      transcript_.language_probabilities = languages.size() == 1
                                               ? decoding::LanguageProbabilities{{languages.front().code, 1.0}}
                                               : decoding::detect_language(context_, encode(0, window_frames_));
      decoding_.language = transcript_.language_probabilities.front().first;
      probability = transcript_.language_probabilities.front().second;
    }
    transcript_.language = decoding_.language;
    if (events_.on_language) events_.on_language(decoding_.language, probability);
  }

  void transcribe_clip(const FrameRange& clip) {
    std::size_t seek = clip.first;
    while (seek < clip.last) {
      check_stop(stop_);
      report_progress(seek);
      const WindowPlace place{.seek = seek, .frames = std::min(window_frames_, clip.last - seek)};
      seek += transcribe_window(place);
    }
  }

  // Returns how many frames the next window is further on.
  std::size_t transcribe_window(const WindowPlace& place) {
    decoding_.prompt = history_.prompt();
    decoding_.seed = decoding::stream_key(options_.decoding.seed, place.seek);
    const WindowResult result =
        decoding::decode_with_fallback(context_, encode(place.seek, place.frames), decoding_, options_.fallback, stop_);
    if (is_silence(result, options_.fallback)) return place.frames;

    const auto empty = options_.word_timestamps ? EmptySegments::kKeep : EmptySegments::kClear;
    WindowSegments cut = cut_window(result, place, context_.tokenizer, empty);
    if (options_.word_timestamps && !add_words(place, cut)) return cut.advance_frames;
    for (Segment& segment : cut.segments) history_.append(segment.tokens);
    if (options_.word_timestamps) order_.settle(cut.segments);
    for (Segment& segment : cut.segments) {
      segment.id = transcript_.segments.size();
      transcript_.segments.push_back(std::move(segment));
      if (events_.on_segment) events_.on_segment(transcript_.segments.back());
    }
    // What was sampled at a high temperature is too uncertain to lead the next window.
    if (!options_.condition_on_previous_text || result.temperature > 0.5) history_.forget();
    return cut.advance_frames;
  }

  // Gives the window's segments words, which also say where the next window begins. Returns whether the window's text
  // is to be used.
  bool add_words(const WindowPlace& place, WindowSegments& cut) {
    const SpokenWindow spoken{.window = encode(place.seek, place.frames),
                              .text_tokens = text_tokens_of(cut.segments, context_.tokenizer),
                              .content_frames = place.frames,
                              .language = decoding_.language,
                              .task = decoding_.task};
    const double start_s = seconds_of(place.seek);
    add_word_times(cut.segments, align_words(context_, {&spoken, 1}).front(), context_.tokenizer,
                   {.window_start_s = start_s, .last_speech_s = last_speech_s_}, options_.words);

    std::size_t next_seek = place.seek + cut.advance_frames;
    if (const auto end_s = last_word_end_s(cut.segments); !cut.ends_in_silence && end_s && *end_s > start_s) {
      next_seek = static_cast<std::size_t>(std::nearbyint(*end_s * kFramesPerSecond));
    }
    SkipDecision decision{.next_seek = next_seek};
    if (options_.hallucination_silence_threshold_s) {
      const SpokenSpan span{.seek = place.seek,
                            .frames = place.frames,
                            .window_frames = window_frames_,
                            .content_frames = content_frames_,
                            .ends_in_silence = cut.ends_in_silence,
                            .last_speech_s = last_speech_s_};
      decision = skip_silence(cut.segments, span, *options_.hallucination_silence_threshold_s, next_seek);
    }
    // The reference would decode the same window for ever when it does not move on.
    cut.advance_frames = std::max(decision.next_seek, place.seek + 1) - place.seek;
    if (decision.discard) return false;
    last_speech_s_ = last_word_end_s(cut.segments).value_or(last_speech_s_);
    for (Segment& segment : cut.segments) clear_if_empty(segment);
    return true;
  }

  // The encoded window of `frames` frames from `seek` on. The reference fills up a shorter one with the value 0 after
  // normalisation, which is not what silence gives.
  WindowRef encode(std::size_t seek, std::size_t frames) {
    if (last_window_ && last_place_.seek == seek && last_place_.frames == frames) return last_window_;
    last_window_.reset();
    AlignedBuffer<float> padded(mel_.n_mels * window_frames_);
    const TensorView<float> window = padded.matrix(mel_.n_mels, window_frames_);
    for (std::size_t band = 0; band < mel_.n_mels; ++band) {
      const std::span<const float> content = mel_.view().row(band).subspan(seek, frames);
      std::copy(content.begin(), content.end(), window.row(band).begin());
    }
    const TensorView<const float> view = window;
    last_window_ = context_.model.encode({&view, 1}).front();
    last_place_ = {.seek = seek, .frames = frames};
    return last_window_;
  }

  void report_progress(std::size_t frames) const {
    if (!events_.on_progress) return;
    events_.on_progress({.audio_done_s = seconds_of(frames), .audio_total_s = seconds_of(content_frames_)});
  }

  const DecodingContext context_;
  const TranscribeOptions& options_;
  const TranscribeEvents& events_;
  audio::LogMelOptions front_end_;
  const std::stop_token stop_;
  decoding::DecodingOptions decoding_;  // of the window at hand
  const std::size_t window_frames_;

  audio::LogMel mel_;  // of all the audio and one window of silence
  std::size_t content_frames_ = 0;
  PromptHistory history_;
  // Language detection looks at the first window, and so does the transcription: kept so that it is encoded once.
  WindowRef last_window_;
  WindowPlace last_place_;
  WordOrder order_{0};
  double last_speech_s_ = 0;  // where the last word ends, as openai/whisper has it
  Transcript transcript_;
};

}  // namespace

Transcriber::Transcriber(const model::WhisperModel& model, const model::Tokenizer& tokenizer,
                         const model::GenerationSettings& generation, const audio::LogMelOptions& front_end)
    : model_(model), tokenizer_(tokenizer), generation_(generation), front_end_(front_end) {}

Transcript Transcriber::transcribe(std::span<const float> samples, const TranscribeOptions& options,
                                   const TranscribeEvents& events, std::stop_token stop) const {
  const DecodingContext context{.model = model_, .tokenizer = tokenizer_, .generation = generation_};
  return Run(context, options, events, front_end_, std::move(stop)).transcribe(samples);
}

}  // namespace amanuensis::pipeline
