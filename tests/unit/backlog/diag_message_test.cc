#include "backlog/diag_message.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <cstring>
#include <random>

namespace loopscope {
namespace {

constexpr std::uint32_t kSequence = 7;

void append(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* const bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

void append_message(std::vector<std::byte>& out, std::uint16_t type, const void* payload,
                    std::size_t size, std::uint32_t sequence = kSequence) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof(header) + size);
  header.nlmsg_type = type;
  header.nlmsg_seq = sequence;
  append(out, &header, sizeof(header));
  append(out, payload, size);
  out.resize(NLMSG_ALIGN(out.size()));
}

inet_diag_msg half_open(std::uint8_t family) {
  inet_diag_msg message{};
  message.idiag_family = family;
  message.idiag_state = TCP_SYN_RECV;
  message.id.idiag_sport = htons(3000);
  message.id.idiag_src[0] = htonl(0x7f000001);
  message.idiag_rqueue = 5;
  message.idiag_wqueue = 511;
  message.idiag_uid = 1000;
  message.idiag_inode = 42;
  return message;
}

struct Parsed {
  DiagChunk chunk;
  std::vector<DiagSocket> sockets;
};

Parsed parse(std::span<const std::byte> bytes) {
  Parsed parsed;
  parsed.chunk = parse_diag_messages(
      bytes, kSequence, [&](const DiagSocket& socket) { parsed.sockets.push_back(socket); });
  return parsed;
}

TEST(DiagMessage, ReadsSocketsUntilDone) {
  std::vector<std::byte> bytes;
  const inet_diag_msg v4 = half_open(AF_INET);
  const inet_diag_msg v6 = half_open(AF_INET6);
  const int zero = 0;
  append_message(bytes, TCPDIAG_GETSOCK, &v4, sizeof(v4));
  append_message(bytes, SOCK_DIAG_BY_FAMILY, &v6, sizeof(v6));
  append_message(bytes, NLMSG_DONE, &zero, sizeof(zero));
  const Parsed parsed = parse(bytes);
  EXPECT_TRUE(parsed.chunk.done);
  EXPECT_EQ(parsed.chunk.error, 0);
  EXPECT_EQ(parsed.chunk.malformed, 0U);
  ASSERT_EQ(parsed.sockets.size(), 2U);
  const DiagSocket& socket = parsed.sockets[0];
  EXPECT_EQ(to_label(socket.local), "127.0.0.1:3000");
  EXPECT_EQ(socket.state, TCP_SYN_RECV);
  EXPECT_EQ(socket.rqueue, 5U);
  EXPECT_EQ(socket.wqueue, 511U);
  EXPECT_EQ(socket.uid, 1000U);
  EXPECT_EQ(socket.inode, 42U);
  EXPECT_TRUE(parsed.sockets[1].local.ipv6);
}

TEST(DiagMessage, ReportsTheKernelsError) {
  std::vector<std::byte> bytes;
  nlmsgerr error{};
  error.error = -EINVAL;
  append_message(bytes, NLMSG_ERROR, &error, sizeof(error));
  EXPECT_EQ(parse(bytes).chunk.error, EINVAL);
}

TEST(DiagMessage, NonsenseErrorsAreProtocolErrors) {
  for (const int value : {0, 1, INT32_MIN, -5000}) {
    std::vector<std::byte> bytes;
    append_message(bytes, NLMSG_ERROR, &value, sizeof(value));
    EXPECT_EQ(parse(bytes).chunk.error, EPROTO) << value;
  }
  std::vector<std::byte> empty;
  append_message(empty, NLMSG_ERROR, nullptr, 0);
  EXPECT_EQ(parse(empty).chunk.error, EPROTO);
}

TEST(DiagMessage, SkipsAnswersToAnEarlierRequest) {
  std::vector<std::byte> bytes;
  const inet_diag_msg message = half_open(AF_INET);
  append_message(bytes, TCPDIAG_GETSOCK, &message, sizeof(message), kSequence - 1);
  const int zero = 0;
  append_message(bytes, NLMSG_DONE, &zero, sizeof(zero), kSequence - 1);
  const Parsed parsed = parse(bytes);
  EXPECT_TRUE(parsed.sockets.empty());
  EXPECT_FALSE(parsed.chunk.done);
}

TEST(DiagMessage, SkipsUnknownFamiliesAndShortPayloads) {
  std::vector<std::byte> bytes;
  const inet_diag_msg strange = half_open(AF_UNIX);
  append_message(bytes, TCPDIAG_GETSOCK, &strange, sizeof(strange));
  const inet_diag_msg good = half_open(AF_INET);
  append_message(bytes, TCPDIAG_GETSOCK, &good, 20);
  append_message(bytes, TCPDIAG_GETSOCK, &good, sizeof(good));
  const Parsed parsed = parse(bytes);
  EXPECT_EQ(parsed.sockets.size(), 1U);
  EXPECT_EQ(parsed.chunk.malformed, 1U);
}

TEST(DiagMessage, LyingLengthsEndTheDatagram) {
  for (const std::uint32_t length : {0U, 1U, 15U, 4096U, UINT32_MAX, UINT32_MAX - 2}) {
    std::vector<std::byte> bytes;
    const inet_diag_msg message = half_open(AF_INET);
    append_message(bytes, TCPDIAG_GETSOCK, &message, sizeof(message));
    std::memcpy(bytes.data(), &length, sizeof(length));
    const Parsed parsed = parse(bytes);
    EXPECT_TRUE(parsed.sockets.empty()) << length;
    EXPECT_EQ(parsed.chunk.malformed, 1U) << length;
  }
}

TEST(DiagMessage, EveryTruncationIsSafe) {
  std::vector<std::byte> bytes;
  const inet_diag_msg message = half_open(AF_INET);
  for (int i = 0; i < 3; ++i) append_message(bytes, TCPDIAG_GETSOCK, &message, sizeof(message));
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const Parsed parsed = parse(cut);
    EXPECT_LE(parsed.sockets.size(), 3U);
    EXPECT_EQ(parsed.chunk.malformed, size % (bytes.size() / 3) == 0 ? 0U : 1U) << size;
  }
}

TEST(DiagMessage, RandomBytesAreSafe) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same bytes every time
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> bytes;
    const inet_diag_msg message = half_open(AF_INET6);
    for (int i = 0; i < 4; ++i) append_message(bytes, TCPDIAG_GETSOCK, &message, sizeof(message));
    for (int flips = 0; flips < 8; ++flips) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    EXPECT_LE(parse(bytes).sockets.size(), 64U);
  }
}

TEST(DiagMessage, RequestCarriesStatesAndItsOwnLength) {
  const std::vector<std::byte> bytes = build_dump_request(1U << TCP_LISTEN, {}, kSequence);
  nlmsghdr header{};
  inet_diag_req request{};
  ASSERT_EQ(bytes.size(), sizeof(header) + sizeof(request));
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(&request, bytes.data() + sizeof(header), sizeof(request));
  EXPECT_EQ(header.nlmsg_len, bytes.size());
  EXPECT_EQ(header.nlmsg_seq, kSequence);
  EXPECT_EQ(request.idiag_states, 1U << TCP_LISTEN);
}

// Runs the filter as the kernel's inet_diag_bc_run does.
bool filter_accepts(std::span<const std::byte> request, std::uint16_t port) {
  const std::size_t begin = sizeof(nlmsghdr) + sizeof(inet_diag_req) + sizeof(nlattr);
  auto left = static_cast<std::ptrdiff_t>(request.size() - begin);
  std::size_t at = begin;
  while (left > 0) {
    inet_diag_bc_op op{};
    inet_diag_bc_op operand{};
    std::memcpy(&op, &request[at], sizeof(op));
    if (at + 2 * sizeof(op) <= request.size()) {
      std::memcpy(&operand, &request[at + sizeof(op)], sizeof(operand));
    }
    bool holds = false;
    if (op.code == INET_DIAG_BC_S_GE) holds = port >= operand.no;
    if (op.code == INET_DIAG_BC_S_LE) holds = port <= operand.no;
    const std::size_t step = holds ? op.yes : op.no;
    left -= static_cast<std::ptrdiff_t>(step);
    at += step;
  }
  return left == 0;
}

TEST(DiagMessage, PortFilterAcceptsExactlyItsPorts) {
  const std::vector<std::vector<std::uint16_t>> cases = {
      {3000}, {0, 65535}, {80, 443, 8080}, std::vector<std::uint16_t>(kMaxFilterPorts, 9)};
  for (const auto& ports : cases) {
    const auto request = build_dump_request(1U << TCP_ESTABLISHED, ports, 1);
    for (std::uint32_t port = 0; port <= 65535; ++port) {
      const auto number = static_cast<std::uint16_t>(port);
      const bool wanted = std::find(ports.begin(), ports.end(), number) != ports.end();
      ASSERT_EQ(filter_accepts(request, number), wanted) << port;
    }
  }
}

TEST(DiagMessage, TooManyPortsMeanNoFilter) {
  const std::vector<std::uint16_t> ports(kMaxFilterPorts + 1, 80);
  EXPECT_EQ(build_dump_request(2, ports, 1).size(), build_dump_request(2, {}, 1).size());
}

}  // namespace
}  // namespace loopscope
