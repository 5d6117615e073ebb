#include "server/log/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

namespace amanuensis::server {
namespace {

class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const char* at = line.data();
    std::size_t left = line.size();
    while (left > 0) {
      const ssize_t written = ::write(descriptor_, at, left);
      if (written <= 0) return;  // nobody reads the log: the server goes on
      at += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  void flush_() override {}

 private:
  int descriptor_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || static_cast<unsigned char>(c) >= 127)
      return false;
  }
  return !text.empty();
}

}  // namespace

struct Log::State {
  State(int descriptor, bool as_json)
      : json(as_json), logger("amanuensis", std::make_shared<DescriptorSink>(descriptor)) {
    logger.set_pattern(json ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  }
  bool json;
  spdlog::logger logger;
};

Log::Log(int descriptor, bool json) : state_(std::make_unique<State>(descriptor, json)) {}
Log::~Log() = default;

void Log::set_level(LogLevel level) { state_->logger.set_level(to_spdlog(level)); }

void Log::write(LogLevel level, std::string_view event, const LogFields& fields) {
  const auto as = to_spdlog(level);
  if (!state_->logger.should_log(as)) return;
  std::string line;
  if (state_->json) {
    const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    line = fmt::format("{{\"time\": {:.3f}, \"level\": \"{}\", \"event\": {}", now, spdlog::level::to_string_view(as),
                       json_text(event));
    for (const auto& [name, value] : fields) line += fmt::format(", {}: {}", json_text(name), json_text(value));
    line += '}';
  } else {
    line = event;
    for (const auto& [name, value] : fields)
      line += fmt::format(" {}={}", name, is_plain(value) ? value : json_text(value));
  }
  state_->logger.log(as, line);
}

}  // namespace amanuensis::server
