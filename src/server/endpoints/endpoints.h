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

}  // namespace amanuensis::server
