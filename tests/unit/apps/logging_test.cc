#include "apps/loopscope/logging.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(Printable, WhatATerminalWouldObeyIsReplaced) {
  EXPECT_EQ(printable("/srv/app.js:12 función 函数"), "/srv/app.js:12 función 函数");
  const std::string hostile = printable("red\x1b[31m\n\u202enoitcnuf\u2066 \xff end");
  EXPECT_EQ(hostile.find('\x1b'), std::string::npos);
  EXPECT_EQ(hostile.find('\n'), std::string::npos);
  EXPECT_EQ(hostile.find("\u202e"), std::string::npos);
  EXPECT_EQ(hostile.find("\u2066"), std::string::npos);
  EXPECT_EQ(hostile.find('\xff'), std::string::npos);
  EXPECT_NE(hostile.find("[31m"), std::string::npos) << "what is harmless stays";
  EXPECT_TRUE(hostile.ends_with(" end"));
}

TEST(Printable, LongLinesAreWhole) {
  const std::string line(100'000, 'x');
  EXPECT_EQ(printable(line), line);
}

}  // namespace
}  // namespace loopscope
