#include "cli/aws_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/environment.h"
#include "storage/object_store.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AwsVariables variables_of(const std::map<std::string, std::string>& variables) {
  return make_environment(
             [&](const std::string& name) -> std::optional<std::string> {
               const auto found = variables.find(name);
               if (found == variables.end()) return std::nullopt;
               return found->second;
             },
             "/x/bin/amanuensis")
      .aws;
}

constexpr const char* kCredentials = R"(
# a comment
[default]
aws_access_key_id = AKIDEFAULT
aws_secret_access_key=sec=ret#1

[work]
AWS_ACCESS_KEY_ID = AKIWORK
aws_secret_access_key = work
aws_session_token = token==
)";
constexpr const char* kConfig = R"([default]
region = eu-central-1
[profile  work]
region = us-west-2
services = own
s3 =
    max_concurrent_requests = 20
    addressing_style = path
endpoint_url = https://everything.example
[services own]
s3 =
  endpoint_url = https://minio.example:9000
dynamodb =
  endpoint_url = https://wrong.example
[profile sso]
sso_session = company
[profile half]
aws_access_key_id = AKIHALF
)";

storage::S3Settings settings_of(const std::map<std::string, std::string>& variables) {
  return make_s3_settings(variables_of(variables), parse_aws_file(kCredentials), parse_aws_file(kConfig));
}

TEST(AwsSettings, DefaultProfile) {
  const storage::S3Settings s3 = settings_of({});
  EXPECT_EQ(s3.access_key_id, "AKIDEFAULT");
  EXPECT_EQ(s3.secret_access_key, "sec=ret#1");
  EXPECT_EQ(s3.session_token, "");
  EXPECT_EQ(s3.region, "eu-central-1");
  EXPECT_EQ(s3.endpoint, "");
  EXPECT_FALSE(s3.anonymous);
}

TEST(AwsSettings, NamedProfileWithAServiceOfItsOwn) {
  const storage::S3Settings s3 = settings_of({{"AWS_PROFILE", "work"}});
  EXPECT_EQ(s3.access_key_id, "AKIWORK");
  EXPECT_EQ(s3.session_token, "token==");
  EXPECT_EQ(s3.region, "us-west-2");
  EXPECT_EQ(s3.endpoint, "https://minio.example:9000");
}

TEST(AwsSettings, VariablesGoFirst) {
  const storage::S3Settings s3 = settings_of({{"AWS_PROFILE", "work"},
                                              {"AWS_ACCESS_KEY_ID", "AKIVARIABLE\n"},
                                              {"AWS_SECRET_ACCESS_KEY", "variable"},
                                              {"AWS_DEFAULT_REGION", "eu-west-1"},
                                              {"AWS_ENDPOINT_URL", "https://r2.example"}});
  EXPECT_EQ(s3.access_key_id, "AKIVARIABLE");
  EXPECT_EQ(s3.session_token, "") << "the profile's token belongs to the profile's keys";
  EXPECT_EQ(s3.region, "eu-west-1");
  EXPECT_EQ(s3.endpoint, "https://r2.example");
  const storage::S3Settings more = settings_of({{"AWS_REGION", "eu-north-1"},
                                                {"AWS_DEFAULT_REGION", "eu-west-1"},
                                                {"AWS_ENDPOINT_URL", "https://all.example"},
                                                {"AWS_ENDPOINT_URL_S3", "https://s3.example"},
                                                {"AWS_NO_SIGN_REQUEST", "yes"}});
  EXPECT_EQ(more.region, "eu-north-1");
  EXPECT_EQ(more.endpoint, "https://s3.example");
  EXPECT_TRUE(more.anonymous);
}

TEST(AwsSettings, WithoutAnythingThereIsAUsualRegionAndNoKey) {
  const storage::S3Settings s3 = make_s3_settings({}, {}, {});
  EXPECT_EQ(s3.region, "us-east-1");
  EXPECT_EQ(s3.access_key_id, "");
}

TEST(AwsSettings, WhatIsMissingIsSaidWhenItIsNeeded) {
  const auto failure = [](const std::map<std::string, std::string>& variables) {
    storage::StorageSettings settings;
    settings.s3 = settings_of(variables);
    return error_of([&] { storage::open_store("s3://calls", settings); }).message;
  };
  EXPECT_THAT(
      failure({{"AWS_PROFILE", "wrk"}, {"HOME", "/h"}}),
      AllOf(HasSubstr("s3://calls: no credentials: there is no profile 'wrk'"), HasSubstr("/h/.aws/credentials")));
  EXPECT_THAT(failure({{"AWS_PROFILE", "sso"}}), AllOf(HasSubstr("sso_session"), HasSubstr("export-credentials")));
  EXPECT_THAT(failure({{"AWS_PROFILE", "half"}}), HasSubstr("without a secret"));
  EXPECT_THAT(failure({{"AWS_ACCESS_KEY_ID", "AKI"}}), HasSubstr("only one of AWS_ACCESS_KEY_ID"));
  EXPECT_EQ(failure({}), "");
}

TEST(AwsSettings, FilesAreFoundByVariablesOrAtHome) {
  const test::TempFolder home;
  home.write(".aws/credentials", kCredentials);
  home.write("elsewhere", "[default]\r\naws_access_key_id = AKIELSEWHERE\r\naws_secret_access_key = x\r\n");
  EXPECT_EQ(read_s3_settings(variables_of({{"HOME", home.path()}})).access_key_id, "AKIDEFAULT");
  const auto elsewhere =
      read_s3_settings(variables_of({{"HOME", home.path()}, {"AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere"}}));
  EXPECT_EQ(elsewhere.access_key_id, "AKIELSEWHERE");
  EXPECT_EQ(elsewhere.secret_access_key, "x");
  EXPECT_EQ(read_s3_settings(variables_of({{"HOME", "/nonexistent"}})).access_key_id, "");
  EXPECT_EQ(read_s3_settings(variables_of({})).access_key_id, "");
}

TEST(AwsSettings, ABrokenFileIsNamedWithItsLineAndWithoutItsSecrets) {
  const test::TempFolder home;
  home.write(".aws/credentials", "[default]\naws_secret_access_key hidden\n");
  const storage::S3Settings s3 = read_s3_settings(variables_of({{"HOME", home.path()}}));
  EXPECT_THAT(s3.no_credentials_because, AllOf(HasSubstr("credentials: line 2"), Not(HasSubstr("hidden"))));
  for (const char* text : {"name = value", "[open\n", "[a]\nword\n"}) {
    EXPECT_EQ(error_of([&] { parse_aws_file(text); }).code, ErrorCode::kBadData) << text;
  }
  EXPECT_TRUE(parse_aws_file("\xEF\xBB\xBF[default]\n").contains("default"));
  EXPECT_TRUE(parse_aws_file("").empty());
}

}  // namespace
}  // namespace amanuensis::cli
