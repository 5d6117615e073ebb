// The XRT module, compiled against stand-ins for XRT's headers (fake_xrt/), loaded and called as the program does it.
#include "device/npu/xrt/xrt_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "base/error.h"
#include "npu_rig.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::device::npu {
namespace {

using test::error_of;
using ::testing::HasSubstr;

// What tools/npu/build.sh leaves for log_mel_1.
void install(const test::TempFolder& folder, std::size_t words, const std::string& stream_bytes) {
  for (const CatalogFile& file : catalog_files()) {
    if (file.name == "log_mel_1.json") folder.write("log_mel_1.json", std::string(file.text));
  }
  folder.write("log_mel_1.xclbin", std::string("MLIR_AIE"));
  folder.write("log_mel_1.insts.bin", stream_bytes);
  folder.write("manifest.json", "{\"log_mel_1.insts.bin\": " + std::to_string(words) + "}");
}

TEST(XrtModule, IsLoadedAndOpensADevice) {
  const test::TempFolder folder;
  const auto runtime = xrt_opener(AMANUENSIS_XRT_STANDIN, folder.path())();
  EXPECT_THAT(runtime->info().name, HasSubstr("stand-in"));
  EXPECT_FALSE(runtime->info().simulated);
}

TEST(XrtModule, LoadsAllocatesRunsAndWaits) {
  const test::TempFolder folder;
  install(folder, 3, std::string(12, '\1'));
  const Catalog catalog;
  const auto runtime = xrt_opener(AMANUENSIS_XRT_STANDIN, folder.path())();
  {
    const auto kernel = runtime->load_kernel({.spec = catalog.at("log_mel_1"), .shape = {.rows = 1}});
    const auto frames = runtime->allocate(*kernel, 0);
    const auto bands = runtime->allocate(*kernel, 1);
    EXPECT_EQ(frames->bytes().size(), 800U);
    EXPECT_EQ(bands->bytes().size(), 80U);
    runtime->sync_to_device(*frames);
    const std::array<NpuBuffer*, 2> arguments = {frames.get(), bands.get()};
    const auto run = runtime->start(*kernel, arguments);  // the stand-in insists on opcode 3, stream and words
    EXPECT_EQ(runtime->wait(*run, std::chrono::seconds(1)).status, RunStatus::kCompleted);
    runtime->sync_from_device(*bands);
    const std::array<NpuBuffer*, 2> swapped = {bands.get(), frames.get()};
    EXPECT_EQ(error_of([&] { (void)runtime->start(*kernel, swapped); }).code, ErrorCode::kInvalidArgument);
  }
  runtime->close();
}

// The stand-in computes nothing, as a device with a wrong binary: the self-test sees poison, and the CPU does the work.
TEST(XrtModule, ADeviceThatDoesNothingIsNotBelieved) {
  const test::TempFolder folder;
  install(folder, 3, std::string(12, '\1'));
  NpuRig rig(xrt_opener(AMANUENSIS_XRT_STANDIN, folder.path()));
  EXPECT_THAT(rig.executor.prepare(rig.catalog.at("log_mel_1")), HasSubstr("self-test"));
  EXPECT_EQ(rig.status("log_mel_1").state, KernelState::kSetAside);
}

TEST(XrtModule, FilesThatAreMissingOrWrongAreNamed) {
  const Catalog catalog;
  const KernelSpec& spec = catalog.at("log_mel_1");
  const auto problem = [&](const test::TempFolder& folder) {
    return error_of([&] { find_binaries(folder.path(), spec, {.rows = 1}); });
  };
  {
    const test::TempFolder empty;
    EXPECT_EQ(problem(empty).code, ErrorCode::kNotFound);
    EXPECT_THAT(problem(empty).message, HasSubstr("tools/npu/build.sh"));
  }
  {
    const test::TempFolder folder;
    install(folder, 4, std::string(12, '\1'));
    EXPECT_EQ(problem(folder).code, ErrorCode::kBadData);
    EXPECT_THAT(problem(folder).message, ::testing::AllOf(HasSubstr("12 bytes"), HasSubstr("4 words")));
  }
  {
    const test::TempFolder folder;
    install(folder, 3, std::string(12, '\1'));
    for (const CatalogFile& file : catalog_files()) {
      if (file.name == "log_mel_10.json") folder.write("log_mel_1.json", std::string(file.text));
    }
    EXPECT_THAT(problem(folder).message, HasSubstr("not what this program was built with"));
  }
}

TEST(XrtModule, AMissingModuleIsAReason) {
  const auto error = error_of([] { (void)xrt_opener("/nowhere/libamanuensis_xrt.so", "/nowhere")(); });
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("docs/npu.md"));
}

TEST(XrtModule, AnXclbinWithoutOurKernelIsRefused) {
  const test::TempFolder folder;
  install(folder, 3, std::string(12, '\1'));
  folder.write("log_mel_1.xclbin", std::string("something else"));
  const Catalog catalog;
  const auto runtime = xrt_opener(AMANUENSIS_XRT_STANDIN, folder.path())();
  const auto error =
      error_of([&] { (void)runtime->load_kernel({.spec = catalog.at("log_mel_1"), .shape = {.rows = 1}}); });
  EXPECT_THAT(error.message, HasSubstr("MLIR_AIE"));
}

}  // namespace
}  // namespace amanuensis::device::npu
