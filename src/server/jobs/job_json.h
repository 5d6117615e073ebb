// Jobs as their clients see them. Pure functions of a record and, while there is one, its work.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/jobs/job_store.h"
#include "server/work/work.h"

namespace amanuensis::server {

// The job object of docs/api/jobs.md. `work` may be null. `position` is the job's place in the queue, from 1.
std::string job_json(const JobRecord& job, const Work* work, std::optional<std::size_t> position);

// A progress event's data.
std::string progress_json(const Work& work);

}  // namespace amanuensis::server
