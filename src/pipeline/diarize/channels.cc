#include "pipeline/diarize/channels.h"

#include <algorithm>
#include <utility>

#include "pipeline/writers/python_text.h"

namespace amanuensis::pipeline {
namespace {

constexpr const char* kChannels = "channels";

}  // namespace

ChannelSpeakers join_channels(const std::vector<Diarization>& channels) {
  std::vector<SpeakerTurn> turns;
  double duration_s = 0;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    for (const SpeakerTurn& turn : channels[i].turns) turns.push_back({turn.start_s, turn.end_s, i});
    duration_s = std::max(duration_s, channels[i].duration_s);
  }
  // Of equal starts the first channel's comes first.
  std::stable_sort(turns.begin(), turns.end(),
                   [](const SpeakerTurn& a, const SpeakerTurn& b) { return a.start_s < b.start_s; });
  ChannelSpeakers result;
  result.labels.resize(channels.size());
  std::vector<DiarizedSpeaker> speakers(channels.size());
  std::size_t next = 0;
  for (const SpeakerTurn& turn : turns) {
    std::string& label = result.labels[turn.speaker];
    if (label.empty()) label = speaker_label(next++);
    speakers[turn.speaker].label = label;
  }
  result.diarization = make_diarization(std::move(turns), std::move(speakers), duration_s);
  result.diarization.model = kChannels;
  return result;
}

Transcript join_transcripts(std::vector<Transcript> channels) {
  Transcript joined;
  joined.diarization_model = kChannels;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    Transcript& channel = channels[i];
    joined.duration_s = std::max(joined.duration_s, channel.duration_s);
    std::erase_if(channel.segments, [](const Segment& segment) { return python_strip(segment.text).empty(); });
    if (channel.speakers.empty()) channel.segments.clear();
    if (!channel.segments.empty() && joined.language.empty()) {
      joined.language = channel.language;
      joined.language_probabilities = std::move(channel.language_probabilities);
    }
    for (Segment& segment : channel.segments) {
      segment.seek = i;  // for now: the channel
      joined.segments.push_back(std::move(segment));
    }
  }
  if (joined.language.empty() && !channels.empty()) joined.language = channels.front().language;
  std::stable_sort(joined.segments.begin(), joined.segments.end(),
                   [](const Segment& a, const Segment& b) { return a.start_s < b.start_s; });
  std::vector<std::string> labels(channels.size());
  for (Segment& segment : joined.segments) {
    const std::size_t channel = std::exchange(segment.seek, 0);
    std::string& label = labels[channel];
    if (label.empty()) {
      label = speaker_label(joined.speakers.size());
      joined.speakers.push_back({label, channels[channel].speakers.front().speaking_s});
    }
    segment.id = static_cast<std::size_t>(&segment - joined.segments.data());
    segment.speaker = label;
    for (Word& word : segment.words) word.speaker = label;
    joined.text += segment.text;
  }
  return joined;
}

}  // namespace amanuensis::pipeline
