// What workers hand each other about a recording that is transcribed in ranges, as objects of the job's results store:
// each range's windows with their audio, what each was decoded to, and what is known of the whole. Nothing is rounded.
// Pure functions and values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/job.h"
#include "pipeline/diarize/turns.h"
#include "pipeline/engine_source.h"
#include "pipeline/ranges.h"

namespace amanuensis::fleet {

struct RangeInput {
  pipeline::WindowRange range;
  std::vector<std::int16_t> samples;    // of all its windows, one behind the other: decoded audio has 16 bits
  std::optional<std::string> language;  // found in the recording's first window; absent: as the job says
  double start_s = 0;                   // in the recording
  double end_s = 0;
};
std::string encode_range(const RangeInput& input);
// Throws Error{kBadData}, as all that reads here.
RangeInput decode_range(std::string_view bytes);

std::string encode_texts(const std::vector<pipeline::WindowText>& texts);
std::vector<pipeline::WindowText> decode_texts(std::string_view bytes);

struct RangePlan {
  std::size_t count = 0;
  double duration_s = 0;
  std::string warning;
  std::string silent_language;
  std::optional<pipeline::Diarization> diarization = std::nullopt;
};
std::string encode_plan(const RangePlan& plan);
RangePlan decode_plan(std::string_view bytes);

std::string encode_mark(const pipeline::TranscriptMark& mark);
pipeline::TranscriptMark decode_mark(std::string_view bytes);

// 16-bit samples as a source of audio.
std::unique_ptr<pipeline::AudioSource> source_of(std::vector<std::int16_t> samples);

// The folder of a job's parts: "parts/JOB.EPOCH/".
std::string parts_folder(const std::string& job, std::int64_t epoch);
std::string range_key(const std::string& folder, std::size_t range);
std::string text_key(const std::string& folder, std::size_t range);
std::string plan_key(const std::string& folder);
// What the segments of the ranges before `range` mean to it.
std::string mark_key(const std::string& folder, std::size_t range);

}  // namespace amanuensis::fleet
