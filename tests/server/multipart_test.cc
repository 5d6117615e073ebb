#include "server/upload/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/error_of.h"

namespace amanuensis::server {
namespace {

using ::testing::HasSubstr;

struct Part {
  PartHeader header;
  std::string data;
  bool ended = false;
};

class Collector : public MultipartHandler {
 public:
  void on_part(const PartHeader& header) override { parts.push_back({header, {}, false}); }
  void on_data(std::string_view bytes) override { parts.back().data += bytes; }
  void on_part_end() override { parts.back().ended = true; }
  std::vector<Part> parts;
};

// Feeds a form in pieces of `size` bytes.
std::vector<Part> parse(const std::string& form, std::size_t size, const std::string& boundary = "XX") {
  Collector collector;
  MultipartParser parser(boundary, {}, collector);
  for (std::size_t at = 0; at < form.size(); at += size) parser.feed(std::string_view(form).substr(at, size));
  parser.finish();
  return collector.parts;
}

std::string part(const std::string& header, const std::string& data) {
  return "--XX\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + data + "\r\n";
}

TEST(Multipart, FindsPartsHoweverTheBytesAreCut) {
  const std::string tricky = "\r\n--X\r\n--XY\r\n-\r\n--";
  const std::string form = "preamble\r\n" + part("name=\"model\"", "base") + part("name=\"empty\"", "") +
                           part("name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav", tricky) +
                           "--XX--\r\nepilogue";
  for (std::size_t size = 1; size <= form.size(); ++size) {
    const std::vector<Part> parts = parse(form, size);
    ASSERT_EQ(parts.size(), 3U) << size;
    EXPECT_EQ(parts[0].header.name, "model");
    EXPECT_FALSE(parts[0].header.is_file);
    EXPECT_EQ(parts[0].data, "base");
    EXPECT_EQ(parts[1].data, "");
    EXPECT_TRUE(parts[1].ended);
    EXPECT_EQ(parts[2].header.file_name, "a.wav");
    EXPECT_EQ(parts[2].header.content_type, "audio/wav");
    EXPECT_EQ(parts[2].data, tricky);
  }
}

TEST(Multipart, ReadsNamesAsClientsWriteThem) {
  const auto header = [](const std::string& text) {
    return parse_part_header("content-disposition: form-data; " + text);
  };
  EXPECT_EQ(header(R"(name="a\"b")").name, "a\"b");
  EXPECT_EQ(header("name=plain; filename=x.mp3").file_name, "x.mp3");
  EXPECT_EQ(header(R"(name="f"; filename="C:\temp\x.mp3")").file_name, R"(C:\temp\x.mp3)");
  EXPECT_EQ(header("name=\"f\"; filename=\"x\"; filename*=UTF-8''%C3%A4%20b.mp3").file_name, "ä b.mp3");
  EXPECT_EQ(header(R"(name="f"; filename="a;b.mp3")").file_name, "a;b.mp3");
}

TEST(Multipart, FindsTheBoundary) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
  for (const char* bad : {"multipart/form-data", "multipart/form-data; boundary=", "application/json", "",
                          "multipart/mixed; boundary=a"}) {
    EXPECT_EQ(test::error_of([&] { multipart_boundary(bad); }).code, ErrorCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(test::error_of([&] { multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')); }).code,
            ErrorCode::kInvalidArgument);
}

TEST(Multipart, RefusesWhatMakesNoSense) {
  const std::vector<std::string> bad = {
      "",
      "--XX",
      "--XX\r\n",
      part("name=\"a\"", "unfinished"),
      "--XXjunk\r\n",
      "--XX\r\n\r\ndata\r\n--XX--",
      "--XX\r\nContent-Type: text/plain\r\n\r\nno name\r\n--XX--",
      "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--XX--",
      "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--XX--",
      "--XX\r\nno colon\r\n\r\n\r\n--XX--",
      "--XX\r\nX: " + std::string(9000, 'x') + "\r\n\r\n\r\n--XX--",
      "--XX" + std::string(5000, ' '),
  };
  for (const std::string& form : bad) {
    EXPECT_EQ(test::error_of([&] { parse(form, 7); }).code, ErrorCode::kBadData) << form.substr(0, 60);
  }
  std::string many;
  for (int i = 0; i < 300; ++i) many += part("name=\"a\"", "b");
  EXPECT_EQ(test::error_of([&] { parse(many + "--XX--", 100); }).code, ErrorCode::kBadData);
}

TEST(Multipart, SurvivesTenThousandBrokenForms) {
  const std::string form =
      part("name=\"model\"", "base") + part("name=\"file\"; filename=\"a.wav\"", "RIFF\r\n--X") + "--XX--";
  std::mt19937 random(7);
  for (int i = 0; i < 10'000; ++i) {
    std::string broken = form;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int change = 0; change < changes && !broken.empty(); ++change) {
      const std::size_t at = random() % broken.size();
      switch (random() % 3) {
        case 0:
          broken[at] = static_cast<char>(random());
          break;
        case 1:
          broken.erase(at, random() % 8);
          break;
        default:
          broken.insert(at, broken.substr(random() % broken.size(), random() % 16));
      }
    }
    try {
      parse(broken, 1 + random() % 64);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadData) << error.what();
    }
  }
}

}  // namespace
}  // namespace amanuensis::server
