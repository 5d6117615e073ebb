// What the program takes from its surroundings, read once by main and passed on: environment variables and its own
// place on disk. Nothing else in the project reads environment variables (libcurl reads those of proxies itself).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/aws_settings.h"
#include "model/hub/hub.h"

namespace amanuensis::cli {

struct Environment {
  model::HubSettings hub;
  std::string isa;                    // AMANUENSIS_ISA: the instruction set to use; empty: the best there is
  std::filesystem::path program_dir;  // where the running executable is; empty: unknown
  std::filesystem::path data_dir;     // where `serve` keeps jobs unless told otherwise; empty: no home
  std::filesystem::path npu_kernels;  // AMANUENSIS_NPU_KERNELS: a folder of NPU kernels; empty: beside the program
  AwsVariables aws;                   // how S3 is reached; see cli/aws_settings.h
  std::string notify_socket;          // NOTIFY_SOCKET: where systemd is told that a service is ready
};

// A variable's value, or nothing when it is not set.
using GetVariable = std::function<std::optional<std::string>(const std::string& name)>;

// `program` is the running executable. Variables: HF_HOME, HF_HUB_CACHE, XDG_CACHE_HOME, HOME, HF_ENDPOINT, HF_TOKEN,
// HF_TOKEN_PATH, HF_HUB_OFFLINE, AMANUENSIS_MODELS, AMANUENSIS_ISA, AMANUENSIS_NPU_KERNELS, XDG_DATA_HOME,
// NOTIFY_SOCKET, and those of AwsVariables.
Environment make_environment(const GetVariable& get, const std::filesystem::path& program);

// The process's own environment and executable.
Environment read_environment();

// The folders where bundled models are looked for: `override_dirs` (separated by ':') alone when not empty; otherwise
// share/amanuensis/models beside the program's bin/, and models/ of the source tree that the program was built in.
std::vector<std::filesystem::path> bundled_model_dirs(const std::filesystem::path& program,
                                                      const std::string& override_dirs);

}  // namespace amanuensis::cli
