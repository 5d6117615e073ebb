#include "server/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "server/service.h"

namespace amanuensis::server {
namespace {

using Labels = prometheus::Labels;

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  in >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code ignored;
  double count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("amanuensis_http_requests_total").Help("Requests served").Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("amanuensis_http_request_seconds")
          .Help("Time from a request's header to the end of its reply")
          .Register(registry);

  // What is measured elsewhere, as it is now.
  void set(const std::string& name, const std::string& help, double value, const Labels& labels = {}) {
    prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels).Set(value);
  }
  // The same for what only grows: moved forward to the present value.
  void grow(const std::string& name, const std::string& help, double value, const Labels& labels = {}) {
    prometheus::Counter& counter = prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
    if (value > counter.Value()) counter.Increment(value - counter.Value());
  }
  void look_at_work(const Service& service);
  void look_at_models(const Service& service);
  void look_at_npu(const std::string& model, const NpuFacts& npu);
};

void Metrics::State::look_at_work(const Service& service) {
  const Performance performance = service.stats.performance();
  set("amanuensis_queue_running", "Recordings being transcribed", static_cast<double>(service.queue.running()));
  set("amanuensis_queue_waiting", "Recordings that wait", static_cast<double>(service.queue.waiting()));
  set("amanuensis_queue_capacity", "Recordings that may wait", static_cast<double>(service.queue.options().capacity));
  grow("amanuensis_audio_seconds_total", "Seconds of audio transcribed", performance.audio_s);
  grow("amanuensis_processing_seconds_total", "Seconds in which something was transcribed", performance.processing_s);
  set("amanuensis_realtime_factor", "Seconds of audio per second of work, since the start",
      performance.realtime_factor);
  set("amanuensis_realtime_factor_recent", "The same, of the last minutes with work",
      performance.realtime_factor_recent);
  const ConnectionCounts connections = service.connections();
  set("amanuensis_connections_open", "Connections open", static_cast<double>(connections.open));
  grow("amanuensis_connections_accepted_total", "Connections accepted", static_cast<double>(connections.accepted));
  grow("amanuensis_connections_refused_total", "Connections closed because there were too many",
       static_cast<double>(connections.refused));
  set("process_resident_memory_bytes", "Memory in use", resident_bytes());
  set("process_open_fds", "Open file descriptors", open_descriptors());
  set("process_start_time_seconds", "When the server started, since 1970",
      std::chrono::duration<double>(service.started.time_since_epoch()).count());
}

void Metrics::State::look_at_models(const Service& service) {
  service.models.for_each_loaded([this](LoadedModel& model) {
    const ModelFacts& facts = model.facts();
    const Labels labels{{"model", facts.id}};
    const pipeline::EngineTimes times = model.engine().times();
    const decoding::Scheduler::Counts counts = model.engine().counts();
    set("amanuensis_model_loaded", "A model in memory; the labels say how it computes", 1,
        {{"model", facts.id},
         {"compute_type", facts.compute_type},
         {"device", facts.device},
         {"kernels", facts.kernels}});
    set("amanuensis_batch_windows_running", "Windows decoded together now", static_cast<double>(counts.running),
        labels);
    set("amanuensis_batch_windows_waiting", "Windows that wait for the batch", static_cast<double>(counts.waiting),
        labels);
    grow("amanuensis_batch_steps_total", "Decoder calls", static_cast<double>(counts.steps), labels);
    grow("amanuensis_batch_rows_total", "Sequences advanced by a token, of all decoder calls",
         static_cast<double>(times.batch.rows), labels);
    grow("amanuensis_windows_encoded_total", "Windows encoded", static_cast<double>(times.batch.windows), labels);
    const std::array<std::pair<const char*, double>, 7> stages{{{"decode_audio", times.decode_s},
                                                                {"voice_activity", times.vad_s},
                                                                {"log_mel", times.mel_s},
                                                                {"encoder", times.batch.encoder_s},
                                                                {"decoder", times.batch.decoder_s},
                                                                {"choosing", times.batch.choosing_s},
                                                                {"word_times", times.batch.finishing_s}}};
    const auto npu = model.npu();
    // An NPU takes the encoder alone.
    const std::string encoder_device = npu && npu->available ? facts.device : "cpu";
    for (const auto& [stage, seconds] : stages) {
      const bool is_encoder = std::string_view(stage) == "encoder";
      grow("amanuensis_stage_seconds_total", "Seconds in each stage; stages overlap", seconds,
           {{"model", facts.id}, {"stage", stage}, {"device", is_encoder ? encoder_device : "cpu"}});
    }
    if (npu) look_at_npu(facts.id, *npu);
  });
}

void Metrics::State::look_at_npu(const std::string& model, const NpuFacts& npu) {
  set("amanuensis_npu_available", "Whether the NPU that a model uses can be reached; the labels say which it is",
      npu.available ? 1 : 0, {{"model", model}, {"name", npu.device}, {"simulated", npu.simulated ? "yes" : "no"}});
  for (const auto& each : npu.operations) {
    const char* help = "Calls of an operation that has a kernel for the NPU, by who did them";
    grow("amanuensis_npu_calls_total", help, static_cast<double>(each.on_npu),
         {{"model", model}, {"operation", each.name}, {"device", "npu"}});
    grow("amanuensis_npu_calls_total", help, static_cast<double>(each.on_npu_single),
         {{"model", model}, {"operation", each.name}, {"device", "npu_single"}});
    grow("amanuensis_npu_calls_total", help, static_cast<double>(each.on_cpu),
         {{"model", model}, {"operation", each.name}, {"device", "cpu"}});
  }
  for (const auto& each : npu.kernels) {
    const Labels labels{{"model", model}, {"kernel", each.name}};
    grow("amanuensis_npu_launches_total", "Launches of a kernel", static_cast<double>(each.launches), labels);
    grow("amanuensis_npu_rows_total", "Rows of a kernel's launches; frames, for log-mel",
         static_cast<double>(each.rows), labels);
    grow("amanuensis_npu_failures_total", "Times a kernel was set aside", static_cast<double>(each.failures), labels);
    grow("amanuensis_npu_kernel_seconds_total", "Seconds from start to end of launches", each.kernel_s, labels);
    grow("amanuensis_npu_transfer_seconds_total", "Seconds of filling, syncing and reading buffers", each.transfer_s,
         labels);
    set("amanuensis_npu_kernel_ready", "Whether a kernel is loaded and has passed its self-test",
        each.state == "ready" ? 1 : 0, labels);
  }
  set("amanuensis_npu_realtime_factor", "Audio that the NPU worked on by the time of its kernels and transfers",
      npu.realtime_factor, {{"model", model}});
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view method, std::string_view route, int status, double elapsed_s) {
  const std::string name = route.empty() ? "none" : std::string(route);
  // A method is whatever a client sends: only those that lead somewhere are told apart.
  const std::string verb = route.empty() ? "other" : std::string(method);
  state_->requests.Add({{"method", verb}, {"route", name}, {"status", std::to_string(status)}}).Increment();
  state_->durations
      .Add({{"route", name}},
           prometheus::Histogram::BucketBoundaries{0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800})
      .Observe(elapsed_s);
}

std::string Metrics::text(const Service& service) {
  state_->look_at_work(service);
  state_->look_at_models(service);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace amanuensis::server
