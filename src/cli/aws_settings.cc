#include "cli/aws_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/error.h"
#include "cli/environment.h"

namespace amanuensis::cli {
namespace {

using Section = std::map<std::string, std::string>;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string value_of(const Section* section, const std::string& name) {
  if (section == nullptr) return {};
  const auto found = section->find(name);
  return found == section->end() ? std::string() : found->second;
}

const Section* section_of(const AwsFile& file, const std::string& name) {
  const auto found = file.find(name);
  return found == file.end() ? nullptr : &found->second;
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (!candidate.empty()) return candidate;
  }
  return {};
}

// What a profile is said to get its credentials by, where that is none of ours.
std::string foreign_source(const Section* profile) {
  for (const char* name : {"sso_session", "sso_start_url", "role_arn", "credential_process", "login_session"}) {
    if (!value_of(profile, name).empty()) return name;
  }
  return {};
}

AwsFile read_file(const std::filesystem::path& path, std::string& problem) {
  if (path.empty()) return {};
  std::ifstream in(path);
  if (!in) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) problem = fmt::format("{} cannot be read", path.string());
    return {};
  }
  try {
    return parse_aws_file(std::string(std::istreambuf_iterator<char>(in), {}));
  } catch (const Error& error) {
    problem = fmt::format("{}: {}", path.string(), error.what());
  }
  return {};
}

}  // namespace

AwsFile parse_aws_file(std::string_view text) {
  AwsFile file;
  Section* section = nullptr;
  std::string above;  // the name that indented lines belong to
  int number = 0;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    const auto refuse = [&](const char* why) {
      throw Error(ErrorCode::kBadData, fmt::format("line {} {}", number, why));
    };
    if (content.front() == '[') {
      if (content.back() != ']') refuse("begins a section and does not end it with ']'");
      std::string name(trimmed(content.substr(1, content.size() - 2)));
      // "[profile  work]" is "profile work".
      if (const std::size_t blank = name.find_first_of(" \t"); blank != std::string::npos) {
        name = fmt::format("{} {}", name.substr(0, blank), trimmed(std::string_view(name).substr(blank)));
      }
      section = &file[name];
      above.clear();
      continue;
    }
    if (section == nullptr) refuse("stands before the first [section]");
    const std::size_t equals = content.find('=');
    if (equals == std::string_view::npos) refuse("is neither a [section] nor name = value");
    const std::string name = lower(trimmed(content.substr(0, equals)));
    const std::string value(trimmed(content.substr(equals + 1)));
    const bool indented = std::isspace(static_cast<unsigned char>(line.front())) != 0;
    if (indented && !above.empty()) {
      (*section)[fmt::format("{}.{}", above, name)] = value;
      continue;
    }
    above = value.empty() ? name : "";
    (*section)[name] = value;
  }
  return file;
}

storage::S3Settings make_s3_settings(const AwsVariables& variables, const AwsFile& credentials, const AwsFile& config) {
  const std::string profile = variables.profile.empty() ? "default" : variables.profile;
  const Section* keys = section_of(credentials, profile);
  // "default" may be written either way there; "profile default" goes first, as in AWS's tools.
  const Section* settings = section_of(config, "profile " + profile);
  if (settings == nullptr && profile == "default") settings = section_of(config, "default");

  storage::S3Settings s3;
  s3.anonymous = variables.anonymous;
  const std::string region = first_of({variables.region, value_of(settings, "region"), value_of(keys, "region")});
  if (!region.empty()) s3.region = region;
  const std::string services = value_of(settings, "services");
  const Section* service = services.empty() ? nullptr : section_of(config, "services " + services);
  s3.endpoint =
      first_of({variables.endpoint, value_of(service, "s3.endpoint_url"), value_of(settings, "endpoint_url")});

  // A pair of keys is taken from one place whole, never half and half.
  if (!variables.access_key_id.empty() || !variables.secret_access_key.empty()) {
    s3.access_key_id = variables.access_key_id;
    s3.secret_access_key = variables.secret_access_key;
    s3.session_token = variables.session_token;
    if (s3.access_key_id.empty() || s3.secret_access_key.empty()) {
      s3.no_credentials_because = "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set";
    }
    return s3;
  }
  for (const Section* place : {keys, settings}) {
    if (value_of(place, "aws_access_key_id").empty()) continue;
    s3.access_key_id = value_of(place, "aws_access_key_id");
    s3.secret_access_key = value_of(place, "aws_secret_access_key");
    s3.session_token = value_of(place, "aws_session_token");
    if (s3.secret_access_key.empty()) {
      s3.no_credentials_because = fmt::format("profile '{}' has an aws_access_key_id without a secret", profile);
    }
    return s3;
  }
  if (const std::string source = foreign_source(settings); !source.empty()) {
    s3.no_credentials_because = fmt::format(
        "profile '{}' gets its credentials by {}, which is not understood here; export them first: "
        "eval \"$(aws configure export-credentials --profile {} --format env)\"",
        profile, source, profile);
  } else if (!variables.profile.empty() && keys == nullptr && settings == nullptr) {
    s3.no_credentials_because = fmt::format("there is no profile '{}' in {} or {}", profile,
                                            variables.credentials_file.string(), variables.config_file.string());
  }
  return s3;
}

storage::S3Settings read_s3_settings(const AwsVariables& variables) {
  std::string problem;
  const AwsFile credentials = read_file(variables.credentials_file, problem);
  const AwsFile config = read_file(variables.config_file, problem);
  storage::S3Settings s3 = make_s3_settings(variables, credentials, config);
  if (!problem.empty() && (s3.access_key_id.empty() || s3.secret_access_key.empty())) {
    s3.no_credentials_because = problem;
  }
  return s3;
}

storage::StorageSettings read_storage_settings(const Environment& environment) {
  storage::StorageSettings settings;
  settings.s3 = read_s3_settings(environment.aws);
  settings.user_agent = environment.hub.user_agent;
  return settings;
}

}  // namespace amanuensis::cli
