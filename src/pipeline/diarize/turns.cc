#include "pipeline/diarize/turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace amanuensis::pipeline {
namespace {

void sort_turns(std::vector<SpeakerTurn>& turns) {
  std::sort(turns.begin(), turns.end(), [](const SpeakerTurn& a, const SpeakerTurn& b) {
    return std::pair(a.start_s, a.speaker) < std::pair(b.start_s, b.speaker);
  });
}

// Joins turns of one speaker that touch, or that only a short silence of everybody separates.
std::vector<SpeakerTurn> joined(const std::vector<SpeakerTurn>& turns, double max_gap_s) {
  std::vector<SpeakerTurn> out;
  for (const SpeakerTurn& turn : turns) {
    const auto last = std::find_if(out.rbegin(), out.rend(),
                                   [&](const SpeakerTurn& earlier) { return earlier.speaker == turn.speaker; });
    bool joins = last != out.rend() && turn.start_s - last->end_s <= max_gap_s;
    if (joins && turn.start_s > last->end_s) {
      // Somebody who began in between has taken over.
      joins = std::none_of(out.rbegin(), last, [&](const SpeakerTurn& other) { return other.end_s > last->end_s; });
    }
    if (joins) {
      last->end_s = std::max(last->end_s, turn.end_s);
    } else {
      out.push_back(turn);
    }
  }
  return out;
}

// The neighbour in time that touches the turn, if any: the longer of the two.
std::optional<std::size_t> touching(const std::vector<SpeakerTurn>& turns, std::size_t i) {
  constexpr double kTouch_s = 0.05;
  std::optional<std::size_t> best;
  for (std::size_t j = i > 4 ? i - 4 : 0; j < std::min(turns.size(), i + 5); ++j) {
    if (j == i) continue;
    const bool touches = turns[j].start_s <= turns[i].end_s + kTouch_s && turns[j].end_s >= turns[i].start_s - kTouch_s;
    const auto length = [&](std::size_t k) { return turns[k].end_s - turns[k].start_s; };
    if (touches && length(j) > length(i) && (!best || length(j) > length(*best))) best = j;
  }
  return best;
}

}  // namespace

std::vector<SpeakerTurn> smooth_turns(std::vector<SpeakerTurn> turns, const TurnSmoothing& options) {
  std::erase_if(turns, [](const SpeakerTurn& turn) { return !(turn.end_s > turn.start_s); });
  sort_turns(turns);
  turns = joined(turns, options.max_gap_s);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].end_s - turns[i].start_s >= options.min_turn_s) continue;
    if (const auto neighbour = touching(turns, i)) {
      turns[*neighbour].start_s = std::min(turns[*neighbour].start_s, turns[i].start_s);
      turns[*neighbour].end_s = std::max(turns[*neighbour].end_s, turns[i].end_s);
    }
    turns[i].end_s = turns[i].start_s;
  }
  std::erase_if(turns, [](const SpeakerTurn& turn) { return !(turn.end_s > turn.start_s); });
  sort_turns(turns);
  return joined(turns, options.max_gap_s);
}

Diarization make_diarization(std::vector<SpeakerTurn> turns, std::vector<DiarizedSpeaker> speakers, double duration_s) {
  Diarization result;
  result.duration_s = duration_s;
  sort_turns(turns);
  std::vector<std::optional<std::size_t>> number(speakers.size());
  for (SpeakerTurn& turn : turns) {
    if (!number[turn.speaker]) {
      number[turn.speaker] = result.speakers.size();
      DiarizedSpeaker& speaker = result.speakers.emplace_back(std::move(speakers[turn.speaker]));
      speaker.speaking_s = 0;
      if (speaker.label.empty()) speaker.label = speaker_label(result.speakers.size() - 1);
    }
    turn.speaker = *number[turn.speaker];
    result.speakers[turn.speaker].speaking_s += turn.end_s - turn.start_s;
  }
  result.turns = std::move(turns);
  return result;
}

std::string speaker_label(std::size_t index) { return fmt::format("SPEAKER_{:02}", index); }

}  // namespace amanuensis::pipeline
