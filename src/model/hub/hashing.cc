#include "model/hub/hashing.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"

namespace amanuensis::model {
namespace {

std::string hash_file(const std::filesystem::path& path, const EVP_MD* algorithm, bool git_header,
                      const std::stop_token& stop) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto check = [&](int ok) {
    if (ok != 1)
      throw Error(ErrorCode::kInternal, fmt::format("{}: OpenSSL could not compute its hash", path.string()));
  };
  check(context ? EVP_DigestInit_ex(context.get(), algorithm, nullptr) : 0);
  if (git_header) {
    const std::string header = fmt::format("blob {}", bytes.size());
    check(EVP_DigestUpdate(context.get(), header.c_str(), header.size() + 1));  // with its terminating zero
  }
  // In pieces, so that a cancelled pull of many gigabytes ends at once.
  constexpr std::size_t kPieceBytes = std::size_t{4} << 20U;
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
    const auto piece = bytes.subspan(at, std::min(kPieceBytes, bytes.size() - at));
    check(EVP_DigestUpdate(context.get(), piece.data(), piece.size()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  check(EVP_DigestFinal_ex(context.get(), digest.data(), &length));
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop) {
  return hash_file(path, EVP_sha256(), false, stop);
}

std::string git_blob_sha1_of_file(const std::filesystem::path& path, const std::stop_token& stop) {
  return hash_file(path, EVP_sha1(), true, stop);
}

}  // namespace amanuensis::model
