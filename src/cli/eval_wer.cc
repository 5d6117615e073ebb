#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/eval_commands.h"
#include "cli/eval_inputs.h"
#include "cli/option_values.h"
#include "pipeline/eval/text_file.h"
#include "pipeline/eval/word_errors.h"

namespace amanuensis::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 2> kExtensions{".txt", ".json"};

struct Arguments {
  std::vector<std::string> paths;
  std::string normalizer = "english";
  bool by_line = false;
  bool summary = false;
  bool json = false;
};

// The text of a file; of a JSON transcript its field "text".
std::string read_text(const std::filesystem::path& path) {
  std::string text = pipeline::read_text_file(path);
  if (path.extension() != ".json") return text;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto found = json.is_object() ? json.find("text") : json.end();
  if (found == json.end() || !found->is_string()) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: is no transcript: expected a JSON object with a text field", path.string()));
  }
  return found->get<std::string>();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The comparisons of one pair: one, or with --by-line one for each line.
std::vector<pipeline::WordComparison> compare(const EvalPair& pair, const Arguments& arguments,
                                              pipeline::Normalizer normalizer) {
  const std::string reference = read_text(pair.reference);
  const std::string hypothesis = read_text(pair.hypothesis);
  if (!arguments.by_line) return {pipeline::compare_words(reference, hypothesis, normalizer)};
  const std::vector<std::string> said = lines_of(reference);
  const std::vector<std::string> found = lines_of(hypothesis);
  if (said.size() != found.size()) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{} has {} lines and {} has {}: --by-line compares line by line", pair.reference.string(),
                            said.size(), pair.hypothesis.string(), found.size()));
  }
  std::vector<pipeline::WordComparison> comparisons;
  for (std::size_t i = 0; i < said.size(); ++i) {
    comparisons.push_back(pipeline::compare_words(said[i], found[i], normalizer));
  }
  return comparisons;
}

std::string counts_text(std::string_view name, const pipeline::WordErrorCounts& counts) {
  return fmt::format("{}: WER {} ({} words, {} substituted, {} deleted, {} inserted)\n", name,
                     percent_text(counts.rate()), counts.words(), counts.substitutions, counts.deletions,
                     counts.insertions);
}

Json counts_json(const pipeline::WordErrorCounts& counts) {
  return {{"wer", counts.rate()},          {"words", counts.words()},
          {"hits", counts.hits},           {"substitutions", counts.substitutions},
          {"deletions", counts.deletions}, {"insertions", counts.insertions}};
}

void add_errors(const pipeline::WordComparison& comparison, Json& errors) {
  constexpr std::array<const char*, 3> kKinds{"substitution", "deletion", "insertion"};
  for (const pipeline::Edit& edit : comparison.edits) {
    Json error = {{"type", kKinds[static_cast<std::size_t>(edit.kind)]},
                  {"reference_index", edit.reference},
                  {"hypothesis_index", edit.hypothesis}};
    if (edit.kind != pipeline::EditKind::kInsertion) error["reference"] = comparison.reference[edit.reference];
    if (edit.kind != pipeline::EditKind::kDeletion) error["hypothesis"] = comparison.hypothesis[edit.hypothesis];
    errors.push_back(std::move(error));
  }
}

int run(Context& context, const Arguments& arguments) {
  constexpr std::array<std::string_view, 3> kNormalizers{"english", "basic", "none"};
  const pipeline::Normalizer normalizer =
      pipeline::normalizer_named(read_choice({"--normalizer", arguments.normalizer}, kNormalizers))
          .value_or(pipeline::Normalizer::kEnglish);
  pipeline::WordErrorCounts total;
  Json files = Json::array();
  std::string text;
  const std::vector<EvalPair> pairs = pair_inputs(arguments.paths, kExtensions);
  for (const EvalPair& pair : pairs) {
    pipeline::WordErrorCounts counts;
    Json errors = Json::array();
    std::string lines;
    for (const pipeline::WordComparison& comparison : compare(pair, arguments, normalizer)) {
      counts += comparison.counts;
      if (arguments.summary) continue;
      if (arguments.json) add_errors(comparison, errors);
      for (const std::string& line : pipeline::describe_errors(comparison)) lines += "  " + line + "\n";
    }
    total += counts;
    text += counts_text(pair.hypothesis.string(), counts) + lines;
    Json file = {{"reference", pair.reference.string()}, {"hypothesis", pair.hypothesis.string()}};
    file.update(counts_json(counts));
    if (!arguments.summary) file["errors"] = std::move(errors);
    files.push_back(std::move(file));
  }
  if (arguments.json) {
    const Json json = {
        {"normalizer", to_string(normalizer)}, {"files", std::move(files)}, {"total", counts_json(total)}};
    context.terminal.out(json.dump(2) + "\n");
  } else {
    context.terminal.out(pairs.size() == 1 ? text : text + counts_text("total", total));
  }
  return 0;
}

}  // namespace

Command add_eval_wer_command(CLI::App& eval) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = eval.add_subcommand("wer", "Word error rate, with the errors");
  parser->add_option("REF HYP", arguments->paths, "What was said and what was transcribed, in turn: files or folders")
      ->required()
      ->type_name("");
  parser
      ->add_option("--normalizer", arguments->normalizer,
                   "Whisper's, for English; basic, for other languages; none compares words as they are")
      ->type_name("english|basic|none")
      ->capture_default_str();
  parser->add_flag("--by-line", arguments->by_line, "Compare line with line, each by itself");
  parser->add_flag("--summary", arguments->summary, "Only the rates, not each error");
  parser->add_flag("--json", arguments->json, "One JSON object instead of text");
  parser->footer(
      "Files are text, or a transcript's .json; in folders, .txt and .json files are paired by name. Of an error,\n"
      "[a -> b] is b for a, [-a] a word that is missing, [+b] one that nobody said. Rates are those of jiwer over\n"
      "openai-whisper's normalizers.\n\n"
      "Examples:\n  amanuensis eval wer said.txt transcribed.txt\n"
      "  amanuensis eval wer references/ transcripts/ --summary --json");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
