// The published speaker networks that this machine has, from the hub's cache, with threads of their own: what
// diarization prefers to its built-in parts. May be used from any thread; must outlive the diarizers made of it.
#pragma once

#include <cstddef>
#include <memory>

#include "base/thread_pool.h"
#include "cli/context.h"
#include "device/backend.h"
#include "pipeline/diarize/published_networks.h"

namespace amanuensis::cli {

class PublishedSpeakers {
 public:
  // threads: 0 is one per CPU this process may run on. Networks that were never pulled are not there. Throws as the
  // networks do for a file that is damaged. The segmentation is used together with the embedding only.
  PublishedSpeakers(const Context& context, std::size_t threads);
  ~PublishedSpeakers();

  // Either may be null.
  const pipeline::PublishedNetworks& networks() const { return networks_; }

 private:
  std::unique_ptr<ThreadPool> pool_;  // null where there is no network
  std::unique_ptr<device::Backend> backend_;
  pipeline::PublishedNetworks networks_;
};

}  // namespace amanuensis::cli
