#include "model/checkpoint/published_sizes.h"

namespace amanuensis::model {
namespace {

struct Width {
  std::size_t state;
  std::size_t heads;
};
struct Depth {
  std::size_t encoder;
  std::size_t decoder;
};

constexpr std::size_t kEnglish = 51864;
constexpr std::size_t kMultilingual = 51865;
constexpr std::size_t kMultilingualV3 = 51866;

constexpr PublishedSize size(std::string_view name, Width width, Depth depth, std::size_t n_vocab,
                             std::size_t n_mels = 80) {
  return {name,
          {.n_mels = n_mels,
           .n_audio_ctx = 1500,
           .n_audio_state = width.state,
           .n_audio_head = width.heads,
           .n_audio_layer = depth.encoder,
           .n_audio_ffn = 4 * width.state,
           .n_vocab = n_vocab,
           .n_text_ctx = 448,
           .n_text_state = width.state,
           .n_text_head = width.heads,
           .n_text_layer = depth.decoder,
           .n_text_ffn = 4 * width.state}};
}

constexpr Width kTiny = {384, 6};
constexpr Width kBase = {512, 8};
constexpr Width kSmall = {768, 12};
constexpr Width kMedium = {1024, 16};
constexpr Width kLarge = {1280, 20};

constexpr PublishedSize kSizes[] = {
    size("tiny", kTiny, {4, 4}, kMultilingual),
    size("tiny.en", kTiny, {4, 4}, kEnglish),
    size("base", kBase, {6, 6}, kMultilingual),
    size("base.en", kBase, {6, 6}, kEnglish),
    size("small", kSmall, {12, 12}, kMultilingual),
    size("small.en", kSmall, {12, 12}, kEnglish),
    size("medium", kMedium, {24, 24}, kMultilingual),
    size("medium.en", kMedium, {24, 24}, kEnglish),
    size("large-v2", kLarge, {32, 32}, kMultilingual),
    size("large-v3", kLarge, {32, 32}, kMultilingualV3, 128),
    size("large-v3-turbo", kLarge, {32, 4}, kMultilingualV3, 128),
    size("distil-small.en", kSmall, {12, 4}, kEnglish),
    size("distil-medium.en", kMedium, {24, 2}, kEnglish),
    size("distil-large-v2", kLarge, {32, 2}, kMultilingual),
    size("distil-large-v3", kLarge, {32, 2}, kMultilingualV3, 128),
};

}  // namespace

std::span<const PublishedSize> published_sizes() { return kSizes; }

std::optional<std::string_view> published_name(const ModelDimensions& dims) {
  for (const PublishedSize& size : kSizes) {
    if (size.dims == dims) return size.name;
  }
  return std::nullopt;
}

}  // namespace amanuensis::model
