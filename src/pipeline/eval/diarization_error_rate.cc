#include "pipeline/eval/diarization_error_rate.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "pipeline/eval/assignment.h"

namespace amanuensis::pipeline {
namespace {

// What is shorter than this is not there.
constexpr double kShortest_s = 1e-6;
constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

enum class Track { kReference, kHypothesis, kScored, kLeftOut };

// Something begins or ends.
struct Event {
  double time_s = 0;
  Track track = Track::kReference;
  std::size_t speaker = 0;
  int change = 0;
};

// The speakers of one side, by name.
using Names = std::map<std::string, std::size_t>;

// A stretch in which the same turns run: one entry for each of them, naming its speaker.
struct Stretch {
  double duration_s = 0;
  std::vector<std::size_t> reference;
  std::vector<std::size_t> hypothesis;
};

void add_span(std::vector<Event>& events, Track track, std::size_t speaker, double start_s, double end_s) {
  if (!(end_s - start_s > kShortest_s)) return;
  events.push_back({start_s, track, speaker, 1});
  events.push_back({end_s, track, speaker, -1});
}

void add_turns(std::vector<Event>& events, Track track, std::span<const RttmTurn> turns, Names& names) {
  for (const RttmTurn& turn : turns) {
    const std::size_t speaker = names.emplace(turn.speaker, names.size()).first->second;
    add_span(events, track, speaker, turn.start_s, turn.start_s + turn.duration_s);
  }
}

void remove_one(std::vector<std::size_t>& speakers, std::size_t speaker) {
  const auto found = std::ranges::find(speakers, speaker);
  *found = speakers.back();
  speakers.pop_back();
}

// The scored stretches between neighbouring events.
std::vector<Stretch> scored_stretches(std::vector<Event> events, bool skip_overlap, bool score_everything) {
  std::ranges::stable_sort(events, {}, &Event::time_s);
  std::vector<Stretch> stretches;
  Stretch now;
  int scored = score_everything ? 1 : 0;
  int left_out = 0;
  for (std::size_t i = 0; i < events.size();) {
    const double time_s = events[i].time_s;
    for (; i < events.size() && events[i].time_s == time_s; ++i) {
      const Event& event = events[i];
      switch (event.track) {
        case Track::kReference:
        case Track::kHypothesis: {
          auto& speakers = event.track == Track::kReference ? now.reference : now.hypothesis;
          if (event.change > 0) {
            speakers.push_back(event.speaker);
          } else {
            remove_one(speakers, event.speaker);
          }
          break;
        }
        case Track::kScored:
          scored += event.change;
          break;
        case Track::kLeftOut:
          left_out += event.change;
          break;
      }
    }
    if (i == events.size()) break;
    now.duration_s = events[i].time_s - time_s;
    const bool counts = scored > 0 && left_out == 0 && !(skip_overlap && now.reference.size() > 1);
    const bool has_speech = !now.reference.empty() || !now.hypothesis.empty();
    if (counts && has_speech && now.duration_s > kShortest_s) stretches.push_back(now);
  }
  return stretches;
}

// The place of each speaker in the order in which pyannote.metrics lists them, which decides among equally good
// mappings: by name, then renamed A, B, ... (or 0, 1, ...) and ordered by that as text. kNobody for who has no speech.
std::vector<std::size_t> listed(const Names& names, const std::vector<char>& speaks, bool letters) {
  const auto letter_name = [](std::size_t index) {
    std::string name;
    for (++index; index > 0; index = (index - 1) / 26) {
      name.insert(name.begin(), static_cast<char>('A' + (index - 1) % 26));
    }
    return name;
  };
  std::vector<std::pair<std::string, std::size_t>> order;
  for (const auto& [name, speaker] : names) {
    if (speaks[speaker] == 0) continue;
    order.emplace_back(letters ? letter_name(order.size()) : std::to_string(order.size()), speaker);
  }
  std::ranges::sort(order);
  std::vector<std::size_t> places(names.size(), kNobody);
  for (std::size_t place = 0; place < order.size(); ++place) places[order[place].second] = place;
  return places;
}

// The reference speaker that each hypothesis speaker stands for, or kNobody.
std::vector<std::size_t> best_mapping(const std::vector<Stretch>& stretches, const Names& reference,
                                      const Names& hypothesis) {
  std::vector<char> reference_speaks(reference.size());
  std::vector<char> hypothesis_speaks(hypothesis.size());
  for (const Stretch& stretch : stretches) {
    for (const std::size_t speaker : stretch.reference) reference_speaks[speaker] = 1;
    for (const std::size_t speaker : stretch.hypothesis) hypothesis_speaks[speaker] = 1;
  }
  const std::vector<std::size_t> cols = listed(reference, reference_speaks, true);
  const std::vector<std::size_t> rows = listed(hypothesis, hypothesis_speaks, false);
  const auto count = [](const std::vector<char>& speaks) {
    return static_cast<std::size_t>(std::ranges::count(speaks, 1));
  };
  const std::size_t col_count = count(reference_speaks);
  std::vector<double> together(count(hypothesis_speaks) * col_count);
  for (const Stretch& stretch : stretches) {
    for (const std::size_t h : stretch.hypothesis) {
      for (const std::size_t r : stretch.reference) together[rows[h] * col_count + cols[r]] -= stretch.duration_s;
    }
  }
  std::vector<std::size_t> mapping(hypothesis.size(), kNobody);
  if (together.empty()) return mapping;
  const auto speaker_at = [](const std::vector<std::size_t>& places, std::size_t place) {
    return static_cast<std::size_t>(std::ranges::find(places, place) - places.begin());
  };
  for (const auto& [row, col] : assign({together.data(), count(hypothesis_speaks), col_count})) {
    if (together[row * col_count + col] < 0) mapping[speaker_at(rows, row)] = speaker_at(cols, col);
  }
  return mapping;
}

DerComponents count_errors(const std::vector<Stretch>& stretches, const std::vector<std::size_t>& mapping) {
  DerComponents sum;
  for (const Stretch& stretch : stretches) {
    const std::size_t said = stretch.reference.size();
    const std::size_t found = stretch.hypothesis.size();
    std::vector<std::size_t> unmatched = stretch.reference;
    for (const std::size_t speaker : stretch.hypothesis) {
      const auto same = std::ranges::find(unmatched, mapping[speaker]);
      if (same != unmatched.end()) unmatched.erase(same);
    }
    const std::size_t correct = said - unmatched.size();
    const auto times = [&](std::size_t turns) { return static_cast<double>(turns) * stretch.duration_s; };
    sum.total_s += times(said);
    sum.correct_s += times(correct);
    sum.confusion_s += times(std::min(said, found) - correct);
    sum.missed_s += times(said - std::min(said, found));
    sum.false_alarm_s += times(found - std::min(said, found));
  }
  return sum;
}

}  // namespace

double DerComponents::rate() const {
  const double errors_s = confusion_s + missed_s + false_alarm_s;
  if (total_s == 0) return errors_s == 0 ? 0 : 1;
  return errors_s / total_s;
}

DerComponents& DerComponents::operator+=(const DerComponents& other) {
  total_s += other.total_s;
  correct_s += other.correct_s;
  confusion_s += other.confusion_s;
  missed_s += other.missed_s;
  false_alarm_s += other.false_alarm_s;
  return *this;
}

DerResult diarization_error_rate(std::span<const RttmTurn> reference, std::span<const RttmTurn> hypothesis,
                                 const DerOptions& options) {
  Names reference_names;
  Names hypothesis_names;
  std::vector<Event> events;
  add_turns(events, Track::kReference, reference, reference_names);
  for (std::size_t i = 0, count = events.size(); i < count && options.collar_s > 0; ++i) {
    const double boundary_s = events[i].time_s;
    add_span(events, Track::kLeftOut, 0, boundary_s - options.collar_s / 2, boundary_s + options.collar_s / 2);
  }
  add_turns(events, Track::kHypothesis, hypothesis, hypothesis_names);
  if (options.scored) {
    for (const TimeSpan& span : *options.scored) add_span(events, Track::kScored, 0, span.start_s, span.end_s);
  }
  const std::vector<Stretch> stretches =
      scored_stretches(std::move(events), options.skip_overlap, !options.scored.has_value());
  const std::vector<std::size_t> mapping = best_mapping(stretches, reference_names, hypothesis_names);

  DerResult result{count_errors(stretches, mapping), {}};
  std::vector<std::string> named(reference_names.size());
  for (const auto& [name, speaker] : reference_names) named[speaker] = name;
  for (const auto& [name, speaker] : hypothesis_names) {
    if (mapping[speaker] != kNobody) result.mapping.emplace_back(name, named[mapping[speaker]]);
  }
  return result;
}

}  // namespace amanuensis::pipeline
