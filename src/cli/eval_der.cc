#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/eval_commands.h"
#include "cli/eval_inputs.h"
#include "cli/option_values.h"
#include "pipeline/eval/diarization_error_rate.h"

namespace amanuensis::cli {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::RttmRecording;

constexpr std::array<std::string_view, 1> kExtensions{".rttm"};
constexpr double kMostCollar_s = 60;

struct Arguments {
  std::vector<std::string> paths;
  std::string collar = "0";
  std::string uem;
  bool skip_overlap = false;
  bool json = false;
};

// One recording, as both sides have it.
struct Scored {
  std::string name;
  std::vector<pipeline::RttmTurn> reference;
  std::vector<pipeline::RttmTurn> hypothesis;
};

const RttmRecording* find(const std::vector<RttmRecording>& recordings, std::string_view name) {
  const auto found = std::ranges::find(recordings, name, &RttmRecording::name);
  return found == recordings.end() ? nullptr : &*found;
}

// Recordings go together by name. One on either side go together whatever they are called; of a reference without any
// turns every recording is silent. A recording without a hypothesis was found silent.
std::vector<Scored> match_recordings(const EvalPair& pair) {
  const std::vector<RttmRecording> said = pipeline::read_rttm(pair.reference);
  const std::vector<RttmRecording> found = pipeline::read_rttm(pair.hypothesis);
  if (said.empty() && found.empty()) return {{pair.reference.stem().string(), {}, {}}};
  if (said.size() == 1 && found.size() == 1) return {{said[0].name, said[0].turns, found[0].turns}};
  std::vector<Scored> recordings;
  for (const RttmRecording& recording : said) {
    const RttmRecording* counterpart = find(found, recording.name);
    recordings.push_back({recording.name, recording.turns,
                          counterpart == nullptr ? std::vector<pipeline::RttmTurn>() : counterpart->turns});
  }
  for (const RttmRecording& recording : found) {
    if (find(said, recording.name) != nullptr) continue;
    if (!said.empty()) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: recording '{}' is not in {}", pair.hypothesis.string(),
                                                   recording.name, pair.reference.string()));
    }
    recordings.push_back({recording.name, {}, recording.turns});
  }
  return recordings;
}

// What of a recording is scored; without a UEM file all of it.
std::optional<std::vector<pipeline::TimeSpan>> scored_spans(const std::vector<pipeline::UemSpan>& uem, bool has_uem,
                                                            std::string_view recording, const std::string& file) {
  if (!has_uem) return std::nullopt;
  std::vector<pipeline::TimeSpan> spans;
  for (const pipeline::UemSpan& span : uem) {
    if (span.recording == recording) spans.push_back({span.start_s, span.end_s});
  }
  if (spans.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: says nothing of '{}'", file, recording));
  return spans;
}

std::string row_text(std::string_view name, const pipeline::DerComponents& sum) {
  return fmt::format("{:<24} {:>10} {:>10.2f} {:>10.2f} {:>10.2f} {:>12.2f}\n", name, percent_text(sum.rate()),
                     sum.total_s, sum.confusion_s, sum.missed_s, sum.false_alarm_s);
}

Json components_json(const pipeline::DerComponents& sum) {
  return {{"der", sum.rate()},        {"total", sum.total_s},
          {"correct", sum.correct_s}, {"confusion", sum.confusion_s},
          {"missed", sum.missed_s},   {"false_alarm", sum.false_alarm_s}};
}

int run(Context& context, const Arguments& arguments) {
  const bool has_uem = !arguments.uem.empty();
  const std::vector<pipeline::UemSpan> uem =
      has_uem ? pipeline::read_uem(arguments.uem) : std::vector<pipeline::UemSpan>();
  pipeline::DerOptions options{.collar_s = read_number({"--collar", arguments.collar}, 0, kMostCollar_s),
                               .skip_overlap = arguments.skip_overlap};
  pipeline::DerComponents total;
  Json files = Json::array();
  std::string text = fmt::format("{:<24} {:>10} {:>10} {:>10} {:>10} {:>12}\n", "recording", "DER", "said s",
                                 "confused s", "missed s", "false alarm s");
  for (const EvalPair& pair : pair_inputs(arguments.paths, kExtensions)) {
    for (const Scored& recording : match_recordings(pair)) {
      options.scored = scored_spans(uem, has_uem, recording.name, arguments.uem);
      const pipeline::DerResult result =
          pipeline::diarization_error_rate(recording.reference, recording.hypothesis, options);
      total += result.components;
      text += row_text(recording.name, result.components);
      Json file = {{"recording", recording.name},
                   {"reference", pair.reference.string()},
                   {"hypothesis", pair.hypothesis.string()}};
      file.update(components_json(result.components));
      file["mapping"] = Json::object();
      for (const auto& [from, to] : result.mapping) file["mapping"][from] = to;
      files.push_back(std::move(file));
    }
  }
  if (arguments.json) {
    const Json json = {{"collar", options.collar_s},
                       {"skip_overlap", options.skip_overlap},
                       {"files", std::move(files)},
                       {"total", components_json(total)}};
    context.terminal.out(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    context.terminal.out(files.size() == 1 ? text : text + row_text("total", total));
  }
  return 0;
}

}  // namespace

Command add_eval_der_command(CLI::App& eval) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = eval.add_subcommand("der", "Diarization error rate of RTTM files");
  parser->add_option("REF HYP", arguments->paths, "Who really spoke when and what was found, in turn: files or folders")
      ->required()
      ->type_name("");
  parser
      ->add_option("--collar", arguments->collar,
                   "Seconds around each boundary of the reference that are not scored, half on each side")
      ->type_name("S")
      ->capture_default_str();
  parser->add_flag("--skip-overlap", arguments->skip_overlap, "Do not score where several speak in the reference");
  parser->add_option("--uem", arguments->uem, "Score only what this file lists: recording channel start end")
      ->type_name("FILE");
  parser->add_flag("--json", arguments->json, "One JSON object instead of the table");
  parser->footer(
      "A file may hold several recordings; they go together by name. Rates are those of pyannote.metrics.\n\n"
      "Examples:\n  amanuensis eval der labelled.rttm found.rttm\n"
      "  amanuensis eval der labelled/ found/ --collar 0.25 --skip-overlap --json");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
