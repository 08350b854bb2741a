#include "target/epoll_waiters.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "support/child_process.h"
#include "support/temporary_directory.h"
#include "target/process_info.h"
#include "target/runtime_info.h"

namespace loopscope {
namespace {

void wait_in(int epoll) {
  epoll_event event{};
  ::epoll_wait(epoll, &event, 1, -1);
}

/// Two threads wait: on one descriptor or each on its own.
std::function<void(const ChildProcess::Channel&)> two_waiters(bool shared) {
  return [shared](const ChildProcess::Channel& parent) {
    const int first = ::epoll_create1(0);
    const int second = shared ? first : ::epoll_create1(0);
    std::thread thread([second] { wait_in(second); });
    parent.say('r');
    wait_in(first);
  };
}

/// The verdict once `count` threads of the child wait.
WaitVerdict verdict_on(const ChildProcess& child, std::size_t count) {
  EXPECT_EQ(child.hear(), 'r');
  std::vector<EpollWaiter> waiters;
  EXPECT_TRUE(eventually([&] {
    const auto tids = list_threads(child.pid());
    waiters = tids ? epoll_waiters(child.pid(), *tids) : std::vector<EpollWaiter>();
    return waiters.size() == count;
  }));
  return judge_waits(child.pid(), waiters);
}

TEST(EpollWaiters, ThreadsWithDescriptorsOfTheirOwnMayBeLoops) {
  const ChildProcess child(two_waiters(false));
  const WaitVerdict verdict = verdict_on(child, 2);
  EXPECT_TRUE(verdict.has_loop);
  EXPECT_EQ(verdict.why_not, "");
}

TEST(EpollWaiters, ThreadsThatShareADescriptorAreNone) {
  const ChildProcess child(two_waiters(true));
  const WaitVerdict verdict = verdict_on(child, 2);
  EXPECT_FALSE(verdict.has_loop);
  EXPECT_NE(verdict.why_not.find("several of its threads poll"), std::string::npos);
}

TEST(EpollWaiters, WorkersOfTokioAreNone) {
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    ::prctl(PR_SET_NAME, "tokio-runtime-worker");
    parent.say('r');
    wait_in(::epoll_create1(0));
  });
  const WaitVerdict verdict = verdict_on(child, 1);
  EXPECT_FALSE(verdict.has_loop);
  EXPECT_NE(verdict.why_not.find("tokio"), std::string::npos);
}

TEST(EpollWaiters, APoolIsKnownByItsNameAndItsSleepers) {
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    std::mutex mutex;
    std::condition_variable never;
    const auto work = [&](bool polls) {
      ::prctl(PR_SET_NAME, "pool");
      if (polls) return wait_in(::epoll_create1(0));
      std::unique_lock lock(mutex);
      never.wait(lock, [] { return false; });
    };
    std::thread poller(work, true);
    std::thread sleeper(work, false);
    parent.say('r');
    ::pause();
  });
  ASSERT_EQ(child.hear(), 'r');
  std::vector<int> tids;
  EXPECT_TRUE(eventually([&] {
    const auto listed = list_threads(child.pid());
    tids = listed ? *listed : std::vector<int>();
    const auto waiters = epoll_waiters(child.pid(), tids);
    if (tids.size() != 3 || waiters.size() != 1) return false;
    std::erase(tids, waiters[0].tid);
    return is_one_of_a_pool(child.pid(), waiters[0].tid, tids);
  }));
  EXPECT_FALSE(is_one_of_a_pool(child.pid(), child.pid(), tids)) << "the main thread";
}

TEST(EpollWaiters, NobodyWaitsInAnEndedProcess) {
  EXPECT_TRUE(epoll_waiters(2147483647, std::vector<int>{2147483647}).empty());
  EXPECT_FALSE(judge_waits(2147483647, {}).has_loop);
  EXPECT_EQ(judge_waits(2147483647, {}).why_not, "");
}

TEST(RuntimeInfo, AJavaVirtualMachineIsKnownByItsLibrary) {
  const TemporaryDirectory directory;
  const std::string library(directory / "libjvm.so");
  std::filesystem::copy_file("/bin/sleep", library);
  const ChildProcess machine([&library](const ChildProcess::Channel& parent) {
    const int file = ::open(library.c_str(), O_RDONLY | O_CLOEXEC);
    void* const code = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    parent.say(code != MAP_FAILED ? 'r' : 'x');
    ::pause();
  });
  ASSERT_EQ(machine.hear(), 'r');
  RuntimeProbe probe;
  const auto runtime = probe.probe(machine.pid());
  ASSERT_TRUE(runtime);
  EXPECT_EQ(runtime->name, "java");
  EXPECT_TRUE(why_no_event_loop(*runtime).starts_with("Java virtual machines"));
  EXPECT_FALSE(main_thread_is_loop(*runtime));
}

TEST(RuntimeInfo, WhatIsKnownOfRuntimes) {
  RuntimeInfo runtime;
  for (const char* name : {"go", "java", "dotnet", "erlang"}) {
    runtime.name = name;
    EXPECT_NE(why_no_event_loop(runtime), "") << name;
    EXPECT_FALSE(main_thread_is_loop(runtime)) << name;
  }
  for (const char* name : {"deno", "bun", "python", "nginx", "redis"}) {
    runtime.name = name;
    EXPECT_EQ(why_no_event_loop(runtime), "") << name;
    EXPECT_TRUE(main_thread_is_loop(runtime)) << name;
  }
  for (const char* name : {"node", "libuv", "unknown"}) {
    runtime.name = name;
    EXPECT_EQ(why_no_event_loop(runtime), "") << name;
    EXPECT_FALSE(main_thread_is_loop(runtime)) << name;
  }
}

}  // namespace
}  // namespace loopscope
