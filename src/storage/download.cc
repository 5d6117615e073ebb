#include "storage/download.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "storage/hashing.h"
#include "storage/retry.h"
#include "storage/s3/answers.h"

namespace amanuensis::storage {
namespace {

std::optional<std::uint64_t> parsed_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "bytes 100-199/1000": where a part begins and how large the whole is.
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> total;
};
ContentRange content_range(const HttpAnswer& answer) {
  const std::string text = answer.header("content-range");
  if (!text.starts_with("bytes ")) return {};
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string::npos || slash == std::string::npos || dash > slash) return {};
  return {.first = parsed_number(std::string_view(text).substr(6, dash - 6)),
          .total = parsed_number(std::string_view(text).substr(slash + 1))};
}

// What one download knows of its object and how far it is.
class Download {
 public:
  Download(const DownloadSource& source, const DownloadTarget& target, const TransferOptions& options)
      : source_(source), target_(target), options_(options) {}

  // One request. True when the object is complete; otherwise problem() says why not.
  bool ask() {
    bool first_piece = true;
    const HttpAnswer answer = source_.ask(got_, etag_, [&](const HttpAnswer& so_far, std::span<const std::byte> piece) {
      if (first_piece) begin_part(so_far);
      first_piece = false;
      take(piece);
    });
    server_wait_ = retry_after(answer);
    if (answer.status == 200 || answer.status == 206) {
      if (first_piece) begin_part(answer);  // an empty object
      if (!total_ || got_ == *total_) return true;
      problem_ = fmt::format("only {} of {} bytes came", got_, *total_);
      return false;
    }
    if (got_ > 0 && (answer.status == 412 || answer.status == 416)) {
      problem_ = "the object changed while it was read";
      restart();
      return false;
    }
    if (!is_transient_answer(answer.status, parse_problem(answer.body).code)) throw source_.explain(answer);
    problem_ = fmt::format("HTTP status {}", answer.status);
    last_answer_ = answer;
    return false;
  }

  void failed(const TransferError& error) {
    problem_ = error.what();
    last_answer_.reset();
    server_wait_ = std::chrono::seconds(0);
  }

  void check() {
    const auto md5 = md5_.hex_digest();
    if (!etag_is_md5_ || !md5 || *md5 == etag_) return;
    throw Error(ErrorCode::kBadData, fmt::format("{}: what arrived has the checksum {}, but the storage says {}; try "
                                                 "again, and check the network if it stays",
                                                 source_.address, *md5, etag_));
  }

  std::uint64_t got() const { return got_; }
  const std::string& etag() const { return etag_; }
  const std::string& problem() const { return problem_; }
  const std::optional<HttpAnswer>& last_answer() const { return last_answer_; }
  std::chrono::seconds server_wait() const { return server_wait_; }

 private:
  // A whole object or the rest of one begins to arrive.
  void begin_part(const HttpAnswer& answer) {
    const ContentRange range = content_range(answer);
    if (got_ > 0 && (answer.status != 206 || source_.etag_of(answer) != etag_)) restart();
    if (answer.status == 206 && range.first.value_or(got_) != got_) {
      throw TransferError("the server sent another part than was asked for", false);
    }
    etag_ = source_.etag_of(answer);
    etag_is_md5_ = source_.etag_is_md5(answer);
    if (answer.status == 206) {
      total_ = range.total;
    } else if (answer.header("content-encoding").empty()) {
      total_ = parsed_number(answer.header("content-length"));
    }
    if (total_.value_or(0) > source_.max_bytes) throw_too_large();
  }

  void take(std::span<const std::byte> piece) {
    if (got_ + piece.size() > source_.max_bytes) throw_too_large();
    target_.take(piece);
    md5_.update(piece);
    got_ += piece.size();
    if (options_.on_bytes) options_.on_bytes(got_);
  }

  void restart() {
    target_.restart();
    md5_.restart();
    got_ = 0;
    etag_.clear();
    total_.reset();
    if (options_.on_bytes) options_.on_bytes(0);
  }

  [[noreturn]] void throw_too_large() const {
    throw Error(ErrorCode::kBadData, fmt::format("{}: is larger than {} bytes, the most that is read here",
                                                 source_.address, source_.max_bytes));
  }

  const DownloadSource& source_;
  const DownloadTarget& target_;
  const TransferOptions& options_;
  Md5 md5_;
  std::uint64_t got_ = 0;
  std::string etag_;
  bool etag_is_md5_ = false;
  std::optional<std::uint64_t> total_;
  std::string problem_;
  std::optional<HttpAnswer> last_answer_;
  std::chrono::seconds server_wait_{0};
};

}  // namespace

DownloadTarget into(std::string& bytes) {
  return {.restart = [&bytes] { bytes.clear(); },
          .take =
              [&bytes](std::span<const std::byte> piece) {
                bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
              }};
}

DownloadTarget into(WholeFile& file) {
  return {.restart = [&file] { file.clear(); },
          .take = [&file](std::span<const std::byte> piece) { file.write(piece); }};
}

ObjectInfo download_object(const DownloadSource& source, const DownloadTarget& target, const StorageSettings& settings,
                           const TransferOptions& options) {
  Download download(source, target, options);
  Retry retry(settings, options.stop);
  while (true) {
    const std::uint64_t before = download.got();
    try {
      if (download.ask()) break;
    } catch (const TransferError& error) {
      if (!error.transient()) {
        throw Error(ErrorCode::kNetwork, fmt::format("{}: {}", source.address, error.what()));
      }
      download.failed(error);
    }
    if (download.got() > before) retry.progressed();
    if (!retry.again(download.server_wait())) {
      if (download.last_answer()) throw source.explain(*download.last_answer());
      throw Error(ErrorCode::kNetwork,
                  fmt::format("{}: {}; gave up after {} tries", source.address, download.problem(), retry.failures()));
    }
  }
  download.check();
  return {.key = {}, .size_bytes = download.got(), .etag = download.etag()};
}

}  // namespace amanuensis::storage
