#include "model/hub/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <exception>
#include <utility>

namespace amanuensis::model {
namespace {

struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What one running transfer's callbacks share.
struct Transfer {
  HttpResponse response;
  const HttpClient::Sink* sink = nullptr;
  std::size_t max_body_bytes = 0;
  std::stop_token stop;
  std::exception_ptr thrown;  // by the sink: must not cross libcurl's frames
  bool too_large = false;
};

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  HttpResponse& response = transfer.response;
  if (transfer::read_head_line(line, response.status, response.headers)) response.body.clear();
  return line.size();
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t bytes = size * count;
  if (transfer.sink != nullptr && (transfer.response.status == 200 || transfer.response.status == 206)) {
    try {
      (*transfer.sink)(transfer.response, std::as_bytes(std::span(data, bytes)));
    } catch (...) {
      transfer.thrown = std::current_exception();
      return 0;
    }
    return bytes;
  }
  if (transfer.response.body.size() + bytes > transfer.max_body_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(data, bytes);
  return bytes;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(context)->stop.stop_requested() ? 1 : 0;
}

std::string advice(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "; check the proxy variables (HTTPS_PROXY, ALL_PROXY)";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "; check the network, HTTPS_PROXY if you are behind a proxy, or HF_ENDPOINT for a mirror";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "; if a proxy of your organisation re-signs traffic, install its certificate on this system";
    default:
      return "";
  }
}

}  // namespace

std::string HttpResponse::header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found == headers.end() ? std::string() : found->second;
}

struct HttpClient::State {
  explicit State(HttpSettings s) : settings(std::move(s)) {
    transfer::initialise_curl();
    handle.reset(curl_easy_init());
    if (!handle) throw Error(ErrorCode::kInternal, "libcurl could not be initialised");
  }

  HttpResponse perform(const std::string& url, Transfer& transfer);

  struct Cleanup {
    void operator()(CURL* c) const { curl_easy_cleanup(c); }
  };
  HttpSettings settings;
  std::unique_ptr<CURL, Cleanup> handle;
  std::array<char, CURL_ERROR_SIZE> error_text{};
};

// The caller has set what is particular to its request; this sets the rest and runs it.
HttpResponse HttpClient::State::perform(const std::string& url, Transfer& transfer) {
  CURL* curl = handle.get();
  const std::unique_ptr<curl_slist, SlistFree> headers(
      settings.token.empty() ? nullptr
                             : curl_slist_append(nullptr, ("Authorization: Bearer " + settings.token).c_str()));
  error_text[0] = '\0';
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, settings.user_agent.c_str());
  // libcurl drops a custom Authorization header when a redirect leaves the host (or its port or scheme), and HEADEROPT
  // keeps it from a proxy.
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 0L);
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  const bool secure = url.starts_with("https:");
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (transfer.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
  if (transfer.too_large) {
    throw TransferError(fmt::format("{}: the answer is too large to be a hub's", url_origin(url)), false);
  }
  if (code != CURLE_OK) {
    const char* detail = error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code);
    throw TransferError(fmt::format("{}: {}{}", url_origin(url), transfer::trimmed(detail), advice(code)),
                        transfer::is_transient(code));
  }
  return std::move(transfer.response);
}

HttpClient::HttpClient(HttpSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
HttpClient::~HttpClient() = default;

HttpResponse HttpClient::get(const std::string& url, std::size_t max_bytes, std::stop_token stop) {
  CURL* curl = state_->handle.get();
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  Transfer transfer;
  transfer.max_body_bytes = max_bytes;
  transfer.stop = std::move(stop);
  return state_->perform(url, transfer);
}

HttpResponse HttpClient::head(const std::string& url, std::stop_token stop) {
  CURL* curl = state_->handle.get();
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  Transfer transfer;
  transfer.stop = std::move(stop);
  return state_->perform(url, transfer);
}

HttpResponse HttpClient::download(const std::string& url, std::uint64_t first_byte, const Sink& sink,
                                  std::stop_token stop) {
  CURL* curl = state_->handle.get();
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024L);
  const std::string range = fmt::format("{}-", first_byte);
  if (first_byte > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  Transfer transfer;
  transfer.sink = &sink;
  transfer.max_body_bytes = 64 * 1024;
  transfer.stop = std::move(stop);
  return state_->perform(url, transfer);
}

std::string url_encode(std::string_view text, bool keep_slash) {
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

std::string url_origin(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url.substr(0, url.find('/')));
  const std::size_t host = scheme + 3;
  std::string_view authority = url.substr(host, url.find('/', host) - host);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  return std::string(url.substr(0, host)) + std::string(authority);
}

}  // namespace amanuensis::model
