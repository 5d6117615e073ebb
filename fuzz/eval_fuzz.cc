// Feeds bytes to everything of `eval` that reads people's files: as RTTM and UEM, scored against themselves, and as
// text through both normalizers and the word alignment. Whatever they are given, they return or throw Error, and what
// is compared with itself has no errors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "pipeline/eval/diarization_error_rate.h"
#include "pipeline/eval/rttm.h"
#include "pipeline/eval/word_errors.h"

namespace {

using namespace amanuensis;            // NOLINT(google-build-using-namespace): one harness, one file
using namespace amanuensis::pipeline;  // NOLINT(google-build-using-namespace)

void require(bool holds) {
  if (!holds) std::abort();
}

void score_turns(std::string_view text) {
  for (const RttmRecording& recording : parse_rttm(text, "fuzz.rttm")) {
    const DerResult same = diarization_error_rate(recording.turns, recording.turns, {});
    require(same.components.rate() < 1e-9);
    const DerResult other =
        diarization_error_rate(recording.turns, std::span(recording.turns).first(recording.turns.size() / 2),
                               {.collar_s = 0.25, .skip_overlap = true});
    require(other.components.rate() <= 1 + 1e-9);
    const auto again = parse_rttm(format_rttm(recording), "again.rttm");
    require(again.size() == 1 && again.front().turns.size() == recording.turns.size());
  }
}

void compare_texts(std::string_view text) {
  constexpr std::size_t kMostBytes = 2000;  // the alignment's time grows with the square
  text = text.substr(0, kMostBytes);
  for (const Normalizer normalizer : {Normalizer::kEnglish, Normalizer::kBasic, Normalizer::kNone}) {
    require(compare_words(text, text, normalizer).edits.empty());
    const WordComparison halves =
        compare_words(text.substr(0, text.size() / 2), text.substr(text.size() / 2), normalizer);
    require(halves.counts.words() == halves.reference.size());
    require(halves.counts.errors() <= std::max(halves.reference.size(), halves.hypothesis.size()));
    describe_errors(halves);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    score_turns(text);
  } catch (const Error&) {  // what a damaged file should give
  }
  try {
    parse_uem(text, "fuzz.uem");
  } catch (const Error&) {
  }
  compare_texts(text);
  return 0;
}
