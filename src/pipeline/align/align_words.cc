#include <algorithm>
#include <cmath>
#include <utility>

#include "base/aligned_buffer.h"
#include "decoding/prompt.h"
#include "model/whisper/constants.h"
#include "pipeline/align/time_warp.h"
#include "pipeline/align/word_split.h"
#include "pipeline/align/word_times.h"

namespace amanuensis::pipeline {
namespace {

using model::TokenId;

// Tokens that go through the decoder together: enough to make every weight worth reading, few enough that the attention
// of all of them takes little memory.
constexpr std::size_t kTokensAtOnce = 512;

// The checkpoint's alignment heads, or else all heads of the last half of the layers (openai/whisper, model.py).
std::vector<model::AlignmentHead> alignment_heads(const decoding::DecodingContext& context) {
  std::vector<model::AlignmentHead> heads = context.generation.alignment_heads;
  if (heads.empty()) {
    const model::ModelDimensions& dims = context.model.dims();
    for (std::size_t layer = dims.n_text_layer / 2; layer < dims.n_text_layer; ++layer) {
      for (std::size_t head = 0; head < dims.n_text_head; ++head) heads.emplace_back(layer, head);
    }
  }
  std::ranges::sort(heads);
  return heads;
}

// One window on its way through the model.
struct Alignment {
  const SpokenWindow* spoken = nullptr;
  std::vector<TokenId> tokens;   // start of transcript, language, task, no time tokens; the text; its end
  std::size_t first_text = 0;    // of tokens
  std::size_t positions = 0;     // of the encoder, that hold audio
  std::vector<float> log_probs;  // of the text tokens
  AlignedBuffer<float> weights;
};

Alignment prepare(const decoding::DecodingContext& context, const SpokenWindow& spoken) {
  decoding::DecodingOptions options;
  options.language = spoken.language;
  options.task = spoken.task;
  options.without_timestamps = true;
  const std::size_t text_context = context.model.dims().n_text_ctx;
  Alignment alignment;
  alignment.spoken = &spoken;
  alignment.tokens = decoding::make_initial_tokens(options, context.tokenizer, context.generation, text_context).tokens;
  alignment.first_text = alignment.tokens.size();
  alignment.tokens.insert(alignment.tokens.end(), spoken.text_tokens.begin(), spoken.text_tokens.end());
  alignment.tokens.push_back(context.tokenizer.special().eot);
  alignment.positions =
      std::clamp<std::size_t>(spoken.content_frames / model::kFramesPerPosition, 1, context.model.dims().n_audio_ctx);
  alignment.log_probs.resize(spoken.text_tokens.size());
  return alignment;
}

// Takes `buffers` for the weights as far as they go: megabytes of new memory cost as much as filling them.
void run_model(const decoding::DecodingContext& context, std::span<const model::AlignmentHead> heads,
               std::span<Alignment> batch, std::vector<AlignedBuffer<float>>& buffers) {
  std::vector<model::AlignmentItem> items;
  items.reserve(batch.size());
  for (Alignment& alignment : batch) {
    const std::size_t rows = heads.size() * alignment.tokens.size();
    if (!buffers.empty()) {
      alignment.weights = std::move(buffers.back());
      buffers.pop_back();
    }
    const std::size_t size = rows * alignment.positions;
    if (alignment.weights.size() < size) alignment.weights = AlignedBuffer<float>(size);
    items.push_back({.window = alignment.spoken->window,
                     .tokens = alignment.tokens,
                     .positions = alignment.positions,
                     .weights = alignment.weights.matrix(rows, alignment.positions),
                     .first_scored = alignment.first_text,
                     .log_probs = alignment.log_probs});
  }
  const auto vocabulary = static_cast<std::size_t>(context.tokenizer.special().eot);
  context.model.align(items, {.heads = heads, .vocabulary = vocabulary});
}

std::vector<WordTiming> read_words(const decoding::DecodingContext& context, std::size_t heads, Alignment& alignment) {
  const std::vector<TokenId>& text = alignment.spoken->text_tokens;
  const std::vector<TokenWord> words = split_words(text, context.tokenizer, alignment.spoken->language);
  // The row before a token's own is the one that predicts it: the first is that of the token before the text.
  const AttentionRows rows{
      .heads = heads, .tokens = alignment.tokens.size(), .first = alignment.first_text - 1, .count = text.size() + 1};
  std::vector<float> strength =
      pointing_strength(alignment.weights.matrix(heads * rows.tokens, alignment.positions), rows);
  const std::vector<std::size_t> columns =
      warp(TensorView<const float>(strength.data(), rows.count, alignment.positions));
  const auto time_s = [&](std::size_t token) {
    return static_cast<double>(columns[token]) / std::nearbyint(1.0 / model::kSecondsPerPosition);
  };
  std::vector<WordTiming> timings;
  std::size_t first = 0;
  for (const TokenWord& word : words) {
    double probability = 0;
    for (std::size_t i = first; i < first + word.tokens; ++i) {
      probability += std::exp(static_cast<double>(alignment.log_probs[i]));
    }
    timings.push_back({.word = word.text,
                       .tokens = word.tokens,
                       .start_s = time_s(first),
                       .end_s = time_s(first + word.tokens),
                       .probability = probability / static_cast<double>(word.tokens)});
    first += word.tokens;
  }
  return timings;
}

}  // namespace

std::vector<TokenId> text_tokens_of(std::span<const Segment> segments, const model::Tokenizer& tokenizer) {
  std::vector<TokenId> tokens;
  for (const Segment& segment : segments) {
    std::ranges::copy_if(segment.tokens, std::back_inserter(tokens),
                         [&tokenizer](TokenId id) { return id < tokenizer.special().eot; });
  }
  return tokens;
}

std::vector<std::vector<WordTiming>> align_words(const decoding::DecodingContext& context,
                                                 std::span<const SpokenWindow> windows, ThreadPool* pool) {
  const std::vector<model::AlignmentHead> heads = alignment_heads(context);
  std::vector<std::vector<WordTiming>> words(windows.size());
  std::vector<Alignment> batch;
  std::vector<std::size_t> places;  // of the batch's windows
  std::vector<AlignedBuffer<float>> buffers;
  std::size_t tokens = 0;
  const auto flush = [&] {
    if (batch.empty()) return;
    run_model(context, heads, batch, buffers);
    const auto read = [&](std::size_t i, std::size_t /*worker*/) {
      words[places[i]] = read_words(context, heads.size(), batch[i]);
    };
    if (pool != nullptr) {
      parallel_for_throwing(*pool, batch.size(), read);
    } else {
      for (std::size_t i = 0; i < batch.size(); ++i) read(i, 0);
    }
    for (Alignment& alignment : batch) buffers.push_back(std::move(alignment.weights));
    batch.clear();
    places.clear();
    tokens = 0;
  };
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].text_tokens.empty()) continue;
    Alignment alignment = prepare(context, windows[i]);
    if (alignment.tokens.size() > context.model.dims().n_text_ctx) continue;
    if (tokens + alignment.tokens.size() > kTokensAtOnce) flush();
    tokens += alignment.tokens.size();
    batch.push_back(std::move(alignment));
    places.push_back(i);
  }
  flush();
  return words;
}

}  // namespace amanuensis::pipeline
