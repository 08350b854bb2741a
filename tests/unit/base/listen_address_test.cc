#include "base/listen_address.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

std::string refusal_of_address(std::string_view text) {
  const auto result = parse_listen_address(text);
  return result ? "accepted" : result.error().message;
}

TEST(ListenAddress, ReadsNumericAddresses) {
  for (const char* text : {"127.0.0.1:15667", "0.0.0.0:1", "[::1]:65535", "[::]:0"}) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address.ok()) << address.error().message;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(parse_listen_address("[::1]:8").value(), (ListenAddress{"::1", 8}));
  EXPECT_EQ(parse_listen_address("localhost:8").value(), (ListenAddress{"127.0.0.1", 8}));
}

TEST(ListenAddress, SaysWhatIsExpected) {
  EXPECT_EQ(refusal_of_address("15667"),
            "\"15667\" is not a listen address: expected ADDRESS:PORT, such as 127.0.0.1:15667");
  EXPECT_NE(refusal_of_address(":15667").find("0.0.0.0 is every IPv4 address"), std::string::npos);
  EXPECT_NE(refusal_of_address("127.0.0.1:65536").find("allowed are 0 to 65535"),
            std::string::npos);
  EXPECT_NE(refusal_of_address("127.0.0.1:").find("\"\" is not a port"), std::string::npos);
  EXPECT_NE(refusal_of_address("127.0.0.1:-1").find("\"-1\" is not a port"), std::string::npos);
  EXPECT_NE(refusal_of_address("::1:80").find("stands in brackets"), std::string::npos);
  for (std::string_view text : {"example.org:80", "127.0.0.256:80", "[127.0.0.1]:80", "[]:80",
                                "[:80", "[::1:80", " 127.0.0.1:80", "[::1%lo]:80"}) {
    EXPECT_NE(refusal_of_address(text).find("expected a numeric address"), std::string::npos)
        << text;
  }
  EXPECT_NE(refusal_of_address(std::string_view("127.0.0.1\0:80", 13)), "accepted");
}

}  // namespace
}  // namespace loopscope
