#include "pipeline/diarize/powerset.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

// Appends the sets that `chosen` can grow to with `more` speakers after the last one.
void add_sets(std::vector<float>& chosen, std::size_t from, std::size_t more, std::vector<float>& members) {
  if (more == 0) {
    members.insert(members.end(), chosen.begin(), chosen.end());
    return;
  }
  for (std::size_t speaker = from; speaker < chosen.size(); ++speaker) {
    chosen[speaker] = 1;
    add_sets(chosen, speaker + 1, more - 1, members);
    chosen[speaker] = 0;
  }
}

}  // namespace

Powerset::Powerset(std::size_t speakers, std::size_t most_at_once) : speakers_(speakers) {
  std::vector<float> chosen(speakers);
  for (std::size_t size = 0; size <= std::min(speakers, most_at_once); ++size) add_sets(chosen, 0, size, members_);
}

void Powerset::decode(std::span<const float> scores, std::span<float> activity) const {
  const std::size_t frames = activity.size() / speakers_;
  if (activity.size() != frames * speakers_ || scores.size() != frames * classes()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} scores of {} classes and room for {} speakers a frame do not fit together",
                            scores.size(), classes(), speakers_));
  }
  for (std::size_t t = 0; t < frames; ++t) {
    const auto frame = scores.subspan(t * classes(), classes());
    const auto best = static_cast<std::size_t>(std::ranges::max_element(frame) - frame.begin());
    std::copy_n(members_.data() + best * speakers_, speakers_, activity.data() + t * speakers_);
  }
}

}  // namespace amanuensis::pipeline
