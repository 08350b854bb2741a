#include "backlog/socket_address.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

SocketAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  SocketAddress address;
  address.bytes = {a, b, c, d};
  address.port = 3000;
  return address;
}

SocketAddress v6(std::array<std::uint8_t, 16> bytes) { return {true, bytes, 3000}; }

TEST(SocketAddress, LabelsLookLikeUrls) {
  EXPECT_EQ(to_label(v4(127, 0, 0, 1)), "127.0.0.1:3000");
  EXPECT_EQ(to_label(v6({})), "[::]:3000");
  EXPECT_EQ(to_label(v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})), "[::1]:3000");
}

TEST(SocketAddress, Ipv4ConnectionMayComeFromItsAddressOrAWildcard) {
  const auto candidates = listening_candidates(v4(10, 0, 0, 1));
  EXPECT_EQ(candidates, (std::vector<SocketAddress>{v4(10, 0, 0, 1), v4(0, 0, 0, 0), v6({})}));
}

TEST(SocketAddress, MappedConnectionMayComeFromADualStackListener) {
  const auto mapped = v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1});
  EXPECT_EQ(listening_candidates(mapped),
            (std::vector<SocketAddress>{mapped, v4(10, 0, 0, 1), v6({}), v4(0, 0, 0, 0)}));
}

TEST(SocketAddress, Ipv6ConnectionNeverComesFromAnIpv4Wildcard) {
  const auto address = v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});
  EXPECT_EQ(listening_candidates(address), (std::vector<SocketAddress>{address, v6({})}));
}

}  // namespace
}  // namespace loopscope
