// amanuensis speakers enroll | list | remove: voices that have a name. They are kept in one JSON file of the data
// folder.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/speaker_store.h"
#include "cli/speaker_tools.h"

namespace amanuensis::cli {
namespace {

struct SpeakersArguments {
  std::string name;
  std::vector<std::string> files;
};

int enroll(Context& context, const SpeakersArguments& arguments) {
  SpeakerStore store(context.environment.data_dir);
  const SpeakerTools tools(context, {.threads = 1, .vad = read_vad_request(VadArguments{})});
  std::vector<float> samples;
  for (const std::string& file : arguments.files) {
    const std::vector<float> more = audio::read_all_audio(file);
    samples.insert(samples.end(), more.begin(), more.end());
  }
  try {
    store.put({arguments.name, tools.diarizer().voice(samples)}, tools.diarizer().embedder().traits().kin);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("'{}': {}", arguments.name, error.what()));
  }
  context.terminal.message(fmt::format("{} is known from now on", arguments.name));
  return kExitOk;
}

int list(Context& context) {
  const SpeakerStore store(context.environment.data_dir);
  for (const StoredVoice& voice : store.all()) {
    context.terminal.out(fmt::format("{}\t{}\n", voice.known.name, voice.kin));
  }
  return kExitOk;
}

int remove(Context& context, const SpeakersArguments& arguments) {
  SpeakerStore store(context.environment.data_dir);
  store.remove(arguments.name);
  context.terminal.message(fmt::format("{} is forgotten", arguments.name));
  return kExitOk;
}

}  // namespace

Command add_speakers_command(CLI::App& program) {
  auto arguments = std::make_shared<SpeakersArguments>();
  CLI::App* parser = program.add_subcommand("speakers", "Give names to voices");
  parser->require_subcommand(1);
  CLI::App* enrolling = parser->add_subcommand("enroll", "Learn a voice from recordings of one person");
  enrolling->add_option("NAME", arguments->name, "What the person is called")->required();
  enrolling->add_option("FILE", arguments->files, "Recordings, a few seconds or more, of nobody else")->required();
  CLI::App* listing = parser->add_subcommand("list", "Show whose voices are known");
  CLI::App* removing = parser->add_subcommand("remove", "Forget a voice");
  removing->add_option("NAME", arguments->name, "Whose")->required();
  return {parser, [=](Context& context) {
            if (enrolling->parsed()) return enroll(context, *arguments);
            if (listing->parsed()) return list(context);
            return remove(context, *arguments);
          }};
}

}  // namespace amanuensis::cli
