#include "server/net/outbound.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/public_address.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

constexpr long kMostRedirects = 5;
constexpr long kConnectS = 15;
constexpr long kStalledS = 30;
constexpr long kPostS = 20;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct CurlText {
  ~CurlText() { curl_free(text); }
  char* text = nullptr;
};

// What one transfer's callbacks share.
struct Transfer {
  bool allow_private = false;
  bool refused = false;
  int file = -1;
  std::uint64_t written = 0;
  std::uint64_t max_bytes = 0;
  bool too_large = false;
  int write_error = 0;
  std::stop_token stop;
};

curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!transfer.allow_private && !is_public_address(address->addr, address->addrlen)) {
    transfer.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t write_body(const char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::size_t left = size * count;
  transfer.written += left;
  if (transfer.written > transfer.max_bytes) {
    transfer.too_large = true;
    return 0;
  }
  while (transfer.file >= 0 && left > 0) {
    const ssize_t written = ::write(transfer.file, data, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      transfer.write_error = errno;
      return 0;
    }
    data += written;
    left -= static_cast<std::size_t>(written);
  }
  return size * count;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(context)->stop.stop_requested() ? 1 : 0;
}

std::unique_ptr<CURL, CurlFree> make_handle(const OutboundOptions& options, const std::string& url,
                                            Transfer& transfer) {
  std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
  if (!handle) throw Error(ErrorCode::kInternal, "libcurl could not be initialised");
  CURL* curl = handle.get();
  transfer.allow_private = options.allow_private;
  transfer.stop = options.stop;
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // A proxy would be asked to go where we would not.
  if (!options.allow_private) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectS);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledS);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  return handle;
}

HttpError unreachable(const std::string& why) {
  return HttpError({.status = 400, .message = "url: " + why, .code = "url_unreachable", .param = "url"});
}

[[noreturn]] void throw_failure(const Transfer& transfer, CURLcode code) {
  if (transfer.refused) {
    throw HttpError({.status = 400,
                     .message = "url: leads to an address that is not public; this server does not fetch from there",
                     .code = "url_refused",
                     .param = "url"});
  }
  if (transfer.too_large) {
    throw HttpError({.status = 413,
                     .message = fmt::format("url: the recording is larger than {} bytes", transfer.max_bytes),
                     .code = "body_too_large",
                     .param = "url"});
  }
  if (transfer.write_error == ENOSPC || transfer.write_error == EDQUOT) {
    throw Error(ErrorCode::kResourceExhausted, "the server's disk is full; the recording was not fetched");
  }
  throw unreachable(curl_easy_strerror(code));
}

}  // namespace

std::string check_url(const std::string& field, const std::string& url) {
  const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
  const auto refuse = [&](const std::string& why) { return bad_field(field, fmt::format("{} {}", field, why)); };
  if (url.size() > 4096) throw refuse("is longer than 4096 characters");
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    throw refuse(fmt::format("'{}' is no address", url.substr(0, 100)));
  }
  CurlText scheme;
  curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme.text, 0);
  if (scheme.text == nullptr || (std::string_view(scheme.text) != "http" && std::string_view(scheme.text) != "https")) {
    throw refuse(fmt::format("'{}' begins with neither http:// nor https://", url.substr(0, 100)));
  }
  CurlText path;
  curl_url_get(parsed.get(), CURLUPART_PATH, &path.text, CURLU_URLDECODE);
  std::string name = path.text == nullptr ? "" : path.text;
  name.erase(0, name.find_last_of('/') + 1);
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 127; });
  return name.empty() ? "recording" : name.substr(0, 255);
}

Fetched fetch_recording(const OutboundOptions& options, const std::string& url, const std::filesystem::path& folder,
                        const std::string& stem) {
  Fetched fetched;
  fetched.name = check_url("url", url);
  fetched.file = stem;
  Transfer transfer;
  transfer.max_bytes = options.max_bytes;
  const auto handle = make_handle(options, url, transfer);
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  const std::filesystem::path path = folder / stem;
  transfer.file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (transfer.file < 0) throw Error(ErrorCode::kIo, "a recording cannot be written");
  const CURLcode code = curl_easy_perform(curl);
  const bool on_disk = fsync(transfer.file) == 0;
  ::close(transfer.file);
  if (code != CURLE_OK || !on_disk) {
    ::unlink(path.c_str());
    if (code == CURLE_HTTP_RETURNED_ERROR) {
      long status = 0;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      throw unreachable(fmt::format("the address answers with status {}", status));
    }
    if (code == CURLE_OK) throw Error(ErrorCode::kIo, "a recording cannot be written to disk");
    throw_failure(transfer, code);
  }
  fetched.size_bytes = transfer.written;
  return fetched;
}

int post_json(const OutboundOptions& options, const std::string& url, const std::string& json,
              const std::map<std::string, std::string>& headers) {
  Transfer transfer;
  transfer.max_bytes = 1 << 20;
  const auto handle = make_handle(options, url, transfer);
  CURL* curl = handle.get();
  std::unique_ptr<curl_slist, SlistFree> list(curl_slist_append(nullptr, "Content-Type: application/json"));
  for (const auto& [name, value] : headers) curl_slist_append(list.get(), fmt::format("{}: {}", name, value).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kPostS);
  if (curl_easy_perform(curl) != CURLE_OK) return 0;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace amanuensis::server
