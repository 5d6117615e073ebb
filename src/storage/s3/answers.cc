#include "storage/s3/answers.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <pugixml.hpp>
#include <sstream>

#include "base/error.h"

namespace amanuensis::storage {
namespace {

struct CurlFree {
  void operator()(char* text) const { curl_free(text); }
};

pugi::xml_document parsed(std::string_view xml, const char* root) {
  pugi::xml_document document;
  // Blanks at a key's ends belong to it.
  const auto result = document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  if (!result || !document.child(root)) {
    throw Error(ErrorCode::kBadData, fmt::format("the answer is no {} of S3 ({}); is the endpoint an S3 server?", root,
                                                 result ? "another document" : result.description()));
  }
  return document;
}

// Keys that XML cannot hold come percent-encoded, with '+' for a blank.
std::string decoded_key(std::string key, bool encoded) {
  if (!encoded) return key;
  std::replace(key.begin(), key.end(), '+', ' ');
  int length = 0;
  const std::unique_ptr<char, CurlFree> plain(
      curl_easy_unescape(nullptr, key.data(), static_cast<int>(key.size()), &length));
  return plain ? std::string(plain.get(), static_cast<std::size_t>(length)) : key;
}

std::uint64_t parsed_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kBadData, fmt::format("the list of objects holds a size '{}'", text));
  }
  return size;
}

}  // namespace

std::string plain_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

ListPage parse_list_page(std::string_view xml) {
  const pugi::xml_document document = parsed(xml, "ListBucketResult");
  const pugi::xml_node root = document.child("ListBucketResult");
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ListPage page;
  for (const pugi::xml_node object : root.children("Contents")) {
    page.objects.push_back({.key = decoded_key(object.child_value("Key"), encoded),
                            .size_bytes = parsed_size(object.child_value("Size")),
                            .etag = plain_etag(object.child_value("ETag"))});
  }
  if (std::string_view(root.child_value("IsTruncated")) == "true") {
    page.next = root.child_value("NextContinuationToken");
    if (page.next.empty()) {
      throw Error(ErrorCode::kBadData, "the list of objects goes on, but does not say where; is it version 2?");
    }
  }
  return page;
}

std::string parse_upload_id(std::string_view xml) {
  const pugi::xml_document document = parsed(xml, "InitiateMultipartUploadResult");
  std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) throw Error(ErrorCode::kBadData, "the answer names no upload");
  return id;
}

S3Problem parse_problem(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  const pugi::xml_node root = document.child("Error");
  return {.code = root.child_value("Code"),
          .message = root.child_value("Message"),
          .region = root.child_value("Region"),
          .request_id = root.child_value("RequestId")};
}

std::string complete_upload_xml(const std::vector<std::string>& etags) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  int number = 0;
  for (const std::string& etag : etags) {
    pugi::xml_node part = root.append_child("Part");
    part.append_child("PartNumber").text() = ++number;
    part.append_child("ETag").text() = fmt::format("\"{}\"", etag).c_str();
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  return text.str();
}

}  // namespace amanuensis::storage
