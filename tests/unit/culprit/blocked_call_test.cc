#include "culprit/blocked_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "support/child_process.h"
#include "support/fake_memory.h"
#include "support/temporary_directory.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kPath = 0x1000;

SyscallState sleeping_in(std::int64_t number, std::uint64_t first = 0, std::uint64_t second = 0) {
  SyscallState state;
  state.number = number;
  state.args = {first, second};
  return state;
}

std::string text_of(const SyscallState& state, const MemoryReader& memory = FakeMemory()) {
  const auto call = describe_blocked_call(::getpid(), ::getpid(), state, memory);
  return call ? call->text() : "none";
}

FakeMemory with_path(std::string_view path) {
  FakeMemory memory;
  memory.map(kPath, path.size() + 1);
  for (std::size_t i = 0; i < path.size(); ++i) memory.write(kPath + i, path[i]);
  return memory;
}

TEST(BlockedCall, IsAbsentWhileTheThreadRuns) {
  SyscallState state = sleeping_in(SYS_read);
  state.running = true;
  EXPECT_EQ(text_of(state), "none");
}

TEST(BlockedCall, NamesCallsWithoutAnObject) {
  EXPECT_EQ(text_of(sleeping_in(SYS_futex, 0x1000)), "futex wait");
  EXPECT_EQ(text_of(sleeping_in(SYS_wait4, 77)), "wait4 for a child");
  EXPECT_EQ(text_of(sleeping_in(SYS_clock_nanosleep)), "clock_nanosleep");
  EXPECT_EQ(text_of(sleeping_in(SYS_ppoll, 0x1000)), "ppoll");
  EXPECT_EQ(text_of(sleeping_in(4321)), "syscall 4321");
}

TEST(BlockedCall, NamesWhatADescriptorStandsFor) {
  const TemporaryDirectory directory;
  const std::string path = directory / "data";
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd pipe_out(ends[0]);
  const UniqueFd pipe_in(ends[1]);
  const auto fd = [](const UniqueFd& owner) { return static_cast<std::uint64_t>(owner.get()); };

  EXPECT_EQ(text_of(sleeping_in(SYS_flock, fd(file))), "flock of " + path);
  EXPECT_EQ(text_of(sleeping_in(SYS_read, fd(pipe_out))), "read of a pipe");
  EXPECT_EQ(text_of(sleeping_in(SYS_connect, fd(socket))), "connect of a socket");
  EXPECT_EQ(text_of(sleeping_in(SYS_read, fd(event))), "read of [eventfd]");
  EXPECT_EQ(text_of(sleeping_in(SYS_read, 1000000)), "read") << "not open";
  EXPECT_EQ(text_of(sleeping_in(SYS_read, ~0ULL)), "read") << "no descriptor at all";

  const auto call =
      describe_blocked_call(::getpid(), ::getpid(), sleeping_in(SYS_read, fd(file)), FakeMemory());
  ASSERT_TRUE(call);
  EXPECT_EQ(call->frame().kind, "kernel");
  EXPECT_EQ(call->frame().function, "read");
  EXPECT_EQ(call->frame().file, path);
  const auto socket_call = describe_blocked_call(
      ::getpid(), ::getpid(), sleeping_in(SYS_recvfrom, fd(socket)), FakeMemory());
  ASSERT_TRUE(socket_call);
  EXPECT_EQ(socket_call->frame().file, "") << "only files go there";
}

TEST(BlockedCall, NamesThePathThatIsOpened) {
  const FakeMemory memory = with_path("/tmp/fifo");
  EXPECT_EQ(text_of(sleeping_in(SYS_openat, 0, kPath), memory), "openat of /tmp/fifo");
  EXPECT_EQ(text_of(sleeping_in(SYS_statfs, kPath), memory), "statfs of /tmp/fifo");
  EXPECT_EQ(text_of(sleeping_in(SYS_openat, 0, 0xdead), memory), "openat") << "unmapped";
  EXPECT_EQ(text_of(sleeping_in(SYS_openat, 0, kPath), with_path("")), "openat");
}

TEST(BlockedCall, NeverShowsWhatACallReadsOrWrites) {
  const FakeMemory memory = with_path("secret");
  for (const auto number : {SYS_read, SYS_write, SYS_sendto, SYS_recvfrom, SYS_ioctl}) {
    EXPECT_EQ(text_of(sleeping_in(number, 1000000, kPath), memory).find("secret"),
              std::string::npos);
  }
}

TEST(BlockedCall, TakesHostilePaths) {
  const std::string escape = "/tmp/\x1b[31m\n\x7f\xc3\xa9";
  EXPECT_EQ(text_of(sleeping_in(SYS_openat, 0, kPath), with_path(escape)),
            "openat of /tmp/?[31m??\xc3\xa9");
  const std::string prefix = "openat of ";
  const auto shown = [&](const std::string& path) {
    const std::string text = text_of(sleeping_in(SYS_openat, 0, kPath), with_path(path));
    return text.substr(std::min(prefix.size(), text.size()));
  };
  const std::string fits(255, 'a');
  EXPECT_EQ(shown(fits), fits);
  // Of a longer one the end says most.
  EXPECT_EQ(shown(std::string(100000, 'a')), "\u2026" + std::string(250, 'a') + "...");
  EXPECT_EQ(shown("/" + std::string(256, 'a') + "/app.log"),
            "\u2026" + std::string(245, 'a') + "/app.log");
  // No part of a character is left over.
  EXPECT_EQ(shown(std::string(50, 'a') + "\xc3\xa9" + std::string(252, 'a')),
            "\u2026" + std::string(252, 'a'));
  // A path that runs into unmapped memory has no end.
  FakeMemory cut;
  cut.map(kPath, 4);
  for (std::uint64_t i = 0; i < 4; ++i) cut.write(kPath + i, 'x');
  EXPECT_EQ(text_of(sleeping_in(SYS_openat, 0, kPath), cut), "openat of xxxx...");
}

/// What a child sleeps in once it sleeps; nothing after 20 s.
std::string sleep_of(const ChildProcess& child, const std::string& until) {
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  if (!counters) return counters.error().message;
  const RemoteMemory memory(child.pid());
  std::string text;
  eventually([&] {
    const auto state = counters->syscall();
    const auto call =
        state ? describe_blocked_call(child.pid(), child.pid(), *state, memory) : std::nullopt;
    text = call ? call->text() : "";
    return text == until;
  });
  return text;
}

TEST(BlockedCall, TellsRealSleepers) {
  const TemporaryDirectory directory;
  const std::string path = directory / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const ChildProcess opener([&](const ChildProcess::Channel&) { ::open(path.c_str(), O_RDONLY); });
  EXPECT_EQ(sleep_of(opener, "openat of " + path), "openat of " + path);

  const ChildProcess reader([&](const ChildProcess::Channel& parent) {
    const int fd = ::open(path.c_str(), O_RDWR);
    char byte = 0;
    if (::read(fd, &byte, 1) != 1) parent.say('x');
  });
  EXPECT_EQ(sleep_of(reader, "read of " + path), "read of " + path);

  const ChildProcess waiter([&](const ChildProcess::Channel& parent) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      parent.hear();
      ::_exit(0);
    }
    ::waitpid(grandchild, nullptr, 0);
  });
  EXPECT_EQ(sleep_of(waiter, "wait4 for a child"), "wait4 for a child");
}

TEST(BlockedCall, TellsAPageFault) {
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    const auto fd = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC));
    uffdio_api api{};
    api.api = UFFD_API;
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_register range{};
    range.range = {reinterpret_cast<std::uint64_t>(page), 4096};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    const bool ready =
        fd >= 0 && ::ioctl(fd, UFFDIO_API, &api) == 0 && ::ioctl(fd, UFFDIO_REGISTER, &range) == 0;
    parent.say(ready ? 'y' : 'n');
    if (ready) *static_cast<volatile char*>(page) = 1;  // nobody serves it
  });
  if (child.hear() != 'y') GTEST_SKIP() << "userfaultfd is refused; run as root";
  EXPECT_EQ(sleep_of(child, "page fault in handle_userfault"), "page fault in handle_userfault");
}

}  // namespace
}  // namespace loopscope
