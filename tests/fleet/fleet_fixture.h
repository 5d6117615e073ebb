// A fleet of a test's own: a nats-server, a folder for recordings and results, workers in threads that share the demo
// model. Header only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "fleet/fleet.h"
#include "fleet/job_options.h"
#include "fleet/submission.h"
#include "fleet/worker.h"
#include "pipeline/diarize/builtin_embedder.h"
#include "support/cpu_machine.h"
#include "support/demo_model.h"
#include "support/nats_server.h"
#include "support/temp_folder.h"

namespace amanuensis::fleet {

// One engine for everybody: several could not share the model.
class DemoHost : public EngineHost {
 public:
  DemoHost()
      : engine_(std::make_shared<Hosted>(demo_)),
        diarizer_({.detector = nullptr,
                   .embedder = pipeline::make_builtin_embedder(voices_.backend()),
                   .segmenter = nullptr}) {}

  std::shared_ptr<HostedEngine> engine(const std::string& model) override {
    if (model != "demo") throw Error(ErrorCode::kNotFound, "no model '" + model + "'");
    return engine_;
  }
  const pipeline::Diarizer& diarizer() const override { return diarizer_; }

 private:
  struct Hosted : HostedEngine {
    explicit Hosted(test::DemoModel& demo)
        : made({.model = demo.model, .tokenizer = demo.tokenizer, .generation = demo.checkpoint.generation}, {}) {}
    pipeline::Engine& engine() override { return made; }
    pipeline::Engine made;
  };
  test::DemoModel demo_;
  test::CpuMachine voices_{device::ComputeType::kFloat32, 1};
  std::shared_ptr<HostedEngine> engine_;
  pipeline::Diarizer diarizer_;
};

class RunningWorker {
 public:
  RunningWorker(const FleetSettings& settings, EngineHost& host, WorkerOptions options)
      : fleet_(settings), worker_(fleet_, host, std::move(options), [this](const WorkerEvent& event) {
          const std::scoped_lock lock(mutex_);
          events_.push_back(event.what);
        }) {
    thread_ = std::jthread([this](const std::stop_token& stop) { worker_.run(stop); });
  }
  // As SIGTERM; returns when it has ended.
  void end() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  ~RunningWorker() { end(); }
  WorkerStatus status() const { return worker_.status(); }

 private:
  Fleet fleet_;
  std::mutex mutex_;
  std::vector<std::string> events_;
  Worker worker_;
  std::jthread thread_;
};

template <typename Condition>
bool eventually(const Condition& condition, std::chrono::seconds patience = std::chrono::seconds(120)) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < give_up) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return condition();
}

}  // namespace amanuensis::fleet
