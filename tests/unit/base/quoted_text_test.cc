#include "base/quoted_text.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(QuotedText, EscapesWhatWouldBreakAMessage) {
  EXPECT_EQ(quoted_text("plain"), "\"plain\"");
  EXPECT_EQ(quoted_text("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted_text(std::string_view("\n\x1b\0\x7f", 4)), R"("\n\x1b\x00\x7f")");
  EXPECT_EQ(quoted_text("größer"), "\"größer\"");
}

TEST(QuotedText, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(quoted_text(std::string(64, 'x')), '"' + std::string(64, 'x') + '"');
  EXPECT_EQ(quoted_text(std::string(65, 'x')), '"' + std::string(64, 'x') + "...\"");
  EXPECT_EQ(quoted_text(std::string(63, 'x') + "ü"), '"' + std::string(63, 'x') + "...\"");
}

TEST(QuotedText, TakesBytesThatAreNoText) {
  EXPECT_EQ(quoted_text(std::string(200, '\x80')), "\"...\"");
}

}  // namespace
}  // namespace loopscope
