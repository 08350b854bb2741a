#include "target/thread_counters.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "support/child_process.h"
#include "target/own_stops.h"

namespace loopscope {
namespace {

int wait_fd = -1;

/// Waits in epoll for ever.
void wait_in_epoll(const ChildProcess::Channel& parent) {
  wait_fd = ::epoll_create1(0);
  ::dup2(wait_fd, 77);
  epoll_event event{};
  parent.say('r');
  ::epoll_wait(77, &event, 1, -1);
}

TEST(ThreadCounters, ShowAnEpollWait) {
  ChildProcess child(wait_in_epoll);
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  ASSERT_TRUE(eventually([&] {
    const auto state = counters->syscall();
    return state && state->in_epoll_wait();
  }));
  const auto state = counters->syscall();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->args[0], 77U);
  EXPECT_NE(state->sp, 0U);
  EXPECT_NE(state->pc, 0U);
  EXPECT_EQ(*counters->state(), 'S');
  EXPECT_GT(counters->sched()->run, Nanos(0));
  EXPECT_GT(counters->sched_detail()->timeslices, 0U);
  EXPECT_GE(counters->io()->write_calls, 1U);
  EXPECT_GE(*counters->voluntary_switches(), 1U);
  EXPECT_EQ(counters->stat()->parent_pid, ::getpid());
}

TEST(ThreadCounters, CountOwnStopsAsRunning) {
  ChildProcess child(wait_in_epoll);
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  ASSERT_TRUE(eventually([&] {
    const auto state = counters->syscall();
    return state && state->in_epoll_wait();
  }));
  const auto before = counters->sched();
  {
    const OwnStops::Stop stop(child.pid());
    stop.lasted(std::chrono::milliseconds(3));
  }
  const auto after = counters->sched();
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->run - before->run, Nanos(std::chrono::milliseconds(3)));
  const auto again = counters->sched();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->run, after->run) << "once";
}

TEST(ThreadCounters, EndWithTheirThread) {
  ChildProcess child(wait_in_epoll);
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  ASSERT_TRUE(counters->sched());
  ASSERT_TRUE(counters->stat());
  child.kill();
  child.wait();
  // Opened before the end, and never opened.
  for (const auto& ended : {counters->sched().error(), counters->state().error(),
                            counters->syscall().error(), counters->io().error()}) {
    EXPECT_NE(ended.message.find("has ended"), std::string::npos) << ended.message;
  }
  EXPECT_FALSE(ThreadCounters::open(child.pid(), child.pid()).ok());
}

TEST(ThreadCounters, SayWhatWouldAllowThem) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give up rights";
  ChildProcess target(wait_in_epoll);
  ASSERT_EQ(target.hear(), 'r');
  EXPECT_TRUE(true_in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    auto counters = ThreadCounters::open(target.pid(), target.pid());
    if (!counters || !counters->sched().ok()) return false;
    const auto state = counters->syscall();
    return !state.ok() && state.error().message.find("CAP_SYS_PTRACE") != std::string::npos &&
           state.error().message.find(std::to_string(target.pid())) != std::string::npos;
  }));
}

TEST(ThreadCounters, CostLittle) {
  ChildProcess child(wait_in_epoll);
  ASSERT_EQ(child.hear(), 'r');
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters);
  const auto time_of = [&](const char* what, auto read) {
    constexpr int kTimes = 2000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) EXPECT_TRUE(read().ok());
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    std::printf("%s: %.2f us\n", what, took.count() / kTimes);
    EXPECT_LT(took.count() / kTimes, 500.0);
  };
  time_of("schedstat", [&] { return counters->sched(); });
  time_of("syscall", [&] { return counters->syscall(); });
  time_of("state", [&] { return counters->state(); });
  time_of("io", [&] { return counters->io(); });
  time_of("status", [&] { return counters->voluntary_switches(); });
}

TEST(SyscallLine, IsParsed) {
  const auto state =
      parse_syscall("281 0xd 0x7ffc1 0x400 0xffffffffffffffff 0x0 0x8 0x7ff 0x7f1\n");
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->in_epoll_wait());
  EXPECT_EQ(state->args[0], 13U);
  EXPECT_EQ(state->args[3], ~std::uint64_t{0});
  EXPECT_EQ(state->sp, 0x7ffU);
  EXPECT_EQ(state->pc, 0x7f1U);
  EXPECT_TRUE(parse_syscall("running\n")->running);
  EXPECT_EQ(parse_syscall("-1 0x7ff 0x7f1\n")->number, -1);
}

TEST(SyscallLine, IsRefusedWhenHostile) {
  for (const char* text :
       {"", "-1", "x", "281", "281 0x1 0x2", "99999999999999999999 0 0 0 0 0 0 0 0",
        "281 0xg 0 0 0 0 0 0 0", "-2 0x1 0x2"}) {
    EXPECT_FALSE(parse_syscall(text)) << text;
  }
}

}  // namespace
}  // namespace loopscope
