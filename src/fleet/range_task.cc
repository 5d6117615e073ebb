#include "fleet/job_task.h"
#include "fleet/task_steps.h"

namespace amanuensis::fleet {

TaskResult JobTask::plan(const Recording& recording, const std::stop_token& stop) {
  return transcribe_whole(recording, stop);
}
TaskResult JobTask::work_on_range(const std::stop_token&) { return {}; }
TaskResult JobTask::work_on_merge(const std::stop_token&) { return {}; }

}  // namespace amanuensis::fleet
