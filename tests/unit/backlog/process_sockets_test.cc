#include "backlog/process_sockets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "unit/backlog/loopback.h"

namespace loopscope {
namespace {

using testing::Child;
using testing::Listener;
using Access = ProcessSockets::Access;

std::uint32_t inode_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) testing::die("fstat");
  return static_cast<std::uint32_t>(info.st_ino);
}

TEST(SocketLink, OnlySocketsCount) {
  EXPECT_EQ(parse_socket_link("socket:[123]"), 123U);
  EXPECT_EQ(parse_socket_link("socket:[4294967295]"), UINT32_MAX);
  for (const char* const text :
       {"", "socket:", "socket:[", "socket:[]", "socket:[12", "socket:[12x]", "socket:[-1]",
        "socket:[4294967296]", "socket:[99999999999999999999]", "pipe:[12]", "/socket:[12]",
        "anon_inode:[eventpoll]", "socket:[1] (deleted)"}) {
    EXPECT_EQ(parse_socket_link(text), 0U) << text;
  }
}

TEST(ProcessSockets, FindsOwnSocketsAmongTheWanted) {
  const Listener wanted;
  const Listener other;
  const auto found = find_process_sockets(::getpid(), InodeSet{inode_of(wanted.fd()), UINT32_MAX});
  EXPECT_EQ(found.access, Access::kReadable);
  EXPECT_EQ(found.inodes, InodeSet{inode_of(wanted.fd())});
}

TEST(ProcessSockets, AProcessThatIsGoneHasNone) {
  Child child([] { return std::string("up"); });
  const int pid = child.pid();
  child.end();
  EXPECT_EQ(find_process_sockets(pid, {1}).access, Access::kGone);
}

TEST(ProcessSockets, AnotherUsersProcessIsDeniedWithAReason) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const int root_pid = ::getpid();
  Child observer([root_pid] {
    testing::become_nobody();
    const auto found = find_process_sockets(root_pid, {1});
    return found.access == Access::kDenied ? found.reason : std::string("not denied");
  });
  EXPECT_NE(observer.report().find("pid " + std::to_string(root_pid)), std::string::npos)
      << observer.report();
  EXPECT_NE(observer.report().find("CAP_SYS_PTRACE"), std::string::npos) << observer.report();
}

TEST(ProcessOwner, IsReadFromStatus) {
  const auto owner = parse_process_owner("Name:\tx\nPPid:\t7\nUid:\t1000\t33\t1\t2\nGid:\t0\n");
  ASSERT_TRUE(owner.ok());
  EXPECT_EQ(owner->uid, 33U);
  EXPECT_EQ(owner->parent, 7);
  for (const char* const text :
       {"", "Name:\tx\n", "x\nUid:\t1\nPPid:\t1\n", "x\nUid:\t1\t99999999999\nPPid:\t1\n",
        "x\nUid:\t0\t0\nPPid:\t-1\n"}) {
    EXPECT_FALSE(parse_process_owner(text).ok()) << text;
  }
}

TEST(ProcessOwner, OfThisProcess) {
  const auto owner = read_process_owner(::getpid());
  ASSERT_TRUE(owner.ok()) << owner.error().message;
  EXPECT_EQ(owner->uid, ::geteuid());
  EXPECT_EQ(owner->parent, ::getppid());
  const auto pids = processes_of_uid(::geteuid());
  EXPECT_NE(std::find(pids.begin(), pids.end(), ::getpid()), pids.end());
}

}  // namespace
}  // namespace loopscope
