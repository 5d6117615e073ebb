#include "storage/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "base/public_address.h"
#include "storage/address.h"
#include "transfer/curl.h"

namespace amanuensis::storage {
namespace {

constexpr long kMostRedirects = 5;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlFree>;

// What one running transfer's callbacks share.
struct Transfer {
  explicit Transfer(const HttpRequest& r, const std::stop_token& s) : request(r), stop(s), unsent(r.body) {}

  const HttpRequest& request;
  const std::stop_token& stop;
  std::string_view unsent;
  HttpAnswer answer;
  std::exception_ptr thrown;  // by the caller's functions: must not cross libcurl's frames
  bool too_large = false;
  bool refused = false;
};

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  HttpAnswer& answer = transfer.answer;
  if (transfer::read_head_line(line, answer.status, answer.headers)) answer.body.clear();
  return line.size();
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t bytes = size * count;
  HttpAnswer& answer = transfer.answer;
  if (transfer.request.sink && (answer.status == 200 || answer.status == 206)) {
    try {
      transfer.request.sink(answer, std::as_bytes(std::span(data, bytes)));
    } catch (...) {
      transfer.thrown = std::current_exception();
      return 0;
    }
    return bytes;
  }
  if (answer.body.size() + bytes > transfer.request.max_answer_bytes) {
    transfer.too_large = true;
    return 0;
  }
  answer.body.append(data, bytes);
  return bytes;
}

std::size_t on_upload(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t bytes = std::min(size * count, transfer.unsent.size());
  if (bytes > 0) std::memcpy(data, transfer.unsent.data(), bytes);
  transfer.unsent.remove_prefix(bytes);
  if (!transfer.request.on_sent) return bytes;
  try {
    transfer.request.on_sent(transfer.request.body.size() - transfer.unsent.size());
  } catch (...) {
    transfer.thrown = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
  return bytes;
}

// A connection that was kept may turn out to be closed; libcurl then sends the body once more.
int on_seek(void* context, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > transfer.request.body.size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.unsent = transfer.request.body.substr(static_cast<std::size_t>(offset));
  return CURL_SEEKFUNC_OK;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(context)->stop.stop_requested() ? 1 : 0;
}

curl_socket_t open_public_socket(void* context, curlsocktype, curl_sockaddr* address) {
  if (!is_public_address(address->addr, address->addrlen)) {
    static_cast<Transfer*>(context)->refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::string advice(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "; check the proxy variables (HTTPS_PROXY, ALL_PROXY)";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "; check the address and the network, or HTTPS_PROXY if you are behind a proxy";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "; its certificate is not one that this system trusts";
    default:
      return "";
  }
}

void set_method(CURL* curl, Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &on_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024L);
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void set_limits(CURL* curl, const StorageSettings& settings, Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  const bool secure = request.url.starts_with("https:");
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  // libcurl counts whole seconds.
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   std::max(1L, static_cast<long>(settings.stall_timeout.count() / 1000)));
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  if (request.public_only) {
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_public_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
  }
}

}  // namespace

std::string HttpAnswer::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

struct HttpClient::Pool {
  explicit Pool(const StorageSettings& s) : settings(s) {}

  Handle take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) {
      Handle made(curl_easy_init());
      if (!made) throw Error(ErrorCode::kInternal, "libcurl could not be initialised");
      return made;
    }
    Handle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }
  void give_back(Handle handle) {
    curl_easy_reset(handle.get());  // keeps its connections
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }

  StorageSettings settings;
  std::mutex mutex;
  std::vector<Handle> idle;
};

HttpClient::HttpClient(const StorageSettings& settings) {
  transfer::initialise_curl();
  pool_ = std::make_unique<Pool>(settings);
}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::send(const HttpRequest& request, const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
  Handle handle = pool_->take();
  CURL* curl = handle.get();
  Transfer transfer(request, stop);
  std::array<char, CURL_ERROR_SIZE> error_text{};
  // No body waits for the server's consent: our bodies are small enough to be sent twice.
  std::unique_ptr<curl_slist, SlistFree> headers(curl_slist_append(nullptr, "Expect:"));
  for (const std::string& header : request.headers) curl_slist_append(headers.get(), header.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // a key may hold "/../"
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, pool_->settings.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024L);
  set_method(curl, transfer);
  set_limits(curl, pool_->settings, transfer);

  const CURLcode code = curl_easy_perform(curl);
  pool_->give_back(std::move(handle));
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
  if (transfer.refused) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: leads to an address that is not public; --allow-private-urls lifts that, if it is meant",
                    without_secrets(request.url)));
  }
  if (transfer.too_large) {
    throw TransferError(fmt::format("the answer is larger than {} bytes", request.max_answer_bytes), false);
  }
  if (code != CURLE_OK) {
    const char* detail = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
    throw TransferError(fmt::format("{}{}", transfer::trimmed(detail), advice(code)), transfer::is_transient(code));
  }
  return std::move(transfer.answer);
}

std::string percent_encoded(std::string_view text, bool keep_slash) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~');
    if (plain || (keep_slash && c == '/')) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace amanuensis::storage
