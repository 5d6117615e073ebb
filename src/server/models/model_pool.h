// The models in memory: read when they are first asked for, kept while they are used and for some time after, the least
// recently used first to go when there are too many. Belongs to the loop's thread; reading and freeing happen on a
// thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/http/loop.h"
#include "server/http/task.h"
#include "server/http/worker.h"
#include "server/models/model_host.h"

namespace amanuensis::server {

struct ModelPoolOptions {
  std::string default_model;                   // an installed model's id
  std::map<std::string, std::string> aliases;  // a name people use -> an installed model's id, or empty: the default
  std::size_t max_loaded = 2;
  std::chrono::seconds keep_alive{300};  // a model that nobody uses is freed after that; 0: never
  bool keep_default = true;              // the default model is never freed
};

// Use of a model; it stays in memory as long as the lease exists.
class ModelLease {
 public:
  explicit ModelLease(std::shared_ptr<LoadedModel> model) : model_(std::move(model)) {}
  LoadedModel& model() const { return *model_; }

 private:
  std::shared_ptr<LoadedModel> model_;
};

class ModelPool {
 public:
  ModelPool(Loop& loop, ModelHost& host, ModelPoolOptions options);
  // Nobody may hold a lease any more.
  ~ModelPool();

  // The installed model that a client means by `name` (an id, an alias; empty: the default). Names of files or folders
  // mean nothing here. Throws HttpError 404 "model_not_found" with the names there are.
  std::string resolve(const std::string& name) const;
  // As of the last refresh().
  const std::vector<InstalledModel>& installed() const { return installed_; }
  Task<void> refresh();

  // Throws Error when the model cannot be read.
  Task<ModelLease> acquire(std::string id);
  // The same for a client's request: a model that cannot be read is the server's fault. Throws HttpError 500.
  Task<ModelLease> acquire_for_client(std::string id);
  // Told why a model could not be read for a client.
  std::function<void(const std::string& id, const std::string& why)> on_failure;
  // Of the models in memory; the most recently used first.
  std::vector<ModelFacts> loaded() const;
  // Calls `look` with each model in memory.
  void for_each_loaded(const std::function<void(LoadedModel&)>& look) const;
  bool is_loaded(const std::string& id) const;
  const ModelPoolOptions& options() const { return options_; }
  ModelHost& host() { return host_; }

 private:
  struct Entry;

  void make_room(const std::string& for_id);
  void free(const std::string& id);
  void free_idle();

  Loop& loop_;
  ModelHost& host_;
  const ModelPoolOptions options_;
  std::vector<InstalledModel> installed_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::unique_ptr<Timer> tick_;
  Worker worker_;
};

}  // namespace amanuensis::server
