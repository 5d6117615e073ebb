#include "cli/bench/model_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace amanuensis::cli {
namespace {

constexpr double kWindowSeconds = 30;  // of the published models

}  // namespace

std::string text_of(const ModelReport& report) {
  const ModelTimes& times = report.times;
  std::string text = fmt::format("model      {}, {}, {} threads, {}\n", report.model, report.compute_type,
                                 report.threads, kernels::to_string(report.isa));
  text += fmt::format("load       {:.0f} ms, {:.0f} MB resident afterwards\n", report.load_ms, report.rss_mb);
  text += fmt::format("encoder    {:.1f} ms a window, cross-attention keys and values {:.1f} ms\n", times.encoder_ms,
                      times.cross_kv_ms);
  text += fmt::format("prompt     {:.2f} ms for the first tokens, {:.1f} ms after previous text\n", times.prompt_ms,
                      times.long_prompt_ms);
  for (const auto& [batch, step_ms] : times.step_ms) {
    text += fmt::format("batch {:<4} {:.2f} ms a step, {:.3f} ms a token, {:.0f} tokens/s\n", batch, step_ms,
                        times.ms_per_token(batch), 1e3 / times.ms_per_token(batch));
  }
  return text;
}

std::string json_of(const ModelReport& report) {
  const ModelTimes& times = report.times;
  nlohmann::ordered_json json;
  json["machine"] = to_json(report.machine);
  json["ceilings"] = to_json(report.ceilings);
  json["model"] = report.model;
  json["compute_type"] = report.compute_type;
  json["isa"] = kernels::to_string(report.isa);
  json["threads"] = report.threads;
  json["load_ms"] = report.load_ms;
  json["rss_mb"] = report.rss_mb;
  json["encoder_ms"] = times.encoder_ms;
  json["cross_kv_ms"] = times.cross_kv_ms;
  json["prompt_ms"] = times.prompt_ms;
  json["long_prompt_ms"] = times.long_prompt_ms;
  for (const auto& [batch, step_ms] : times.step_ms) {
    const std::string key = std::to_string(batch);
    json["decode_step_ms"][key] = step_ms;
    json["decode_ms_per_token"][key] = times.ms_per_token(batch);
    json["decode_tokens_per_s"][key] = 1e3 / times.ms_per_token(batch);
  }
  return json.dump(2) + "\n";
}

Chart model_chart(const ModelReport& report) {
  const ModelTimes& times = report.times;
  Chart chart;
  chart.title = fmt::format("Amanuensis: {}, {}", report.model, report.compute_type);
  chart.subtitle = fmt::format("{}, {} threads, {}, {}", report.machine.cpu, report.threads,
                               kernels::to_string(report.isa), report.machine.date.substr(0, 10));
  chart.legend_ours = "measured";
  ChartPanel window{.title = "one window",
                    .note = fmt::format("milliseconds; a window is {:.0f} s of audio", kWindowSeconds),
                    .color = "#2f6fb5",
                    .has_full = false,
                    .bars = {}};
  const auto add_ms = [&window](const char* label, double ms) {
    window.bars.push_back({.label = label, .value = ms, .text = fmt::format("{:.2f} ms", ms), .peer_text = {}});
  };
  add_ms("encoder", times.encoder_ms);
  add_ms("cross-attention keys", times.cross_kv_ms);
  add_ms("prompt, first tokens", times.prompt_ms);
  add_ms("prompt, previous text", times.long_prompt_ms);
  ChartPanel tokens{.title = "decoding",
                    .note = "tokens a second, by sequences decoded at once",
                    .color = "#2f9e77",
                    .has_full = false,
                    .bars = {}};
  for (const auto& [batch, step_ms] : times.step_ms) {
    const double rate = 1e3 / times.ms_per_token(batch);
    tokens.bars.push_back({.label = fmt::format("{} sequence{}", batch, batch == 1 ? "" : "s"),
                           .value = rate,
                           .text = fmt::format("{:.0f}  ({:.2f} ms a step)", rate, step_ms),
                           .peer_text = {}});
  }
  chart.panels = {std::move(window), std::move(tokens)};
  return chart;
}

}  // namespace amanuensis::cli
