#include "storage/hashing.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.h"

namespace amanuensis::storage {
namespace {

constexpr std::size_t kSha256Bytes = 32;

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

[[noreturn]] void throw_failed() { throw Error(ErrorCode::kInternal, "OpenSSL could not compute a SHA-256"); }

}  // namespace

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<char, kSha256Bytes> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(),
                 nullptr) != 1) {
    throw_failed();
  }
  return hex(std::string_view(digest.data(), digest.size()));
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::array<char, kSha256Bytes> digest{};
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(),
           reinterpret_cast<unsigned char*>(digest.data()), nullptr) == nullptr) {
    throw_failed();
  }
  return {digest.data(), digest.size()};
}

struct Md5::State {
  std::unique_ptr<EVP_MD_CTX, ContextFree> context{EVP_MD_CTX_new()};
  bool works = false;
};

Md5::Md5() : state_(std::make_unique<State>()) { restart(); }
Md5::~Md5() = default;

void Md5::restart() {
  state_->works = state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_md5(), nullptr) == 1;
}

void Md5::update(std::span<const std::byte> bytes) {
  if (state_->works) state_->works = EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1;
}

std::optional<std::string> Md5::hex_digest() {
  std::array<char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (!state_->works ||
      EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(digest.data()), &length) != 1) {
    return std::nullopt;
  }
  return hex(std::string_view(digest.data(), length));
}

}  // namespace amanuensis::storage
