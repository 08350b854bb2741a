#include "backlog/diag_message.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace loopscope {
namespace {

template <typename T>
void append(std::vector<std::byte>& out, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inet_diag_bc_op operation(int code, std::size_t yes, std::size_t no) {
  inet_diag_bc_op op{};
  op.code = static_cast<unsigned char>(code);
  op.yes = static_cast<unsigned char>(yes);
  op.no = static_cast<unsigned short>(no);
  return op;
}

// The kernel's filter language: every operation says how many bytes to go on by when it
// holds and when it does not. Reaching exactly the end accepts the socket, the end + 4
// rejects it. A comparison's operand sits in the `no` field of the word after it; JMP
// always takes its `no` branch. One block per port: port >= p, port <= p, accept.
std::vector<std::byte> port_filter(std::span<const std::uint16_t> ports) {
  constexpr std::size_t kWord = sizeof(inet_diag_bc_op);
  constexpr std::size_t kBlock = 5 * kWord;
  const std::size_t total = ports.size() * kBlock;
  std::vector<std::byte> code;
  code.reserve(total);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::size_t to_end = total - i * kBlock;
    const bool last = i + 1 == ports.size();
    const std::size_t miss_at_first = last ? to_end + kWord : kBlock;
    append(code, operation(INET_DIAG_BC_S_GE, 2 * kWord, miss_at_first));
    append(code, operation(INET_DIAG_BC_NOP, 0, ports[i]));
    append(code, operation(INET_DIAG_BC_S_LE, 2 * kWord, miss_at_first - 2 * kWord));
    append(code, operation(INET_DIAG_BC_NOP, 0, ports[i]));
    append(code, operation(INET_DIAG_BC_JMP, kWord, to_end - 4 * kWord));
  }
  return code;
}

DiagSocket to_socket(const inet_diag_msg& message) {
  DiagSocket socket;
  socket.local.ipv6 = message.idiag_family == AF_INET6;
  const std::size_t length = socket.local.ipv6 ? 16 : 4;
  std::memcpy(socket.local.bytes.data(), static_cast<const void*>(message.id.idiag_src), length);
  socket.local.port = ntohs(message.id.idiag_sport);
  socket.state = message.idiag_state;
  socket.rqueue = message.idiag_rqueue;
  socket.wqueue = message.idiag_wqueue;
  socket.uid = message.idiag_uid;
  socket.inode = message.idiag_inode;
  socket.interface = message.id.idiag_if;
  socket.cookie = {message.id.idiag_cookie[0], message.id.idiag_cookie[1]};
  return socket;
}

int error_of(std::span<const std::byte> payload) {
  int negative_errno = 0;
  if (payload.size() < sizeof(negative_errno)) return EPROTO;
  std::memcpy(&negative_errno, payload.data(), sizeof(negative_errno));
  if (negative_errno >= 0 || negative_errno < -4095) return EPROTO;
  return -negative_errno;
}

}  // namespace

std::vector<std::byte> build_dump_request(std::uint32_t states,
                                          std::span<const std::uint16_t> ports,
                                          std::uint32_t sequence) {
  const std::vector<std::byte> filter =
      ports.size() > kMaxFilterPorts ? std::vector<std::byte>{} : port_filter(ports);
  nlmsghdr header{};
  header.nlmsg_type = TCPDIAG_GETSOCK;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header.nlmsg_seq = sequence;
  inet_diag_req request{};
  request.idiag_family = AF_INET;
  request.idiag_states = states;

  std::vector<std::byte> out;
  append(out, header);
  append(out, request);
  if (!filter.empty()) {
    nlattr attribute{};
    attribute.nla_type = INET_DIAG_REQ_BYTECODE;
    attribute.nla_len = static_cast<std::uint16_t>(sizeof(attribute) + filter.size());
    append(out, attribute);
    out.insert(out.end(), filter.begin(), filter.end());
  }
  header.nlmsg_len = static_cast<std::uint32_t>(out.size());
  std::memcpy(out.data(), &header, sizeof(header));
  return out;
}

std::vector<std::byte> build_get_request(const DiagSocket& socket, std::uint32_t sequence) {
  inet_diag_req_v2 request{};
  request.sdiag_family = socket.local.ipv6 ? AF_INET6 : AF_INET;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  request.id.idiag_sport = htons(socket.local.port);
  static_assert(sizeof(request.id.idiag_src) == sizeof(socket.local.bytes));
  std::memcpy(static_cast<void*>(request.id.idiag_src), socket.local.bytes.data(),
              socket.local.bytes.size());
  request.id.idiag_if = socket.interface;
  request.id.idiag_cookie[0] = socket.cookie[0];
  request.id.idiag_cookie[1] = socket.cookie[1];
  nlmsghdr header{};
  header.nlmsg_len = sizeof(header) + sizeof(request);
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = NLM_F_REQUEST;
  header.nlmsg_seq = sequence;
  std::vector<std::byte> out;
  append(out, header);
  append(out, request);
  return out;
}

DiagChunk parse_diag_messages(std::span<const std::byte> datagram, std::uint32_t sequence,
                              const DiagVisitor& visit) {
  DiagChunk chunk;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) {
      ++chunk.malformed;
      return chunk;
    }
    const auto payload = datagram.subspan(sizeof(header), header.nlmsg_len - sizeof(header));
    datagram =
        datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type == NLMSG_DONE) {
      chunk.done = true;
      return chunk;
    }
    if (header.nlmsg_type == NLMSG_ERROR) {
      chunk.error = error_of(payload);
      return chunk;
    }
    if (header.nlmsg_type != TCPDIAG_GETSOCK && header.nlmsg_type != SOCK_DIAG_BY_FAMILY) continue;
    inet_diag_msg message{};
    if (payload.size() < sizeof(message)) {
      ++chunk.malformed;
      continue;
    }
    std::memcpy(&message, payload.data(), sizeof(message));
    if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6) continue;
    visit(to_socket(message));
  }
  if (!datagram.empty()) ++chunk.malformed;
  return chunk;
}

}  // namespace loopscope
