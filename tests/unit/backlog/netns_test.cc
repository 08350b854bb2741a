#include "backlog/netns.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "unit/backlog/loopback.h"

namespace loopscope {
namespace {

using testing::Child;

TEST(ListenCounters, AreFoundByName) {
  const auto counters = parse_listen_counters(
      "TcpExt: SyncookiesSent ListenOverflows Other ListenDrops\n"
      "TcpExt: 1 22 3 44\n"
      "IpExt: InNoRoutes\nIpExt: 0\n");
  ASSERT_TRUE(counters.has_value());
  EXPECT_EQ(counters->overflows, 22U);
  EXPECT_EQ(counters->drops, 44U);
}

TEST(ListenCounters, BadTextIsRefused) {
  for (const char* const text :
       {"", "\n\n", "TcpExt:", "TcpExt: ListenOverflows ListenDrops",
        "TcpExt: ListenOverflows ListenDrops\n", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n",
        "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 x\n",
        "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 -2\n",
        "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 99999999999999999999999\n",
        "TcpExt: A B\nTcpExt: 1 2\n", "IpExt: ListenOverflows ListenDrops\nIpExt: 1 2\n"}) {
    EXPECT_FALSE(parse_listen_counters(text).has_value()) << text;
  }
}

TEST(ListenCounters, CanBeReadFromTheKernel) {
  const auto counters = read_listen_counters(::getpid());
  ASSERT_TRUE(counters.ok()) << counters.error().message;
  EXPECT_GE(counters->drops, counters->overflows);
}

TEST(ListenCounters, OfAProcessThatIsGoneNameItsPath) {
  Child child([] { return std::string("up"); });
  const int pid = child.pid();
  child.end();
  const auto counters = read_listen_counters(pid);
  ASSERT_FALSE(counters.ok());
  EXPECT_NE(counters.error().message.find("/proc/" + std::to_string(pid)), std::string::npos);
}

TEST(Netns, IsToldApartEvenWithoutPrivilege) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to create a network namespace";
  Child same([] { return std::string("up"); });
  Child other([] {
    testing::enter_new_netns();
    return std::string("up");
  });
  Child observer([&] {
    testing::become_nobody();
    const auto ours = own_netns();
    const auto first = netns_of(same.pid());
    const auto second = netns_of(other.pid());
    if (!ours || !first || !second) return std::string("cannot look");
    if (*ours != *first) return std::string("same namespace looks different");
    if (*ours == *second) return std::string("other namespace looks the same");
    return std::string("ok");
  });
  EXPECT_EQ(observer.report(), "ok");
}

}  // namespace
}  // namespace loopscope
