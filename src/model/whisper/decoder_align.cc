#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "model/whisper/decoder.h"

namespace amanuensis::model {
namespace {

// Rows that go through the vocabulary together: enough to make its weights worth reading, few enough to keep the
// logits (a large row of floats each) small.
constexpr std::size_t kScoredRowsAtOnce = 64;

[[noreturn]] void reject(const std::string& message) { throw Error(ErrorCode::kInvalidArgument, message); }

}  // namespace

void Decoder::check_alignment(std::span<const AlignmentItem> items, const AlignmentRequest& request) const {
  for (const auto& [layer, head] : request.heads) {
    if (layer >= blocks_.size() || head >= dims_.n_text_head) {
      reject(fmt::format("alignment head ({}, {}) is outside this decoder of {} layers with {} heads", layer, head,
                         blocks_.size(), dims_.n_text_head));
    }
  }
  if (request.vocabulary == 0 || request.vocabulary > dims_.n_vocab) {
    reject(fmt::format("probabilities over {} tokens, but the vocabulary has {}", request.vocabulary, dims_.n_vocab));
  }
  for (const AlignmentItem& item : items) {
    const std::size_t rows = request.heads.size() * item.tokens.size();
    if (item.positions == 0 || item.positions > dims_.n_audio_ctx) {
      reject(
          fmt::format("an alignment over {} positions, but a window has 1 to {}", item.positions, dims_.n_audio_ctx));
    }
    if (item.weights.rows() != rows || item.weights.cols() != item.positions) {
      reject(fmt::format("alignment weights are [{}, {}], expected [{}, {}]", item.weights.rows(), item.weights.cols(),
                         rows, item.positions));
    }
    if (item.first_scored == 0 || item.first_scored + item.log_probs.size() > item.tokens.size()) {
      reject(fmt::format("log-probabilities of tokens {} to {} were asked for; there are tokens 1 to {}",
                         item.first_scored, item.first_scored + item.log_probs.size(), item.tokens.size()));
    }
  }
}

void Decoder::align(std::span<const AlignmentItem> items, const AlignmentRequest& request) {
  if (items.empty()) return;
  check_alignment(items, request);
  std::vector<DecoderSequence> sequences;
  sequences.reserve(items.size());
  for (const AlignmentItem& item : items) sequences.push_back(new_sequence(item.window, item.tokens.size()));
  std::vector<DecodeItem> decoded;
  decoded.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    decoded.push_back({.sequence = &sequences[i], .tokens = items[i].tokens, .logits = {nullptr, 1, dims_.n_vocab}});
  }
  check(decoded);

  const AlignmentCall call{items, request};
  const TensorView<float> x = begin(decoded);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    self_attention(layer, decoded, x);
    cross_attention(layer, decoded, x, &call);
    mlp(layer, x);
  }
  score(items, request.vocabulary, x);
}

void Decoder::read_maps(std::size_t layer, const AlignmentCall& call, TensorView<const float> query) {
  std::vector<std::size_t> chosen;  // heads of this layer, and their places in the request
  std::vector<std::size_t> places;
  for (std::size_t h = 0; h < call.request.heads.size(); ++h) {
    if (call.request.heads[h].first != layer) continue;
    chosen.push_back(call.request.heads[h].second);
    places.push_back(h);
  }
  std::vector<device::AttentionMap> maps;
  for (std::size_t i = 0; i < call.items.size() && !chosen.empty(); ++i) {
    const AlignmentItem& item = call.items[i];
    const std::size_t rows = item.tokens.size();
    for (std::size_t c = 0; c < chosen.size(); ++c) {
      maps.push_back({.cache = &item.window->layer(layer),
                      .q = query.rows_at(spans_[i].first, rows),
                      .visible = item.positions,
                      .chosen = std::span(chosen).subspan(c, 1),
                      .weights = item.weights.rows_at(places[c] * rows, rows)});
    }
  }
  backend_.attention_map(maps);
}

void Decoder::score(std::span<const AlignmentItem> items, std::size_t vocabulary, TensorView<const float> x) {
  // The rows whose next token is asked for, one below the other.
  std::vector<TokenId> wanted;
  const TensorView<float> gathered = normed_.matrix(x.rows(), x.cols());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t count = items[i].log_probs.size();
    backend_.layer_norm(x.rows_at(spans_[i].first + items[i].first_scored - 1, count), last_norm_.gamma,
                        last_norm_.beta, gathered.rows_at(wanted.size(), count));
    const auto tokens = items[i].tokens.subspan(items[i].first_scored, count);
    wanted.insert(wanted.end(), tokens.begin(), tokens.end());
  }
  std::vector<float> log_probs(wanted.size());
  for (std::size_t first = 0; first < wanted.size(); first += kScoredRowsAtOnce) {
    const std::size_t count = std::min(kScoredRowsAtOnce, wanted.size() - first);
    const TensorView<float> logits = logits_.matrix(count, dims_.n_vocab);
    backend_.linear(*vocabulary_, gathered.rows_at(first, count), logits, {});
    const std::span<float> out = std::span(log_probs).subspan(first, count);
    backend_.log_sum_exp(logits.cols_at(0, vocabulary), out);
    for (std::size_t r = 0; r < count; ++r) out[r] = logits(r, static_cast<std::size_t>(wanted[first + r])) - out[r];
  }
  auto next = log_probs.begin();
  for (const AlignmentItem& item : items) {
    std::copy_n(next, item.log_probs.size(), item.log_probs.begin());
    next += static_cast<std::ptrdiff_t>(item.log_probs.size());
  }
}

}  // namespace amanuensis::model
