#include "export/bind_address.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(BindAddress, ParsesWhatItPrints) {
  for (const char* text : {"127.0.0.1:15667", "0.0.0.0:0", "[::1]:80", "[::]:65535"}) {
    const auto parsed = BindAddress::parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->to_string(), text);
  }
  EXPECT_EQ(BindAddress::parse("localhost:1")->to_string(), "127.0.0.1:1");
}

TEST(BindAddress, RefusesTheRestByName) {
  for (const char* text : {"", ":", "80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:8x", "::1:80", "[::1]", "[::1:80",
                           "example.org:80", "127.0.0.1:80,127.0.0.1:81", "127.0.0.1:80s"}) {
    const auto parsed = BindAddress::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

TEST(BindAddress, KnowsLoopback) {
  EXPECT_TRUE(BindAddress::parse("127.0.0.1:0")->is_loopback());
  EXPECT_TRUE(BindAddress::parse("127.8.0.1:0")->is_loopback());
  EXPECT_TRUE(BindAddress::parse("[::1]:0")->is_loopback());
  EXPECT_FALSE(BindAddress::parse("0.0.0.0:0")->is_loopback());
  EXPECT_FALSE(BindAddress::parse("[::]:0")->is_loopback());
}

TEST(BindAddress, TellsWhyNot) {
  EXPECT_EQ(BindAddress::parse("127.0.0.1:0")->why_not(), "");
  EXPECT_EQ(BindAddress::parse("192.0.2.1:0")->why_not(), "Cannot assign requested address");
}

}  // namespace
}  // namespace loopscope
