// What S3's XML answers say. Pure functions; Error{kBadData} for what is no such answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/object_store.h"

namespace amanuensis::storage {

struct ListPage {
  std::vector<ObjectInfo> objects;  // with the bucket's own keys
  std::string next;                 // the continuation token; empty on the last page
};
ListPage parse_list_page(std::string_view xml);

std::string parse_upload_id(std::string_view xml);

// An <Error>; empty fields where the answer is something else, e.g. a proxy's page.
struct S3Problem {
  std::string code;
  std::string message;
  std::string region;  // the bucket's, where another was asked
  std::string request_id;
};
S3Problem parse_problem(std::string_view xml);

// The body that ends an upload in parts; etags in the order of the parts.
std::string complete_upload_xml(const std::vector<std::string>& etags);

// Without the quotes around it.
std::string plain_etag(std::string_view etag);

}  // namespace amanuensis::storage
