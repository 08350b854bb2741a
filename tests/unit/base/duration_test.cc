#include "base/duration.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("7ns").value(), 7ns);
  EXPECT_EQ(parse_duration("250us").value(), 250us);
  EXPECT_EQ(parse_duration("50ms").value(), 50ms);
  EXPECT_EQ(parse_duration("1s").value(), 1s);
  EXPECT_EQ(parse_duration("2m").value(), 2min);
  EXPECT_EQ(parse_duration("3h").value(), 3h);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
  EXPECT_EQ(parse_duration("007ms").value(), 7ms);
}

TEST(Duration, ReadsDecimalFractionsExactly) {
  EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
  EXPECT_EQ(parse_duration("0.000000001s").value(), 1ns);
  EXPECT_EQ(parse_duration("0.25h").value(), 15min);
  EXPECT_EQ(parse_duration("1.10ms").value(), 1100us);
}

TEST(Duration, SaysWhatIsWrong) {
  const auto why = [](std::string_view text) {
    const auto result = parse_duration(text);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_EQ(why("50"), "\"50\" is not a duration: the unit is missing (ns, us, ms, s, m or h)");
  EXPECT_EQ(
      why("50 ms"),
      "\"50 ms\" is not a duration: unknown unit \" ms\"; allowed are ns, us, ms, s, m and h");
  EXPECT_EQ(why("-5ms"), "\"-5ms\" is not a duration: it must not be negative");
  EXPECT_EQ(why("99999999999999999999s"),
            "\"99999999999999999999s\" is not a duration: it is too large");
  EXPECT_EQ(why("9223372036855s"), "\"9223372036855s\" is not a duration: it is too large");
  EXPECT_EQ(why("9223372036.999999999s"),
            "\"9223372036.999999999s\" is not a duration: it is too large");
  EXPECT_EQ(why("0.5ns"), "\"0.5ns\" is not a duration: it is finer than a nanosecond");
  EXPECT_EQ(why("1.0000000001s"),
            "\"1.0000000001s\" is not a duration: it has more than 9 decimal places");
  for (std::string_view text : {"", "ms", ".5s", "1.s", "+1s", "fast"}) {
    EXPECT_NE(why(text).find("expected a number and a unit, such as 50ms"), std::string::npos)
        << text;
  }
  for (std::string_view text : {"1e3ms", "1,5s", "1s1s", "1S", "0x1s"}) {
    EXPECT_NE(why(text).find("unknown unit"), std::string::npos) << text;
  }
}

TEST(Duration, ReachesTheLargestValue) {
  EXPECT_EQ(parse_duration("9223372036854775807ns").value(), Nanos::max());
  EXPECT_FALSE(parse_duration("9223372036854775808ns").ok());
  EXPECT_EQ(parse_duration("9223372036.854775807s").value(), Nanos::max());
  EXPECT_FALSE(parse_duration("9223372036.854775808s").ok());
}

TEST(Duration, FormatsInTheLargestFittingUnit) {
  EXPECT_EQ(format_duration(0ns), "0s");
  EXPECT_EQ(format_duration(1ns), "1ns");
  EXPECT_EQ(format_duration(50ms), "50ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(1h), "3600s");
  EXPECT_EQ(format_duration(1000050us), "1.00005s");
  EXPECT_EQ(format_duration(-5ms), "-5ms");
  EXPECT_EQ(format_duration(Nanos::min()), "-9223372036.854775808s");
}

TEST(Duration, FormatIsReadBackToTheSameValue) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = std::uniform_int_distribution<int>(0, 62)(random);
    const Nanos value(static_cast<Nanos::rep>(random() >> (63 - bits)) &
                      std::numeric_limits<Nanos::rep>::max());
    const std::string text = format_duration(value);
    const auto read = parse_duration(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.error().message;
    ASSERT_EQ(*read, value) << text;
  }
}

}  // namespace
}  // namespace loopscope
