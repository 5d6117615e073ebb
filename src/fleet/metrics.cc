#include "fleet/metrics.h"

#include <fmt/format.h>
#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <charconv>
#include <exception>
#include <utility>
#include <vector>

#include "base/error.h"

namespace amanuensis::fleet {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Described {
  const char* name;
  const char* help;
  MetricType type;
};

MetricFamily family_of(const Described& what, double value, const WorkerStatus& status) {
  ClientMetric metric;
  metric.label = {{"worker", status.worker}, {"model", status.model}};
  if (what.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  MetricFamily family;
  family.name = what.name;
  family.help = what.help;
  family.type = what.type;
  family.metric = {metric};
  return family;
}

// What is collected is made from the worker's status when somebody asks.
class StatusMetrics : public prometheus::Collectable {
 public:
  explicit StatusMetrics(std::function<WorkerStatus()> status) : status_(std::move(status)) {}

  std::vector<MetricFamily> Collect() const override {
    const WorkerStatus status = status_();
    std::vector<MetricFamily> families;
    const auto counter = [&](const char* name, const char* help, double value) {
      families.push_back(family_of({name, help, MetricType::Counter}, value, status));
    };
    const auto gauge = [&](const char* name, const char* help, double value) {
      families.push_back(family_of({name, help, MetricType::Gauge}, value, status));
    };
    counter("amanuensis_worker_jobs_done_total", "Jobs finished", static_cast<double>(status.jobs_done));
    counter("amanuensis_worker_jobs_failed_total", "Jobs given up for good: dead letters",
            static_cast<double>(status.jobs_failed));
    counter("amanuensis_worker_attempts_failed_total", "Attempts that failed and are made again",
            static_cast<double>(status.attempts_failed));
    counter("amanuensis_worker_given_back_total", "Pieces of work given back unfinished",
            static_cast<double>(status.given_back));
    counter("amanuensis_worker_ranges_done_total", "Ranges of long recordings finished",
            static_cast<double>(status.ranges_done));
    counter("amanuensis_worker_audio_seconds_total", "Audio transcribed", status.audio_done_s);
    counter("amanuensis_worker_busy_seconds_total", "Time in which there was work", status.busy_s);
    counter("amanuensis_worker_reconnects_total", "Times that NATS was found again",
            static_cast<double>(status.reconnects));
    gauge("amanuensis_worker_active", "Pieces of work at the moment", static_cast<double>(status.active.size()));
    gauge("amanuensis_worker_concurrency", "Pieces of work at most", static_cast<double>(status.concurrency));
    gauge("amanuensis_worker_draining", "1 once it takes no more work", status.state == "draining" ? 1 : 0);
    gauge("amanuensis_worker_uptime_seconds", "Since it was started", status.uptime_s);
    return families;
  }

 private:
  std::function<WorkerStatus()> status_;
};

}  // namespace

struct MetricsServer::State {
  State(const std::string& bind, std::function<WorkerStatus()> status)
      : metrics(std::make_shared<StatusMetrics>(std::move(status))), exposer(bind, /*num_threads=*/1) {
    exposer.RegisterCollectable(metrics);
  }
  std::shared_ptr<StatusMetrics> metrics;
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(const std::string& address, std::function<WorkerStatus()> status) {
  const std::size_t colon = address.rfind(':');
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const char* digits = colon == std::string::npos ? end : address.data() + colon + 1;
  const auto [last, problem] = std::from_chars(digits, end, port);
  if (problem != std::errc() || last != end || port > 65535) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("--metrics '{}': must be HOST:PORT", address));
  }
  try {
    state_ = std::make_unique<State>(address, std::move(status));
  } catch (const std::exception&) {
    throw Error(ErrorCode::kIo, fmt::format("--metrics '{}': the address cannot be had; is the port taken?", address));
  }
  const std::vector<int> ports = state_->exposer.GetListeningPorts();
  address_ = fmt::format("http://{}:{}/metrics", address.substr(0, colon), ports.empty() ? 0 : ports.front());
}

MetricsServer::~MetricsServer() = default;

}  // namespace amanuensis::fleet
