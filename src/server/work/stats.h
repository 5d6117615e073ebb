// What the server has measured of its own work. Belongs to the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "server/http/loop.h"

namespace amanuensis::server {

struct Performance {
  double audio_s = 0;                 // transcribed so far, of all requests
  double processing_s = 0;            // while at least one request was being transcribed
  double realtime_factor = 0;         // audio_s / processing_s; 0 before there is any
  double realtime_factor_recent = 0;  // the same of the last five minutes in which something was done
};

class Stats {
 public:
  // A request begins and ends being transcribed.
  void begin_work();
  void end_work();
  // So much more audio has been transcribed.
  void add_audio(double seconds);

  Performance performance() const;

 private:
  struct Mark {
    Clock::time_point when;
    double audio_s;
    double processing_s;
  };
  double processing_s(Clock::time_point now) const;

  std::size_t running_ = 0;
  Clock::time_point busy_since_;
  double busy_s_ = 0;  // without the present stretch
  double audio_s_ = 0;
  std::deque<Mark> marks_;
};

}  // namespace amanuensis::server
