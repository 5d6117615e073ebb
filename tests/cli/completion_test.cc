// Completions and the manual page, as the shells and man read them.
#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "support/run_in_process.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string form(const std::string& name) { return test::run_in_process({"completion", name}).out; }

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

// What bash offers when these words are on the line, the last one being typed.
std::string offered(const std::string& script, const std::string& words, int typed) {
  return output_of("bash -c 'source " + script + "; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(typed) +
                   "; _amanuensis; echo \"${COMPREPLY[@]}\"'");
}

TEST(Completion, BashOffersCommandsAndTheirOptions) {
  const test::TempFolder folder;
  const std::string script = (folder.path() / "script").string();
  std::ofstream(script) << form("bash");
  EXPECT_EQ(offered(script, "amanuensis tr", 1), "transcribe\n");
  EXPECT_EQ(offered(script, "amanuensis models p", 2), "pull path\n");
  EXPECT_THAT(offered(script, "amanuensis transcribe x.wav --vad", 3),
              AllOf(HasSubstr("--vad-filter"), HasSubstr("--vad-method")));
  EXPECT_THAT(offered(script, "amanuensis serve --", 2), AllOf(HasSubstr("--port"), Not(HasSubstr("--vad-filter"))));
}

TEST(Completion, OtherShellsKnowTheSame) {
  EXPECT_THAT(form("zsh"), AllOf(StartsWith("#compdef amanuensis\n"), HasSubstr("--key-file")));
  EXPECT_THAT(form("fish"), AllOf(HasSubstr("-a transcribe -d "), HasSubstr("__fish_seen_subcommand_from serve"),
                                  HasSubstr(" -l key-file -r")));
}

TEST(Completion, AnUnknownFormIsNamed) {
  const test::Outcome outcome = test::run_in_process({"completion", "tcsh"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, AllOf(HasSubstr("tcsh"), HasSubstr("bash")));
}

TEST(ManualPage, HasEveryCommandAndNoLineThatRoffTakesForARequest) {
  const std::string page = form("man");
  EXPECT_THAT(page, AllOf(StartsWith(".TH AMANUENSIS 1"), HasSubstr(".SS amanuensis models pull\n"),
                          HasSubstr("\\fB\\-\\-key\\-file\\fR \\fIFILE\\fR")));
  for (std::size_t at = page.find("\n."); at != std::string::npos; at = page.find("\n.", at + 1)) {
    const std::string request = page.substr(at + 2, page.find_first_of(" \n", at + 2) - at - 2);
    EXPECT_THAT(request, ::testing::AnyOf("TH", "SH", "SS", "TP", "PP", "B", "I", "nf", "fi"));
  }
}

}  // namespace
}  // namespace amanuensis::cli
