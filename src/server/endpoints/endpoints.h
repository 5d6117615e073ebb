// The endpoints: one file each, one function for each address and method. What they share is in Service; they run on
// the loop's thread. routes.cc is the table.
#pragma once

#include "server/http/message.h"
#include "server/http/router.h"
#include "server/service.h"

namespace amanuensis::server {

Router make_routes(Service& service);

Task<Response> get_health(Service& service, Request& request);
Task<Response> get_ready(Service& service, Request& request);
Task<Response> list_models(Service& service, Request& request);
Task<Response> get_model(Service& service, Request& request);
Task<Response> create_transcription(Service& service, Request& request);
Task<Response> create_translation(Service& service, Request& request);

Task<Response> create_job(Service& service, Request& request);
Task<Response> list_jobs(Service& service, Request& request);
Task<Response> get_job(Service& service, Request& request);
Task<Response> delete_job(Service& service, Request& request);
Task<Response> get_job_result(Service& service, Request& request);
Task<Response> get_job_audio(Service& service, Request& request);
Task<Response> get_job_events(Service& service, Request& request);
// WebSockets.
Task<Response> live_captions(Service& service, Request& request);
Task<Response> realtime(Service& service, Request& request);
Task<Response> get_metrics(Service& service, Request& request);
Task<Response> pull_model(Service& service, Request& request);
// The old server's addresses.
Task<Response> old_models(Service& service, Request& request);
Task<Response> old_status(Service& service, Request& request);
Task<Response> old_transcribe(Service& service, Request& request);
Task<Response> old_progress(Service& service, Request& request);
Task<Response> old_progress_stream(Service& service, Request& request);
Task<Response> get_page(Service& service, Request& request);
Task<Response> get_description(Service& service, Request& request);
Task<Response> get_asset(Service& service, Request& request);

}  // namespace amanuensis::server
