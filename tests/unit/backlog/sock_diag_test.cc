#include "backlog/sock_diag.h"

#include <gtest/gtest.h>

#include <functional>

#include "unit/backlog/loopback.h"

namespace loopscope {
namespace {

using testing::allow_descriptors;
using testing::Child;
using testing::Listener;
using testing::ListenerOptions;
using testing::send_text;
using testing::start_connect;
using testing::start_connects;
using testing::wait_for;

SockDiag open_here() {
  Result<SockDiag> diag = SockDiag::open();
  if (!diag) testing::die(diag.error().message);
  return std::move(*diag);
}

std::optional<DiagSocket> look_up(SockDiag& diag, const std::string& label) {
  const auto listeners = diag.listeners();
  if (!listeners) testing::die(listeners.error().message);
  for (const DiagSocket& socket : *listeners) {
    if (to_label(socket.local) == label) return socket;
  }
  return std::nullopt;
}

std::size_t count_connections(SockDiag& diag, std::uint16_t port,
                              const std::function<bool(const DiagSocket&)>& counts) {
  std::size_t count = 0;
  const std::vector<std::uint16_t> ports = {port};
  const auto dumped = diag.visit_connections(
      ports, [&](const DiagSocket& socket) { count += counts(socket) ? 1 : 0; });
  if (!dumped) testing::die(dumped.error().message);
  return count;
}

std::size_t count_unread(SockDiag& diag, std::uint16_t port) {
  return count_connections(diag, port, [](const DiagSocket& socket) {
    return socket.state == TCP_ESTABLISHED && socket.rqueue > 0;
  });
}

std::size_t count_waiting(SockDiag& diag, std::uint16_t port) {
  return count_connections(diag, port, [](const DiagSocket& socket) {
    return socket.state != TCP_SYN_RECV && socket.inode == 0;
  });
}

TEST(SockDiag, ListsDepthAndLimitOfBothFamilies) {
  SockDiag diag = open_here();
  for (const bool ipv6 : {false, true}) {
    const Listener listener(ListenerOptions{.ipv6 = ipv6, .backlog = 77});
    const auto clients = start_connects(3, listener.port(), ipv6);
    ASSERT_TRUE(wait_for([&] {
      const auto socket = look_up(diag, listener.label());
      return socket && socket->rqueue == 3;
    })) << listener.label();
    const auto socket = look_up(diag, listener.label());
    EXPECT_EQ(socket->wqueue, 77U);
    EXPECT_EQ(socket->uid, ::geteuid());
    EXPECT_NE(socket->inode, 0U);
  }
}

TEST(SockDiag, UnreadCountsAcceptedAndUnacceptedConnections) {
  SockDiag diag = open_here();
  const Listener listener;
  const Listener bystander;
  const auto clients = start_connects(3, listener.port());
  const UniqueFd other = start_connect(bystander.port());
  const UniqueFd first = listener.accept_one();
  const UniqueFd second = listener.accept_one();
  EXPECT_EQ(count_unread(diag, listener.port()), 0U);
  for (const UniqueFd& client : clients) send_text(client, "hello");
  send_text(other, "hello");
  EXPECT_TRUE(wait_for([&] { return count_unread(diag, listener.port()) == 3; }));
  char byte[16];
  ASSERT_EQ(::recv(first.get(), byte, sizeof(byte), 0), 5);
  EXPECT_EQ(count_unread(diag, listener.port()), 2U);
}

TEST(SockDiag, ShowsConnectionsThatWaitWhateverTheySent) {
  SockDiag diag = open_here();
  const Listener listener;
  const auto clients = start_connects(3, listener.port());
  EXPECT_TRUE(wait_for([&] { return count_waiting(diag, listener.port()) == 3; }));
  const UniqueFd first = listener.accept_one();
  EXPECT_EQ(count_waiting(diag, listener.port()), 2U);
  ASSERT_EQ(::shutdown(clients[2].get(), SHUT_WR), 0);  // gave up: it waits on in the queue
  send_text(clients[1], "hello");
  EXPECT_TRUE(wait_for([&] { return count_unread(diag, listener.port()) == 1; }));
  EXPECT_EQ(count_waiting(diag, listener.port()), 2U);
}

TEST(SockDiag, RefreshesOneListener) {
  SockDiag diag = open_here();
  for (const bool ipv6 : {false, true}) {
    for (const bool any_address : {false, true}) {
      const Listener listener(ListenerOptions{.ipv6 = ipv6, .any_address = any_address});
      auto socket = look_up(diag, listener.label());
      ASSERT_TRUE(socket.has_value());
      EXPECT_EQ(socket->rqueue, 0U);
      const auto clients = start_connects(2, listener.port(), ipv6);
      EXPECT_TRUE(wait_for([&] {
        const auto found = diag.refresh(*socket);
        return found.ok() && *found && socket->rqueue == 2;
      })) << listener.label();
      EXPECT_EQ(socket->inode, look_up(diag, listener.label())->inode);
    }
  }
}

TEST(SockDiag, RefreshNeverTakesAnotherSocketsFigures) {
  SockDiag diag = open_here();
  std::optional<DiagSocket> closed;
  std::uint16_t port = 0;
  {
    const Listener listener;
    port = listener.port();
    closed = look_up(diag, listener.label());
  }
  ASSERT_TRUE(closed.has_value());
  auto gone = diag.refresh(*closed);
  ASSERT_TRUE(gone.ok()) << gone.error().message;
  EXPECT_FALSE(*gone);
  const Listener successor(ListenerOptions{.port = port});
  gone = diag.refresh(*closed);
  ASSERT_TRUE(gone.ok()) << gone.error().message;
  EXPECT_FALSE(*gone);
  EXPECT_TRUE(look_up(diag, successor.label()).has_value());  // the socket is still of use
}

TEST(SockDiag, ManyPortsAreFilteredHere) {
  SockDiag diag = open_here();
  const Listener listener;
  const UniqueFd client = start_connect(listener.port());
  send_text(client, "hello");
  std::vector<std::uint16_t> ports(kMaxFilterPorts, 1);
  ports.push_back(listener.port());
  EXPECT_TRUE(wait_for([&] {
    std::size_t count = 0;
    return diag.visit_connections(ports, [&](const DiagSocket&) { ++count; }).ok() && count == 1;
  }));
}

TEST(SockDiag, HalfOpenConnectionsAreCounted) {
  SockDiag diag = open_here();
  // A deferred accept keeps the connection half-open until the client says something.
  const Listener listener(ListenerOptions{.defer_accept = true});
  const auto clients = start_connects(4, listener.port());
  const std::vector<std::uint16_t> ports = {listener.port()};
  const auto half_open = [&] {
    std::size_t count = 0;
    const auto dumped = diag.visit_connections(ports, [&](const DiagSocket& socket) {
      if (socket.state == TCP_SYN_RECV && to_label(socket.local) == listener.label()) ++count;
    });
    return dumped.ok() ? count : 999;
  };
  EXPECT_TRUE(wait_for([&] { return half_open() == 4; })) << half_open();
  for (const UniqueFd& client : clients) send_text(client, "x");
  EXPECT_TRUE(wait_for([&] { return half_open() == 0; })) << half_open();
}

TEST(SockDiag, LooksIntoAnotherNetworkNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to create a network namespace";
  Child child([] {
    testing::enter_new_netns();
    const auto* const listener = new Listener(ListenerOptions{.backlog = 9});
    start_connect(listener->port()).release();
    start_connect(listener->port()).release();
    return std::to_string(listener->port());
  });
  const std::string label = "127.0.0.1:" + child.report();
  Result<SockDiag> there = SockDiag::open_for_pid(child.pid());
  ASSERT_TRUE(there.ok()) << there.error().message;
  ASSERT_TRUE(wait_for([&] {
    const auto socket = look_up(*there, label);
    return socket && socket->rqueue == 2 && socket->wqueue == 9;
  }));
  // This thread has not moved.
  const Listener here;
  SockDiag ours = open_here();
  EXPECT_TRUE(look_up(ours, here.label()).has_value());
  EXPECT_FALSE(look_up(*there, here.label()).has_value());
}

TEST(SockDiag, SaysWhatAnotherNetworkNamespaceNeeds) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to create a network namespace";
  Child hidden([] {
    testing::enter_new_netns();
    return std::string("up");
  });
  Child observer([&] {
    testing::become_nobody();
    const auto diag = SockDiag::open_for_pid(hidden.pid());
    return diag.ok() ? std::string("opened") : diag.error().message;
  });
  EXPECT_NE(observer.report().find("network namespace"), std::string::npos) << observer.report();
  EXPECT_NE(observer.report().find("CAP_SYS_ADMIN"), std::string::npos) << observer.report();
}

TEST(SockDiag, AProcessThatIsGoneIsAnError) {
  Child child([] { return std::string("up"); });
  const int pid = child.pid();
  child.end();
  EXPECT_FALSE(SockDiag::open_for_pid(pid).ok());
}

double median_us(const std::function<bool()>& look) {
  std::vector<double> costs;
  for (int i = 0; i < 301; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (!look()) return -1;
    const auto cost = std::chrono::steady_clock::now() - begin;
    costs.push_back(std::chrono::duration<double, std::micro>(cost).count());
  }
  std::nth_element(costs.begin(), costs.begin() + 150, costs.end());
  return costs[150];
}

double unread_dump_us(SockDiag& diag, std::uint16_t port) {
  const auto begin = std::chrono::steady_clock::now();
  count_unread(diag, port);
  const auto cost = std::chrono::steady_clock::now() - begin;
  return std::chrono::duration<double, std::micro>(cost).count();
}

TEST(SockDiag, ListenDumpCostDoesNotGrowWithConnections) {
  constexpr std::size_t kConnections = 5000;
  allow_descriptors(2 * kConnections + 200);
  SockDiag diag = open_here();
  const Listener listener(ListenerOptions{.backlog = 4096});
  auto socket = look_up(diag, listener.label());
  ASSERT_TRUE(socket.has_value());
  const auto dump = [&] { return diag.listeners().ok(); };
  const auto refresh = [&] { return diag.refresh(*socket).ok(); };
  const double before = median_us(dump);
  const double refresh_before = median_us(refresh);
  const double unread_before = unread_dump_us(diag, listener.port());
  std::vector<UniqueFd> clients;
  std::vector<UniqueFd> accepted;
  for (std::size_t i = 0; i < kConnections; ++i) {
    clients.push_back(start_connect(listener.port()));
    accepted.push_back(listener.accept_one());
    send_text(clients.back(), "x");
  }
  const double beside = median_us(dump);
  const double refresh_beside = median_us(refresh);
  ASSERT_TRUE(wait_for([&] { return count_unread(diag, listener.port()) == kConnections; }));
  std::printf("LISTEN dump, median: %.1f us with no connections, %.1f us beside %zu (x2 ends)\n",
              before, beside, kConnections);
  std::printf("refresh of one listener, median: %.1f us, then %.1f us\n", refresh_before,
              refresh_beside);
  std::printf("unread dump: %.0f us with no connections, %.0f us reporting all of them\n",
              unread_before, unread_dump_us(diag, listener.port()));
  std::printf("unread dump of another port: %.0f us\n", unread_dump_us(diag, 1));
  EXPECT_GT(refresh_before, 0);
  EXPECT_LT(beside, 5 * before + 200);
  EXPECT_LT(refresh_beside, 5 * refresh_before + 200);
}

}  // namespace
}  // namespace loopscope
