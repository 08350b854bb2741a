#include "backlog/listener_index.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

SocketAddress address(std::uint8_t last, std::uint16_t port) {
  SocketAddress result;
  if (last != 0) result.bytes = {127, 0, 0, last};
  result.port = port;
  return result;
}

DiagSocket listener(std::uint32_t inode, const SocketAddress& local) {
  DiagSocket socket;
  socket.inode = inode;
  socket.local = local;
  return socket;
}

TEST(ListenerIndex, SharesOfAnAddress) {
  const SocketAddress one = address(1, 80);
  const SocketAddress two = address(2, 80);
  const SocketAddress three = address(3, 81);
  const std::vector<DiagSocket> sockets = {listener(1, one), listener(2, one), listener(3, two),
                                           listener(4, three), listener(5, address(4, 99))};
  // 10 and 11 have a SO_REUSEPORT socket each, 12 and 13 share one, 14 is alone.
  const std::vector<ListenerOwner> owners = {{1, 10}, {2, 11}, {3, 13, false}, {3, 12}, {4, 14}};
  const ListenerIndex index(sockets, owners);
  EXPECT_FALSE(index.share_of(10, one).all_sockets);
  EXPECT_TRUE(index.share_of(12, two).all_sockets);
  EXPECT_EQ(index.share_of(12, two).holders, (std::vector<int>{12, 13}));
  EXPECT_FALSE(index.share_of(13, two).all_sockets) << "credited to the other";
  EXPECT_TRUE(index.share_of(14, three).all_sockets);
  EXPECT_EQ(index.share_of(14, three).holders, (std::vector<int>{14}));
  EXPECT_FALSE(index.share_of(14, one).all_sockets);
  EXPECT_EQ(index.owners_of(3), (std::vector<int>{12, 13}));
  EXPECT_TRUE(index.owners_of(5).empty());
  EXPECT_EQ(index.owned_ports(), (std::vector<std::uint16_t>{80, 81}));
}

TEST(ListenerIndex, ASpecificListenerComesBeforeTheWildcard) {
  const std::vector<DiagSocket> sockets = {listener(1, address(0, 80)),
                                           listener(2, address(1, 80))};
  const ListenerIndex index(sockets, {});
  EXPECT_EQ(index.listener_for(address(1, 80)), address(1, 80));
  EXPECT_EQ(index.listener_for(address(2, 80)), address(0, 80));
  EXPECT_FALSE(index.listener_for(address(1, 81)).has_value());
}

}  // namespace
}  // namespace loopscope
