#include "server/work/stats.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::minutes kRecent{5};
constexpr std::chrono::seconds kBetweenMarks{2};

double ratio(double audio_s, double processing_s) { return processing_s > 0 ? audio_s / processing_s : 0; }

}  // namespace

double Stats::processing_s(Clock::time_point now) const {
  return busy_s_ + (running_ > 0 ? std::chrono::duration<double>(now - busy_since_).count() : 0);
}

void Stats::begin_work() {
  if (running_++ > 0) return;
  busy_since_ = Clock::now();
  if (marks_.empty()) marks_.push_back({busy_since_, audio_s_, busy_s_});
}

void Stats::end_work() {
  const Clock::time_point now = Clock::now();
  if (running_ == 1) busy_s_ += std::chrono::duration<double>(now - busy_since_).count();
  if (running_ > 0) --running_;
}

void Stats::add_audio(double seconds) {
  if (!(seconds > 0)) return;
  audio_s_ += seconds;
  const Clock::time_point now = Clock::now();
  if (marks_.empty() || now - marks_.back().when > kBetweenMarks) marks_.push_back({now, audio_s_, processing_s(now)});
  // One mark before the five minutes stays: it is what they are counted from.
  while (marks_.size() > 2 && now - marks_[1].when > kRecent) marks_.pop_front();
}

Performance Stats::performance() const {
  const Clock::time_point now = Clock::now();
  Performance performance{.audio_s = audio_s_, .processing_s = processing_s(now)};
  performance.realtime_factor = ratio(performance.audio_s, performance.processing_s);
  const Mark first = marks_.empty() ? Mark{now, 0, 0} : marks_.front();
  performance.realtime_factor_recent =
      ratio(performance.audio_s - first.audio_s, performance.processing_s - first.processing_s);
  return performance;
}

}  // namespace amanuensis::server
