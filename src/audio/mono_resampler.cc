#include "audio/mono_resampler.h"

#include <fmt/format.h>

#include <cstdint>

#include "audio/decode.h"
#include "base/error.h"

namespace amanuensis::audio {
namespace {

// Rates beyond these are damage: the resampler's filter and its output grow without bound.
constexpr int kLowestRateHz = 1000;
constexpr int kHighestRateHz = 3'100'000;  // DSD512 as FFmpeg unpacks it
constexpr int kMostChannels = 64;          // SWR_CH_MAX

// The layout to mix with: a track that names none gets the usual one for its number of channels, as in the ffmpeg
// program.
void guess_layout(const AVChannelLayout& of_frame, AVChannelLayout* layout) {
  if (of_frame.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(layout, of_frame.nb_channels);
  } else {
    av_channel_layout_copy(layout, &of_frame);
  }
}

// With `weights`, one a channel, or FFmpeg's own when there are none. Null when FFmpeg has no rule for the layout. (Its
// function does not change the layout, but asks for a mutable one.)
FfmpegPtr<SwrContext> make_context(AVChannelLayout& layout, const AVFrame& frame, const std::vector<double>& weights) {
  SwrContext* raw = nullptr;
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
  swr_alloc_set_opts2(&raw, &mono, AV_SAMPLE_FMT_S16, kSampleRateHz, &layout, static_cast<AVSampleFormat>(frame.format),
                      frame.sample_rate, 0, nullptr);
  FfmpegPtr<SwrContext> context = owned(raw);
  if (!weights.empty()) {
    if (swr_set_matrix(context.get(), weights.data(), layout.nb_channels) < 0) return nullptr;
  }
  if (swr_init(context.get()) < 0) return nullptr;
  return context;
}

}  // namespace

bool MonoResampler::matches(const AVFrame& frame) const {
  return context_ && input_.rate_hz == frame.sample_rate && input_.format == frame.format &&
         av_channel_layout_compare(&input_.layout, &frame.ch_layout) == 0;
}

void MonoResampler::configure(const AVFrame& frame) {
  const int channels = frame.ch_layout.nb_channels;
  if (frame.sample_rate < kLowestRateHz || frame.sample_rate > kHighestRateHz || channels < 1 ||
      channels > kMostChannels) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: audio of {} channels at {} Hz; at most {} channels and {} to {} Hz can be read", name_,
                            channels, frame.sample_rate, kMostChannels, kLowestRateHz, kHighestRateHz));
  }
  if (channel_ && *channel_ >= static_cast<std::size_t>(channels)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: has no channel {}; its audio has {}", name_, *channel_ + 1, channels));
  }
  context_.reset();
  input_.rate_hz = frame.sample_rate;
  input_.format = frame.format;
  av_channel_layout_uninit(&input_.layout);
  av_channel_layout_copy(&input_.layout, &frame.ch_layout);
  AVChannelLayout layout = {};
  guess_layout(frame.ch_layout, &layout);
  if (!channel_) context_ = make_context(layout, frame, {});
  // One channel alone; or no mixing rule for this layout: every channel weighs the same.
  if (!context_) {
    av_channel_layout_uninit(&layout);
    layout = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = channels, .u = {}, .opaque = nullptr};
    std::vector<double> weights(static_cast<std::size_t>(channels), channel_ ? 0.0 : 1.0 / channels);
    if (channel_) weights[*channel_] = 1.0;
    context_ = make_context(layout, frame, weights);
  }
  av_channel_layout_uninit(&layout);
  if (!context_) {
    throw Error(ErrorCode::kUnsupported, fmt::format("{}: audio of {} channels at {} Hz cannot be mixed to mono", name_,
                                                     channels, frame.sample_rate));
  }
}

int MonoResampler::convert(const AVFrame* frame, std::vector<float>& out) {
  const int capacity = swr_get_out_samples(context_.get(), frame != nullptr ? frame->nb_samples : 4096);
  if (capacity < 0) throw Error(ErrorCode::kInternal, fmt::format("{}: cannot resample", name_));
  converted_.resize(static_cast<std::size_t>(capacity) + 1);
  auto* plane = reinterpret_cast<std::uint8_t*>(converted_.data());
  const int count = swr_convert(context_.get(), &plane, capacity,
                                frame != nullptr ? const_cast<const std::uint8_t**>(frame->extended_data) : nullptr,
                                frame != nullptr ? frame->nb_samples : 0);
  if (count < 0) throw Error(ErrorCode::kInternal, fmt::format("{}: cannot resample: {}", name_, ffmpeg_error(count)));
  for (int i = 0; i < count; ++i) out.push_back(static_cast<float>(converted_[static_cast<std::size_t>(i)]) / 32768.0F);
  return count;
}

void MonoResampler::push(const AVFrame& frame, std::vector<float>& out) {
  if (frame.nb_samples <= 0) return;
  if (!matches(frame)) {
    finish(out);
    configure(frame);
  }
  convert(&frame, out);
}

void MonoResampler::push(std::span<const std::int16_t> samples, int rate_hz, std::vector<float>& out) {
  AVFrame frame = {};  // owns nothing: a view
  frame.format = AV_SAMPLE_FMT_S16;
  frame.sample_rate = rate_hz;
  frame.ch_layout = AV_CHANNEL_LAYOUT_MONO;
  frame.nb_samples = static_cast<int>(samples.size());
  frame.data[0] = reinterpret_cast<std::uint8_t*>(const_cast<std::int16_t*>(samples.data()));  // only read
  frame.extended_data = frame.data;
  push(frame, out);
}

void MonoResampler::finish(std::vector<float>& out) {
  if (!context_) return;
  while (convert(nullptr, out) > 0) {
  }
  context_.reset();
}

}  // namespace amanuensis::audio
