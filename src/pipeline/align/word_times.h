// When each word was said (openai/whisper, timing.py): what a window's text looked at in the audio, read from the
// cross-attention of the checkpoint's alignment heads, aligned by dynamic time warping and cut into words.
//
// For each finished window, in this order:
//   1. align_words()      runs the model over the windows of any number of requests at once (one thread at a time)
//   2. add_word_times()   gives the window's segments their words, as openai/whisper does; a request's windows in order
//   3. WordOrder::settle  makes the words fit to be shown: no word without length, none before the one before it
// The functions own nothing; 2 and 3 are pure and cheap, and may run on any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "decoding/decode_window.h"
#include "decoding/options.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// Punctuation that belongs to a word beside it: openai/whisper's options and defaults.
struct WordTimeOptions {
  std::string prepend_punctuations = "\"'“¿([{-";
  std::string append_punctuations = "\"'.。,，!！?？:：”)]}、";
};

// A window whose text is known.
struct SpokenWindow {
  std::shared_ptr<const model::EncodedWindow> window;
  std::vector<model::TokenId> text_tokens;  // of all its segments, without time tokens; see text_tokens_of()
  std::size_t content_frames = 0;           // log-mel frames of audio in the window; the rest is padding
  std::string language;                     // a code; decides how text is cut into words
  decoding::Task task = decoding::Task::kTranscribe;
};

// One word as the attention places it, in seconds from the window's first frame.
struct WordTiming {
  std::string word;
  std::size_t tokens = 0;
  double start_s = 0;
  double end_s = 0;  // may equal start_s
  double probability = 0;
};

// The tokens below the end of text, of all segments in order.
std::vector<model::TokenId> text_tokens_of(std::span<const Segment> segments, const model::Tokenizer& tokenizer);

// The words of each window, punctuation still apart. No words for a window without text tokens, or with more than the
// decoder's context holds. What is not the model's work is spread over `pool`, if there is one; it may be the
// backend's. Throws Error{kInvalidArgument} for a language that the model does not have.
std::vector<std::vector<WordTiming>> align_words(const decoding::DecodingContext& context,
                                                 std::span<const SpokenWindow> windows, ThreadPool* pool = nullptr);

// Where a window's words lie in the audio.
struct WordPlace {
  double window_start_s = 0;
  double last_speech_s = 0;  // where the last word before this window ends; 0 at the beginning
};

// Gives each of one window's segments (as cut, none cleared yet) its words, and moves its start and end to them
// (openai/whisper, timing.py: add_word_timestamps). Words are as the reference has them: some may have no length.
void add_word_times(std::span<Segment> segments, std::vector<WordTiming> alignment, const model::Tokenizer& tokenizer,
                    const WordPlace& place, const WordTimeOptions& options);

// Keeps the words of one transcription in order as its segments are handed out: start < end, never before the word
// before it, inside the audio. Words that already are stay as they are; a word without length gets 10 ms of the time
// after it. State of one transcription.
class WordOrder {
 public:
  // audio_s: where the audio ends.
  explicit WordOrder(double audio_s) : audio_s_(audio_s) {}

  // The audio goes back to `time_s` (clips out of order): the words that follow begin there at the earliest.
  void go_back_to(double time_s) { last_end_s_ = time_s; }
  // Where the last word ends.
  double last_end_s() const { return last_end_s_; }

  // Settles the words of the next segments (one window's, say), and moves the segments' ends with the words they stood
  // at. Words for which no audio is left are dropped.
  void settle(std::span<Segment> segments);

 private:
  double audio_s_;
  double last_end_s_ = 0;
};

}  // namespace amanuensis::pipeline
