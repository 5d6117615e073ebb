#include "server/models/model_pool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/nearest_name.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

struct ModelPool::Entry {
  std::shared_ptr<LoadedModel> model;  // null while it is being read
  std::exception_ptr error;
  Clock::time_point last_used = Clock::now();
  std::vector<Async<bool>::Resolve> waiting;
};

ModelPool::ModelPool(Loop& loop, ModelHost& host, ModelPoolOptions options)
    : loop_(loop), host_(host), options_(std::move(options)), installed_(host.installed()), worker_(loop, 1) {
  free_idle();
}

ModelPool::~ModelPool() = default;

std::string ModelPool::resolve(const std::string& name) const {
  std::string wanted = name.empty() ? options_.default_model : name;
  if (const auto alias = options_.aliases.find(wanted); alias != options_.aliases.end()) {
    wanted = alias->second.empty() ? options_.default_model : alias->second;
  }
  std::vector<std::string_view> names;
  for (const InstalledModel& model : installed_) {
    if (model.id == wanted) return wanted;
    names.push_back(model.id);
  }
  std::string shown = wanted.substr(0, 100);
  throw HttpError({.status = 404,
                   .message = fmt::format("The model '{}' does not exist on this server{}; it has: {}", shown,
                                          did_you_mean(shown, names), fmt::join(names, ", ")),
                   .code = "model_not_found",
                   .param = "model"});
}

Task<void> ModelPool::refresh() {
  const auto look = [this] { return host_.installed(); };
  installed_ = co_await worker_.run(look);
}

Task<ModelLease> ModelPool::acquire(std::string id) {
  auto found = entries_.find(id);
  if (found == entries_.end()) {
    make_room(id);
    const auto entry = std::make_shared<Entry>();
    entries_.emplace(id, entry);
    const auto load = [this, id] { return std::shared_ptr<LoadedModel>(host_.load(id)); };
    try {
      entry->model = co_await worker_.run(load);
    } catch (...) {
      entry->error = std::current_exception();
    }
    if (entry->error) entries_.erase(id);
    for (const auto& resolve : std::exchange(entry->waiting, {})) resolve(true);
    if (entry->error) std::rethrow_exception(entry->error);
    entry->last_used = Clock::now();
    co_return ModelLease(entry->model);
  }
  const std::shared_ptr<Entry> entry = found->second;
  if (!entry->model) {
    Async<bool> loaded([entry](Async<bool>::Resolve resolve) { entry->waiting.push_back(std::move(resolve)); });
    co_await loaded;
    if (entry->error) std::rethrow_exception(entry->error);
  }
  entry->last_used = Clock::now();
  co_return ModelLease(entry->model);
}

Task<ModelLease> ModelPool::acquire_for_client(std::string id) {
  std::string why;
  try {
    ModelLease lease = co_await acquire(id);
    co_return lease;
  } catch (const std::exception& error) {
    why = error.what();
  }
  if (on_failure) on_failure(id, why);
  throw HttpError({.status = 500,
                   .message = fmt::format("the model '{}' cannot be read; the server's log says why", id),
                   .code = "model_unreadable",
                   .param = "model"});
}

void ModelPool::make_room(const std::string& for_id) {
  while (entries_.size() >= std::max<std::size_t>(1, options_.max_loaded)) {
    std::string oldest;
    Clock::time_point when = Clock::time_point::max();
    for (const auto& [id, entry] : entries_) {
      if (id == for_id || !entry->model || entry->model.use_count() > 1 || entry->last_used >= when) continue;
      oldest = id;
      when = entry->last_used;
    }
    if (oldest.empty()) return;  // all are in use: rather one too many than a request refused
    free(oldest);
  }
}

void ModelPool::free(const std::string& id) {
  const auto entry = entries_.find(id);
  // An engine's end may take a moment, and the next model must not be read before.
  worker_.post([model = std::move(entry->second->model)]() mutable { model.reset(); });
  entries_.erase(entry);
}

void ModelPool::free_idle() {
  const Clock::time_point now = Clock::now();
  std::vector<std::string> idle;
  for (const auto& [id, entry] : entries_) {
    if (!entry->model) continue;
    if (entry->model.use_count() > 1) {
      entry->last_used = now;
    } else if (options_.keep_alive.count() > 0 && now - entry->last_used > options_.keep_alive &&
               !(options_.keep_default && id == options_.default_model)) {
      idle.push_back(id);
    }
  }
  for (const std::string& id : idle) free(id);
  tick_ = loop_.call_after(kTick, [this] { free_idle(); });
}

std::vector<ModelFacts> ModelPool::loaded() const {
  std::vector<std::pair<Clock::time_point, ModelFacts>> found;
  for (const auto& [id, entry] : entries_) {
    if (entry->model) found.emplace_back(entry->last_used, entry->model->facts());
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<ModelFacts> facts;
  facts.reserve(found.size());
  for (auto& [when, model] : found) facts.push_back(std::move(model));
  return facts;
}

void ModelPool::for_each_loaded(const std::function<void(LoadedModel&)>& look) const {
  for (const auto& [id, entry] : entries_) {
    if (entry->model) look(*entry->model);
  }
}

bool ModelPool::is_loaded(const std::string& id) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second->model != nullptr;
}

}  // namespace amanuensis::server
