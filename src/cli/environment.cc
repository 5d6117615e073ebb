#include "cli/environment.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "cli/version.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;

std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

// As Python's huggingface_hub reads flags.
bool is_true(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

std::string expand_home(const std::string& path, const std::string& home) {
  return path.starts_with("~/") && !home.empty() ? home + path.substr(1) : path;
}

std::string read_token(const fs::path& path) {
  std::ifstream in(path);
  return trimmed(std::string(std::istreambuf_iterator<char>(in), {}));
}

}  // namespace

Environment make_environment(const GetVariable& get, const fs::path& program) {
  const auto value = [&](const char* name) { return get(name).value_or(""); };
  const std::string home = value("HOME");
  const auto path = [&](const char* name) { return fs::path(expand_home(value(name), home)); };

  Environment environment;
  environment.isa = value("AMANUENSIS_ISA");
  environment.program_dir = program.parent_path();
  environment.npu_kernels = path("AMANUENSIS_NPU_KERNELS");
  environment.hub.user_agent = std::string("amanuensis/") + version();
  environment.hub.local_dirs = bundled_model_dirs(program, value("AMANUENSIS_MODELS"));
  environment.hub.offline = is_true(value("HF_HUB_OFFLINE"));
  if (const std::string endpoint = value("HF_ENDPOINT"); !endpoint.empty()) environment.hub.endpoint = endpoint;

  AwsVariables& aws = environment.aws;
  aws.access_key_id = trimmed(value("AWS_ACCESS_KEY_ID"));
  aws.secret_access_key = trimmed(value("AWS_SECRET_ACCESS_KEY"));
  aws.session_token = trimmed(value("AWS_SESSION_TOKEN"));
  aws.profile = value("AWS_PROFILE");
  aws.region = value("AWS_REGION");
  if (aws.region.empty()) aws.region = value("AWS_DEFAULT_REGION");
  aws.endpoint = value("AWS_ENDPOINT_URL_S3");
  if (aws.endpoint.empty()) aws.endpoint = value("AWS_ENDPOINT_URL");
  aws.anonymous = is_true(value("AWS_NO_SIGN_REQUEST"));
  aws.credentials_file = path("AWS_SHARED_CREDENTIALS_FILE");
  aws.config_file = path("AWS_CONFIG_FILE");
  if (aws.credentials_file.empty() && !home.empty()) aws.credentials_file = fs::path(home) / ".aws/credentials";
  if (aws.config_file.empty() && !home.empty()) aws.config_file = fs::path(home) / ".aws/config";

  environment.notify_socket = value("NOTIFY_SOCKET");
  fs::path data = path("XDG_DATA_HOME");
  if (data.empty() && !home.empty()) data = fs::path(home) / ".local/share";
  if (!data.empty()) environment.data_dir = data / "amanuensis";

  fs::path hf_home = path("HF_HOME");
  if (hf_home.empty()) {
    fs::path cache = path("XDG_CACHE_HOME");
    if (cache.empty() && !home.empty()) cache = fs::path(home) / ".cache";
    if (!cache.empty()) hf_home = cache / "huggingface";
  }
  environment.hub.cache = path("HF_HUB_CACHE");
  if (environment.hub.cache.empty()) environment.hub.cache = path("HUGGINGFACE_HUB_CACHE");
  if (environment.hub.cache.empty() && !hf_home.empty()) environment.hub.cache = hf_home / "hub";

  environment.hub.token = trimmed(value("HF_TOKEN"));
  if (environment.hub.token.empty()) {
    const fs::path token_file = path("HF_TOKEN_PATH");
    if (!token_file.empty()) {
      environment.hub.token = read_token(token_file);
    } else if (!hf_home.empty()) {
      environment.hub.token = read_token(hf_home / "token");
    }
  }
  return environment;
}

Environment read_environment() {
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  return make_environment(
      [](const std::string& name) -> std::optional<std::string> {
        const char* text = std::getenv(name.c_str());
        if (text == nullptr) return std::nullopt;
        return text;
      },
      program);
}

std::vector<fs::path> bundled_model_dirs(const fs::path& program, const std::string& override_dirs) {
  std::vector<fs::path> dirs;
  std::size_t start = 0;
  while (start < override_dirs.size()) {
    const std::size_t end = std::min(override_dirs.find(':', start), override_dirs.size());
    if (end > start) dirs.emplace_back(override_dirs.substr(start, end - start));
    start = end + 1;
  }
  if (!dirs.empty() || program.empty()) return dirs;
  const fs::path bin = program.parent_path();
  std::error_code problem;
  if (const fs::path shared = bin.parent_path() / "share/amanuensis/models"; fs::is_directory(shared, problem)) {
    dirs.push_back(shared);
  }
  // A build folder lies inside its source tree: build/release/bin.
  fs::path parent = bin;
  for (int level = 0; level < 4 && parent.has_relative_path(); ++level) {
    parent = parent.parent_path();
    if (fs::exists(parent / "models/demo/config.json", problem)) {
      dirs.push_back(parent / "models");
      break;
    }
  }
  return dirs;
}

}  // namespace amanuensis::cli
