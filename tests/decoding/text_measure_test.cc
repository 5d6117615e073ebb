#include "decoding/text_measure.h"

#include <gtest/gtest.h>

#include <string>

#include "support/goldens.h"

namespace amanuensis::decoding {
namespace {

TEST(TextMeasure, AgreesWithPythonOnStrippingAndCompression) {
  const nlohmann::json golden = test::read_golden("decoding_text.json");
  ASSERT_GE(golden.at("cases").size(), 10U);
  for (const nlohmann::json& c : golden.at("cases")) {
    const std::string text = c.at("text");
    EXPECT_EQ(strip_text(text), c.at("stripped").get<std::string>()) << text;
    EXPECT_EQ(compression_ratio(text), c.at("ratio").get<double>()) << text;
  }
}

}  // namespace
}  // namespace amanuensis::decoding
