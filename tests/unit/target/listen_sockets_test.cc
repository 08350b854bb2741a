#include "target/listen_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "target/open_files.h"

namespace loopscope {
namespace {

constexpr char kHead[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
    "timeout inode\n";

std::string line(const char* local, const char* state, unsigned long inode) {
  return std::string("   0: ") + local + " 00000000:0000 " + state +
         " 00000000:00000000 00:00000000 00000000     0        0 " + std::to_string(inode) +
         " 1 0000000000000000 100 0 0 10 0\n";
}

UniqueFd listen_on(int family, std::uint16_t& port) {
  UniqueFd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // Unbound listening sockets get a free port.
  if (::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return {};
  }
  port = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                 : reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return listener;
}

TEST(ListenSockets, AreReadFromATable) {
  ListenSockets sockets;
  EXPECT_TRUE(sockets.add_table(kHead + line("0100007F:0BB8", "0A", 111) +
                                line("00000000000000000000000000000000:01BB", "0A", 222)));
  EXPECT_EQ(sockets.port_of(111), 3000);
  EXPECT_EQ(sockets.port_of(222), 443);
  EXPECT_FALSE(sockets.port_of(333));
  EXPECT_TRUE(sockets.has_port(443));
  EXPECT_FALSE(sockets.has_port(444));
}

TEST(ListenSockets, EndAtTheFirstConnection) {
  ListenSockets sockets;
  EXPECT_FALSE(sockets.add_table(line("0100007F:0BB8", "0A", 1) + line("0100007F:0BB9", "01", 2) +
                                 line("0100007F:0BBA", "0A", 3)));
  EXPECT_TRUE(sockets.has_port(3000));
  EXPECT_FALSE(sockets.has_port(3002));
}

TEST(ListenSockets, SurviveNonsense) {
  const std::string text = line("0100007F:0BB8", "0A", 1);
  for (std::size_t length = 0; length < text.size(); ++length) {
    ListenSockets sockets;
    sockets.add_table(text.substr(0, length));
    sockets.add_table(text.substr(length));
  }
  ListenSockets sockets;
  sockets.add_table(line("noport", "0A", 5));
  sockets.add_table(line("x:FFFFF", "0A", 6));
  EXPECT_TRUE(sockets.empty());
}

TEST(ListenSockets, OfTheOwnNamespaceAreKnownBothWays) {
  std::uint16_t port = 0;
  const UniqueFd listener = listen_on(AF_INET, port);
  ASSERT_TRUE(listener.valid());
  const OpenFile file = look_at_open_file(::getpid(), listener.get());
  ASSERT_NE(file.socket_inode, 0U);
  EXPECT_EQ(ListenSockets::of_own_namespace().port_of(file.socket_inode), port);
  EXPECT_EQ(ListenSockets::of_namespace(::getpid()).port_of(file.socket_inode), port);
}

TEST(ListenSockets, OfIpv6AreKnownBothWays) {
  std::uint16_t port = 0;
  const UniqueFd listener = listen_on(AF_INET6, port);
  if (!listener.valid()) GTEST_SKIP() << "no IPv6 here";
  const OpenFile file = look_at_open_file(::getpid(), listener.get());
  EXPECT_EQ(ListenSockets::of_own_namespace().port_of(file.socket_inode), port);
  EXPECT_EQ(ListenSockets::of_namespace(::getpid()).port_of(file.socket_inode), port);
}

TEST(ListenSockets, OfNobodyAreNone) {
  EXPECT_TRUE(ListenSockets::of_namespace(2147483647).empty());
}

TEST(OpenFiles, TellSocketsAndEpoll) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  bool epoll_seen = false;
  bool socket_seen = false;
  ASSERT_TRUE(visit_open_files(::getpid(), [&](const OpenFile& file) {
                epoll_seen |= file.fd == epoll.get() && file.is_epoll;
                socket_seen |= file.fd == socket.get() && file.socket_inode != 0;
                return true;
              }).ok());
  EXPECT_TRUE(epoll_seen);
  EXPECT_TRUE(socket_seen);
  EXPECT_TRUE(look_at_open_file(::getpid(), epoll.get()).is_epoll);
  EXPECT_FALSE(look_at_open_file(::getpid(), 1'000'000).is_epoll);
  EXPECT_FALSE(visit_open_files(2147483647, [](const OpenFile&) { return true; }).ok());
}

TEST(OpenFiles, AreTheSameByTheirInfo) {
  std::uint16_t port = 0;
  const UniqueFd listener = listen_on(AF_INET, port);
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener.get(), &event), 0);
  std::map<int, std::pair<std::uint64_t, bool>> by_link;
  std::map<int, std::pair<std::uint64_t, bool>> by_info;
  const auto put_into = [](auto& map) {
    return [&map](const OpenFile& file) {
      if (file.socket_inode != 0 || file.is_epoll) {
        map[file.fd] = {file.socket_inode, file.is_epoll};
      }
      return true;
    };
  };
  ASSERT_TRUE(visit_open_files(::getpid(), put_into(by_link)).ok());
  ASSERT_TRUE(visit_open_files_by_info(::getpid(), put_into(by_info)).ok());
  EXPECT_EQ(by_info, by_link);
  EXPECT_TRUE(by_info[epoll.get()].second);
  EXPECT_NE(by_info[listener.get()].first, 0U);
}

TEST(OpenFiles, BeyondTheLimitAreNotListedByTheirInfo) {
  std::vector<UniqueFd> many;
  for (int i = 0; i <= kMaxOpenFiles; ++i) {
    many.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!many.back().valid()) GTEST_SKIP() << "needs more open files than the limit allows";
  }
  const auto visited = visit_open_files_by_info(::getpid(), [](const OpenFile&) { return true; });
  ASSERT_FALSE(visited.ok());
  EXPECT_NE(visited.error().message.find("CAP_DAC_OVERRIDE"), std::string::npos);
}

TEST(OpenFiles, InfoOfOtherFileSystemsIsNoSocket) {
  const char* const text = "pos:\t0\nflags:\t02004002\nmnt_id:\t10\nino:\t2786353\n";
  EXPECT_EQ(parse_file_info(3, text, 10).socket_inode, 2786353U);
  EXPECT_EQ(parse_file_info(3, text, 11).socket_inode, 0U);
  EXPECT_EQ(parse_file_info(3, text, 0).socket_inode, 0U);
  for (const char* const other :
       {"", "mnt_id:\t10\nino:\t1\n", "\nmnt_id:10\nino:\t1", "\nmnt_id:\t\nino:\t1",
        "\nmnt_id:\t99999999999999999999\nino:\t1", "\nmnt_id:\t10", "\nmnt_id:\t10\nino:"}) {
    EXPECT_EQ(parse_file_info(3, other, 10).socket_inode, 0U) << other;
  }
}

}  // namespace
}  // namespace loopscope
