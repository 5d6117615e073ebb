// tools/npu: array programs as committed text, every kernel's program well formed and in balance, tables that are what
// the script writes, and tile kernels that compile without a library, as an AIE compiler needs them. Skipped where
// Python or a compiler is missing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "audio/mel_filters.h"
#include "device/npu/block_phases.h"
#include "device/npu/kernels/log_mel.h"
#include "support/goldens.h"
#include "support/temp_folder.h"

namespace amanuensis::device::npu {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool has(const std::string& program) { return std::system((program + " --version > /dev/null 2>&1").c_str()) == 0; }

// What a command prints; fails the test when it fails.
std::string printed(const std::string& command) {
  const test::TempFolder folder;
  const fs::path out = folder.path() / "out";
  EXPECT_EQ(std::system((command + " > '" + out.string() + "'").c_str()), 0) << command;
  return read_text(out);
}

std::string emit(const std::string& entry_and_options) {
  return printed("python3 '" + test::source_path("tools/npu/emit_mlir.py").string() + "' '" +
                 test::source_path("src/device/npu/catalog/").string() + "'" + entry_and_options);
}

// Every value is defined before it is used, braces and brackets close, every stream that is used was declared.
void expect_well_formed(const std::string& text) {
  std::set<std::string> defined;
  std::set<std::string> streams;
  const std::regex value("%[a-z_0-9]+");
  const std::regex symbol("@[a-z_0-9]+");
  int depth = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("//")) continue;
    for (const char c : line) depth += c == '{' || c == '(' || c == '[' ? 1 : c == '}' || c == ')' || c == ']' ? -1 : 0;
    ASSERT_GE(depth, 0) << line;
    const bool declares =
        line.find("aie.objectfifo @") != std::string::npos || line.find("func.func") != std::string::npos;
    for (std::sregex_iterator it(line.begin(), line.end(), symbol), end; it != end; ++it) {
      if (declares) {
        streams.insert(it->str());
      } else {
        EXPECT_TRUE(streams.contains(it->str())) << it->str() << " in: " << line;
      }
    }
    const std::size_t equals = line.find(" = ");
    const bool arguments = line.find("runtime_sequence") != std::string::npos;
    for (std::sregex_iterator it(line.begin(), line.end(), value), end; it != end; ++it) {
      const auto at = static_cast<std::size_t>(it->position());
      const bool loop_index = line.find("scf.for " + it->str() + " ") != std::string::npos;
      if (arguments || loop_index ||
          (equals != std::string::npos && at < equals && !loop_index && line.find("scf.for") == std::string::npos)) {
        defined.insert(it->str());
      } else {
        EXPECT_TRUE(defined.contains(it->str())) << it->str() << " in: " << line;
      }
    }
  }
  EXPECT_EQ(depth, 0);
  EXPECT_NE(text.find("aie.device(npu1)"), std::string::npos);
}

TEST(EmitMlir, WritesTheCommittedPrograms) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"log_mel_20.json", "log_mel_20"},
      {"log_mel_100.json", "log_mel_100"},
      {"matmul_64.json --rows 256 --inner 128 --cols 64 --columns 1 --residual", "matmul_64_256x128x64_residual"},
      {"attention_64.json --rows 256 --heads 2 --keys 101 --columns 1", "attention_64_256_heads2_keys101"}};
  for (const auto& [options, golden] : cases) {
    EXPECT_EQ(emit(options), read_text(test::source_path("tests/goldens/npu/" + golden + ".mlir"))) << golden;
  }
}

// Programs of every kernel, as entry and options.
const std::vector<std::string>& programs() {
  static const std::vector<std::string> all = {
      "log_mel_1.json",
      "log_mel_10.json",
      "log_mel_20.json",
      "log_mel_100.json",
      "gelu_512.json --rows 64 --cols 512",
      "gelu_2048.json --rows 64 --cols 2048",
      "softmax_1536.json --rows 32 --cols 300",
      "layer_norm_256.json --rows 128 --cols 192",
      "layer_norm_512.json --rows 128 --cols 512",
      "residual_add.json --rows 64 --cols 512",
      "matmul_16.json --rows 64 --inner 48 --cols 64",
      "matmul_32.json --rows 128 --inner 96 --cols 128",
      "matmul_64.json --rows 512 --inner 512 --cols 512",
      "matmul_64.json --rows 256 --inner 64 --cols 256 --gelu --residual",
      "attention_64.json --rows 256 --heads 3 --keys 200",
      "matmul_64_packed.json --rows 256 --inner 128 --cols 256 --residual",
      "attention_64.json --rows 1536 --heads 8 --keys 1500",
      "encoder_block.json --rows 512 --inner 256 --cols 512 --heads 4 --keys 101",
      "encoder_block.json --rows 1536 --inner 512 --cols 2048 --heads 8 --keys 1500"};
  return all;
}

TEST(EmitMlir, EveryKernelsProgramIsWellFormed) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  for (const std::string& options : programs()) {
    SCOPED_TRACE(options);
    expect_well_formed(emit(options));
  }
}

// A parser that is not ours: syntax, definitions before uses, types of every value, and all of scf, arith and memref.
TEST(EmitMlir, EveryKernelsProgramPassesMlirsOwnParser) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  std::string parser;
  for (const char* name : {"mlir-opt", "mlir-opt-19", "mlir-opt-16", "mlir-opt-15", "mlir-opt-14"}) {
    if (parser.empty() && has(name)) parser = name;
  }
  if (parser.empty()) GTEST_SKIP() << "mlir-opt is not installed (Debian: mlir-16-tools)";
  const std::string generic = test::source_path("tests/device/npu/generic_mlir.py").string();
  for (const std::string& options : programs()) {
    SCOPED_TRACE(options);
    const test::TempFolder folder;
    const fs::path program = folder.path() / "program.mlir";
    folder.write("given.mlir", emit(options));
    const std::string command = "python3 '" + generic + "' < '" + (folder.path() / "given.mlir").string() + "' > '" +
                                program.string() + "' && " + parser + " --allow-unregistered-dialect '" +
                                program.string() + "' > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  // And it does object: to a value that is used with another type.
  const test::TempFolder folder;
  const fs::path wrong =
      folder.write("wrong.mlir", std::string("%a = arith.constant 1 : i32\n%b = arith.addi %a, %a : i64\n"));
  EXPECT_NE(std::system((parser + " '" + wrong.string() + "' > /dev/null 2>&1").c_str()), 0);
}

// What the host sends on every stream is what the cores take: a program for which that is not so would stand still.
TEST(EmitMlir, EveryStreamCarriesWhatTheCoresTake) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  const std::string balance = test::source_path("tests/device/npu/stream_balance.py").string();
  for (const std::string& options : programs()) {
    SCOPED_TRACE(options);
    const test::TempFolder folder;
    const fs::path program = folder.write("program.mlir", emit(options));
    EXPECT_EQ(std::system(("python3 '" + balance + "' < '" + program.string() + "'").c_str()), 0);
  }
  // And it does object: to a program of which a transfer is missing.
  const test::TempFolder folder;
  std::string text = emit("log_mel_20.json");
  text.erase(text.find("      aiex.npu.dma_memcpy_nd"),
             text.find('\n', text.find("aiex.npu.dma_memcpy_nd")) - text.find("      aiex.npu.dma_memcpy_nd"));
  const fs::path program = folder.write("wrong.mlir", text);
  EXPECT_NE(std::system(("python3 '" + balance + "' < '" + program.string() + "' 2> /dev/null").c_str()), 0);
}

// The script lays a block's buffers out as the program does.
TEST(EmitMlir, ABlocksBuffersAreThoseOfTheLayout) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  const BlockLayout layout({.rows = 1536, .inner = 512, .cols = 2048, .heads = 8, .keys = 1500});
  const std::string text = emit(programs().back());
  for (const auto& [name, bytes] : {std::pair{"weights", layout.weights_bytes}, std::pair{"work", layout.work_bytes}}) {
    EXPECT_NE(text.find("%" + std::string(name) + ": memref<" + std::to_string(bytes) + "xi8>"), std::string::npos)
        << name;
  }
  // Where the last things lie: every place before them is right as well.
  EXPECT_NE(text.find("%work[0, 0, 0, " + std::to_string(layout.hidden_codes) + "]"), std::string::npos);
  EXPECT_NE(text.find("%weights[0, 0, 0, " + std::to_string(layout.down.codes) + "]"), std::string::npos);
}

TEST(EmitMlir, RefusesShapesThatTheArrayDoesNotDivide) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  const std::string command = "python3 '" + test::source_path("tools/npu/emit_mlir.py").string() + "' '" +
                              test::source_path("src/device/npu/catalog/matmul_64.json").string() +
                              "' --rows 100 --inner 64 --cols 64 > /dev/null 2>&1";
  EXPECT_NE(std::system(command.c_str()), 0);
}

TEST(Tables, AreWhatTheScriptWrites) {
  if (!has("python3")) GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(printed("python3 '" + test::source_path("tools/npu/make_tables.py").string() + "'"),
            read_text(test::source_path("src/device/npu/kernels/tables.h")));
}

TEST(Tables, MelWeightsAreTheFilterBanks) {
  const audio::MelFilters filters(80);
  const kernels::MelBands bands = filters.bands();
  const std::uint16_t* weight = tile::kBandWeights;
  for (std::size_t b = 0; b < 80; ++b) {
    std::vector<double> expected(201);
    for (std::size_t j = 0; j < bands.bands[b].bins; ++j) {
      expected[bands.bands[b].first_bin + j] = bands.weights[bands.bands[b].first_weight + j];
    }
    std::vector<double> found(201);
    for (std::size_t j = 0; j < tile::kBandBins[b]; ++j) {
      found[tile::kBandFirst[b] + j] = *weight++ / std::exp2(tile::kMelWeightShift);
    }
    for (std::size_t bin = 0; bin < 201; ++bin) EXPECT_NEAR(found[bin], expected[bin], 1e-6) << b << " " << bin;
  }
}

TEST(TileKernels, CompileWithoutALibraryOrExceptions) {
  if (!has("c++")) GTEST_SKIP() << "no compiler called c++";
  const std::string source = test::source_path("src/device/npu/kernels/aie_entry.cc").string();
  const std::string command =
      "c++ -std=c++20 -ffreestanding -nostdlib -fno-exceptions -fno-rtti -fsyntax-only -Wall -I'" +
      test::source_path("src").string() + "' '" + source + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  // What an AIE compiler lacks: containers, streams, threads, the heap.
  for (const char* file : {"attention.h", "gelu.h", "layer_norm.h", "log_mel.h", "matmul.h", "residual_add.h",
                           "softmax.h", "tables.h", "encoder_block.h", "aie_entry.cc"}) {
    const std::string text = read_text(test::source_path(std::string("src/device/npu/kernels/") + file));
    EXPECT_FALSE(std::regex_search(text, std::regex("#include <(?!stdint\\.h>)"))) << file;
    EXPECT_EQ(text.find("std::"), std::string::npos) << file;
  }
}

}  // namespace
}  // namespace amanuensis::device::npu
