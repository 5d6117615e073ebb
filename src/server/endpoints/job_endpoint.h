// What the endpoints of jobs share. On the loop's thread.
#pragma once

#include <string>

#include "server/http/message.h"
#include "server/jobs/jobs.h"
#include "server/service.h"

namespace amanuensis::server {

// The job that the address names. Throws HttpError 404 when there is none that the caller may see.
Task<JobRecord> named_job(Service& service, const Request& request);

// The job object as of now.
std::string present_job(const Service& service, const JobRecord& job);

// Whose jobs the caller sees; nothing: everybody's.
std::optional<std::string> visible_owner(const Service& service, const Request& request);

}  // namespace amanuensis::server
