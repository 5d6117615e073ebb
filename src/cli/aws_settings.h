// How S3 is reached and as whom, found where AWS's own tools find it: variables, then the profile's section of
// ~/.aws/credentials and ~/.aws/config. Free functions.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "storage/settings.h"

namespace amanuensis::cli {

struct Environment;

// What the variables say; empty where one is not set.
struct AwsVariables {
  std::string access_key_id;               // AWS_ACCESS_KEY_ID
  std::string secret_access_key;           // AWS_SECRET_ACCESS_KEY
  std::string session_token;               // AWS_SESSION_TOKEN
  std::string profile;                     // AWS_PROFILE
  std::string region;                      // AWS_REGION, else AWS_DEFAULT_REGION
  std::string endpoint;                    // AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL
  bool anonymous = false;                  // AWS_NO_SIGN_REQUEST: public buckets, read without credentials
  std::filesystem::path credentials_file;  // AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials
  std::filesystem::path config_file;       // AWS_CONFIG_FILE, else ~/.aws/config
};

// One of AWS's files: sections by name ("default", "profile work"), in them values by lower-case name. An indented line
// below a name without a value belongs to it: "s3.endpoint_url". Throws Error{kBadData} naming the line.
using AwsFile = std::map<std::string, std::map<std::string, std::string>>;
AwsFile parse_aws_file(std::string_view text);

// Variables before files, the credentials file before the other. What is missing or wrong is an error only for those
// who then ask S3; it stands in `no_credentials_because`.
storage::S3Settings make_s3_settings(const AwsVariables& variables, const AwsFile& credentials, const AwsFile& config);

// As above, with the files that the variables name; one that is not there is empty.
storage::S3Settings read_s3_settings(const AwsVariables& variables);

// For every kind of storage. Reads the files.
storage::StorageSettings read_storage_settings(const Environment& environment);

}  // namespace amanuensis::cli
