// The benchmark commands: what they print and draw, and what they refuse. How fast anything is, no test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/bench/chart.h"
#include "cli/bench/kernel_report.h"
#include "cli/bench/peers.h"
#include "cli/bench/timing.h"
#include "support/run_in_process.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using nlohmann::json;
using test::Outcome;
using test::run_in_process;
using test::TempFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Whether every element is closed, in order, by its own end tag, and every attribute quoted.
bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  std::size_t at = 0;
  while ((at = xml.find_first_of("<&", at)) != std::string::npos) {
    if (xml[at] == '&') {
      const std::string entity = xml.substr(at, xml.find(';', at) + 1 - at);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;") return false;
      ++at;
      continue;
    }
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0 || tag.find('<') != std::string::npos) return false;
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (!tag.ends_with("/") && !tag.starts_with("?")) {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty();
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_refused(const std::vector<std::string>& arguments, int code, const std::string& part) {
  const Outcome outcome = run_in_process(arguments);
  EXPECT_EQ(outcome.code, code) << outcome.error;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.error, HasSubstr(part));
}

void expect_ceilings(const json& ceilings) {
  for (const char* name : {"fp32_gflops", "bf16_gflops", "int8_gops", "read_gbs"}) {
    EXPECT_GT(ceilings.at(name).get<double>(), 0.0) << name;
  }
}

TEST(BenchTest, WhatMakesNoSenseIsNamedBeforeAnythingIsMeasured) {
  expect_refused({"bench"}, 2, "name a command");
  expect_refused({"bench", "kernel"}, 2, "no command 'kernel'; did you mean 'kernels'?");
  expect_refused({"bench", "everything"}, 2, "`amanuensis bench --help` shows them");
  expect_refused({"bench", "model", "--random", "bse"}, 2, "did you mean 'base'");
  expect_refused({"bench", "model", "--random", "base", "--model", "demo"}, 2, "exclude each other");
  expect_refused({"bench", "model", "--random", "tiny", "--batches", "0"}, 2, "--batches '0'");
  expect_refused({"bench", "model", "--random", "tiny", "--compute-type", "int4"}, 2, "--compute-type 'int4'");
  expect_refused({"bench", "model", "--random", "tiny", "--chart", "/no/such/folder/x.svg"}, 3, "/no/such/folder");
  expect_refused({"bench", "model", "--random", "tiny", "--chart", "/tmp"}, 2, "is a folder");
  expect_refused({"bench", "model", "--model", "no-such-model"}, 3, "no-such-model");
  expect_refused({"bench", "kernels", "--kernels", "gem"}, 2, "did you mean 'gemm'");
  expect_refused({"bench", "kernels", "--types", "int4"}, 2, "--types 'int4'");
  expect_refused({"bench", "kernels", "--sizes", "hugs"}, 2, "there are tiny, tiny.en, base");
  expect_refused({"bench", "kernels", "--isa", "avx3"}, 2, "--isa 'avx3'");
  expect_refused({"bench", "kernels", "--threads", "two"}, 2, "--threads 'two'");
  expect_refused({"bench", "kernels", "--rows", ","}, 2, "--rows ','");
  expect_refused({"bench", "pipeline", "--random", "bse"}, 2, "did you mean 'base'");
  expect_refused({"bench", "pipeline", "--random", "tiny", "--beam-size", "0"}, 2, "--beam-size '0'");
  expect_refused({"bench", "pipeline", "--random", "tiny", "--audio", "no/such.wav"}, 3, "no/such.wav");
}

TEST(BenchTest, StepsThatDoNotFitIntoTheModelAreRefused) {
  expect_refused({"bench", "model", "--random", "tiny", "--steps", "500"}, 2, "448 text positions");
}

TEST(BenchTest, KernelsPrintsOneObjectAndDrawsIt) {
  const TempFolder folder;
  const std::string chart = (folder.path() / "kernels.svg").string();
  const Outcome outcome = run_in_process({"bench", "kernels", "--sizes", "tiny", "--rows", "33,2", "--kernels",
                                          "gemm,attention,gelu,log_mel", "--types", "float32,int8", "--threads", "1,2",
                                          "--seconds", "0", "--json", "--chart", chart});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const json result = json::parse(outcome.out);
  EXPECT_FALSE(result.at("machine").at("cpu").get<std::string>().empty());
  expect_ceilings(result.at("ceilings"));
  expect_ceilings(result.at("ceilings").at("one_thread"));
  EXPECT_THAT(result.at("peers").get<std::string>(), HasSubstr("make bench"));
  // Two threads: (3 products of 2 row counts and the attention, of 2 types) + GELU + log-mel of 80 and 128 bands.
  EXPECT_EQ(result.at("kernels").size(), 2U * (2 * (3 * 2 + 1) + 3));
  for (const json& kernel : result.at("kernels")) {
    SCOPED_TRACE(kernel.dump());
    EXPECT_GT(kernel.at("gflops").get<double>(), 0.0);
    EXPECT_GT(kernel.at("share").get<double>(), 0.0);
    EXPECT_GT(kernel.at("threads").get<int>(), 0);
    for (const char* name : {"name", "shape", "type", "isa"}) {
      EXPECT_FALSE(kernel.at(name).get<std::string>().empty()) << name;
    }
    if (kernel.at("name") == "gemm" && kernel.at("shape") == "2x384x1536") {
      EXPECT_EQ(kernel.at("bound"), "read");
    }
    if (kernel.at("name") == "log_mel") {
      EXPECT_GT(kernel.at("realtime").get<double>(), 0.0);
    }
  }
  const std::string svg = contents(chart);
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("matrix product, 33 rows, int8"));
}

TEST(BenchTest, KernelsOfAForcedInstructionSetSaySo) {
  const Outcome outcome =
      run_in_process({"bench", "kernels", "--sizes", "tiny", "--rows", "3", "--kernels", "gemm", "--types", "int8",
                      "--threads", "1", "--seconds", "0", "--isa", "scalar", "--no-peers"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("scalar, 1 thread\n"));
  EXPECT_THAT(outcome.out, HasSubstr("3x384x384"));
  EXPECT_THAT(outcome.out, HasSubstr("--no-peers"));
}

TEST(BenchTest, ModelOfRandomWeightsPrintsOneObjectAndDrawsIt) {
  const TempFolder folder;
  const std::string chart = (folder.path() / "model.svg").string();
  const Outcome outcome =
      run_in_process({"bench", "model", "--random", "tiny", "--compute-type", "int8", "--threads", "2", "--steps", "2",
                      "--seconds", "0", "--batches", "1,3", "--json", "--chart", chart});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const json result = json::parse(outcome.out);
  EXPECT_EQ(result.at("model"), "random tiny");
  EXPECT_EQ(result.at("compute_type"), "int8");
  EXPECT_EQ(result.at("threads"), 2);
  expect_ceilings(result.at("ceilings"));
  for (const char* name : {"encoder_ms", "prompt_ms", "load_ms", "rss_mb"}) {
    EXPECT_GT(result.at(name).get<double>(), 0.0) << name;
  }
  for (const char* batch : {"1", "3"}) {
    const double ms = result.at("decode_ms_per_token").at(batch).get<double>();
    EXPECT_NEAR(result.at("decode_tokens_per_s").at(batch).get<double>() * ms, 1000.0, 1e-6) << batch;
  }
  EXPECT_TRUE(is_well_formed(contents(chart)));
}

TEST(BenchTest, PipelineDecodesAsManyTokensAsItWasTold) {
  const Outcome outcome =
      run_in_process({"bench", "pipeline", "--random", "tiny", "--compute-type", "int8", "--threads", "2",
                      "--audio-minutes", "0.1", "--tokens-per-window", "3", "--requests", "2", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const json result = json::parse(outcome.out);
  EXPECT_EQ(result.at("windows"), 2);
  EXPECT_EQ(result.at("tokens"), 6);
  EXPECT_NEAR(result.at("audio_s").get<double>(), 12.0, 1e-3);
  EXPECT_GT(result.at("realtime_factor").get<double>(), 0.0);
  EXPECT_GT(result.at("tokens_per_s").get<double>(), 0.0);
  EXPECT_GT(result.at("rss_mb").get<double>(), 0.0);
  for (const char* stage : {"decode", "vad", "mel", "encoder", "decoder", "align"}) {
    EXPECT_GE(result.at("stages_ms").at(stage).get<double>(), 0.0) << stage;
  }
  EXPECT_EQ(result.at("requests").at("count"), 2);
  EXPECT_GT(result.at("requests").at("speedup").get<double>(), 0.0);
}

TEST(BenchTest, PipelineWithBeamsAndWordTimesRuns) {
  const Outcome outcome =
      run_in_process({"bench", "pipeline", "--random", "tiny", "--threads", "2", "--audio-minutes", "0.05",
                      "--beam-size", "2", "--word-timestamps", "--tokens-per-window", "4", "--no-vad-filter"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("beam 2, word times"));
}

TEST(BenchChart, AnyTextGivesAWellFormedDocument) {
  Chart chart{
      .title = "a < b & \"c\" > d", .subtitle = "\x01\t", .legend_ours = "&amp;", .legend_peers = "'", .panels = {}};
  for (int i = 0; i < 40; ++i) {
    chart.panels.push_back({.title = "<panel>", .note = "&", .color = "#000000\"/><x", .bars = {}});
    chart.panels.back().bars.push_back(
        {.label = "</text>", .value = 0.5, .text = "<", .peer_value = 2, .peer_text = "&"});
    chart.panels.back().bars.push_back({.label = "", .value = 0, .text = "", .peer_text = ""});
  }
  EXPECT_TRUE(is_well_formed(svg_of(chart)));
  EXPECT_TRUE(is_well_formed(svg_of({})));
  EXPECT_FALSE(is_well_formed("<a><b></a></b>"));
}

TEST(BenchTiming, WorksTakeTurns) {
  std::string order;
  const std::vector<Work> works = {[&] { order += order.ends_with('a') ? "" : "a"; },
                                   [&] { order += order.ends_with('b') ? "" : "b"; }};
  const auto seconds = best_seconds_of_each({.threads = 1, .seconds = 0, .rounds = 3, .most_rounds = 3}, works);
  EXPECT_EQ(order, "ababab");
  EXPECT_EQ(seconds.size(), 2U);
  for (const double each : seconds) EXPECT_GE(each, 0.0);
}

TEST(BenchPeers, WithoutTheModuleTheReasonSaysHowToGetIt) {
  const TempFolder folder;
  const Peers peers = Peers::load(folder.path());
  EXPECT_FALSE(peers.available());
  EXPECT_THAT(peers.missing(), HasSubstr("make bench"));
  EXPECT_EQ(peers.gemm({.rows = 1, .in = 16, .out = 16}), nullptr);
  std::ofstream(folder.path() / "amanuensis_peers.so") << "not a library";
  EXPECT_FALSE(Peers::load(folder.path()).available());
  EXPECT_THAT(Peers::load(folder.path()).missing(), StartsWith("not compared with other libraries: "));
}

}  // namespace
}  // namespace amanuensis::cli
