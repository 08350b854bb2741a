#include "base/byte_size.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

std::string refusal(std::string_view text) {
  const auto size = parse_byte_size(text);
  EXPECT_FALSE(size.ok()) << text;
  return size.ok() ? "" : size.error().message;
}

TEST(ByteSize, ReadsNumbersWithAUnit) {
  EXPECT_EQ(parse_byte_size("64KiB").value(), 65536U);
  EXPECT_EQ(parse_byte_size("10MiB").value(), 10485760U);
  EXPECT_EQ(parse_byte_size("1GiB").value(), 1073741824U);
  EXPECT_EQ(parse_byte_size("0KiB").value(), 0U);
}

TEST(ByteSize, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("10"), "\"10\" is not a size: the unit is missing (KiB, MiB or GiB)");
  EXPECT_EQ(refusal("10MB"),
            "\"10MB\" is not a size: unknown unit \"MB\"; allowed are KiB, MiB and GiB");
  for (const char* text : {"", "MiB", "-1MiB", "1.5MiB", " 1MiB", "1 MiB", "+1MiB"}) {
    refusal(text);
  }
  EXPECT_EQ(refusal("99999999999999999999MiB"),
            "\"99999999999999999999MiB\" is not a size: it is too large");
  EXPECT_EQ(refusal("18014398509481984KiB"),
            "\"18014398509481984KiB\" is not a size: it is too large");
}

TEST(ByteSize, IsWrittenAsItIsRead) {
  for (const char* text : {"1KiB", "1023KiB", "10MiB", "3GiB"}) {
    EXPECT_EQ(format_byte_size(parse_byte_size(text).value()), text);
  }
  EXPECT_EQ(format_byte_size(1500), "1500 bytes");
  EXPECT_EQ(format_byte_size(0), "0 bytes");
}

}  // namespace
}  // namespace loopscope
