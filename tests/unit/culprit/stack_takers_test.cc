#include "culprit/stack_takers.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "culprit/perf_taker.h"
#include "culprit/ptrace_taker.h"
#include "culprit/sleeping_taker.h"
#include "support/child_process.h"
#include "support/fake_clock.h"
#include "target/proc_file.h"
#include "target/proc_stat.h"
#include "target/stop_detector.h"

namespace loopscope {

// Not in an unnamed namespace and not inlined: the tests compare pcs with its place.
__attribute__((noinline)) void spin_for_the_taker_test() {
  volatile std::uint64_t sink = 0;
  for (;;) sink = sink + 1;
}

namespace {

using namespace std::chrono_literals;
using Channel = ChildProcess::Channel;

constexpr Nanos kPatience = 2s;

char state_of(int pid) {
  const auto text = read_proc_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!text) return '?';
  const auto stat = parse_proc_stat(*text);
  return stat ? stat->state : '?';
}

ProcessId process_of(int pid) {
  const auto id = identify(pid);
  return id ? *id : ProcessId{};
}

bool in_spin(const StackSample& sample) {
  const auto begin = reinterpret_cast<std::uint64_t>(&spin_for_the_taker_test);
  return sample.registers.pc >= begin && sample.registers.pc < begin + 128;
}

void expect_spinning(const Result<std::vector<StackSample>>& samples, int pid) {
  ASSERT_TRUE(samples.ok()) << samples.error().message;
  ASSERT_FALSE(samples->empty());
  for (const StackSample& sample : *samples) {
    EXPECT_TRUE(in_spin(sample)) << std::hex << sample.registers.pc;
    EXPECT_TRUE(sample.registers.has_all);
    EXPECT_EQ(sample.pid, pid);
    EXPECT_GE(sample.stack.size(), 64u);
  }
}

ChildProcess spinner() {
  return ChildProcess([](const Channel& parent) {
    parent.say('r');
    spin_for_the_taker_test();
  });
}

/// Whether a spinner has come to spin: it has used more CPU than its way there takes.
bool spins(const ChildProcess& child) {
  constexpr long long kOnTheWayNs = 5'000'000;
  return child.hear() == 'r' && eventually([&] {
           const auto text =
               read_proc_file("/proc/" + std::to_string(child.pid()) + "/schedstat", 64);
           return text && std::atoll(text->c_str()) > kOnTheWayNs;
         });
}

/// A child in `call`, which it enters after saying so and whose result it then tells.
template <typename Call>
ChildProcess caller(Call call) {
  return ChildProcess([call](const Channel& parent) {
    parent.say('r');
    parent.say(call(parent) ? 'y' : 'n');
    parent.hear();
  });
}

TEST(PerfTakerTest, SamplesARunningThreadWithoutStoppingIt) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  auto taker = PerfTaker::open(child.pid(), child.pid());
  if (!taker) GTEST_SKIP() << taker.error().message;
  const auto samples = (*taker)->take(3, kPatience);
  expect_spinning(samples, child.pid());
  EXPECT_EQ(samples->size(), 3u);
  EXPECT_EQ(samples->front().stopped, Nanos(0));
}

TEST(PerfTakerTest, ASleepingThreadGivesNothingAndNobodyWaitsForEver) {
  const ChildProcess child = caller([](const Channel& parent) { return parent.hear() == 'g'; });
  ASSERT_EQ(child.hear(), 'r');
  ASSERT_TRUE(eventually([&] { return state_of(child.pid()) == 'S'; }));
  auto taker = PerfTaker::open(child.pid(), child.pid());
  if (!taker) GTEST_SKIP() << taker.error().message;
  const auto samples = (*taker)->take(3, 20ms);
  ASSERT_TRUE(samples.ok());
  EXPECT_TRUE(samples->empty());
}

TEST(SleepingTakerTest, TellsTheCallAndTheStackOfASleepingThread) {
  const ChildProcess child = caller([](const Channel& parent) { return parent.hear() == 'g'; });
  ASSERT_EQ(child.hear(), 'r');
  ASSERT_TRUE(eventually([&] { return state_of(child.pid()) == 'S'; }));
  auto taker = SleepingTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok()) << taker.error().message;
  const auto samples = (*taker)->take(3, kPatience);
  ASSERT_TRUE(samples.ok());
  ASSERT_EQ(samples->size(), 1u);
  const StackSample& sample = samples->front();
  ASSERT_TRUE(sample.syscall);
  EXPECT_EQ(sample.syscall->number, SYS_read);
  EXPECT_EQ(sample.registers.sp, sample.syscall->sp);
  EXPECT_GE(sample.stack.size(), 64u);
}

TEST(SleepingTakerTest, ARunningThreadGivesNothing) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  auto taker = SleepingTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok());
  const auto samples = (*taker)->take(1, Nanos(0));
  ASSERT_TRUE(samples.ok());
  EXPECT_TRUE(samples->empty());
}

TEST(PtraceTakerTest, TakesARunningThreadAndLetsItGo) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  auto taker = PtraceTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok()) << taker.error().message;
  const auto samples = (*taker)->take(2, kPatience);
  expect_spinning(samples, child.pid());
  EXPECT_GT(samples->front().stopped, Nanos(0));
  EXPECT_NE(samples->front().registers.fs_base, 0u);
  EXPECT_TRUE(eventually([&] { return state_of(child.pid()) == 'R'; }));
}

TEST(PtraceTakerTest, AStoppedProcessStaysStopped) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  ASSERT_EQ(::kill(child.pid(), SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] { return state_of(child.pid()) == 'T'; }));
  auto taker = PtraceTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok());
  ASSERT_TRUE((*taker)->take(1, kPatience).ok());
  EXPECT_TRUE(eventually([&] { return state_of(child.pid()) == 'T'; }));
  ASSERT_EQ(::kill(child.pid(), SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return state_of(child.pid()) == 'R'; }));
}

TEST(PtraceTakerTest, ATracedThreadIsLeftToItsTracer) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  const int pid = child.pid();
  const ChildProcess tracer([pid](const Channel& parent) {
    parent.say(::syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, pid, 0, 0) == 0 ? 'y' : 'n');
    parent.hear();
  });
  ASSERT_EQ(tracer.hear(), 'y');
  const auto taker = PtraceTaker::open(pid, pid);
  ASSERT_FALSE(taker.ok());
  EXPECT_NE(taker.error().message.find("traces it already"), std::string::npos)
      << taker.error().message;
}

TEST(PtraceTakerTest, AnEndedThreadIsAnError) {
  ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  auto taker = PtraceTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok());
  child.kill();
  child.wait();
  EXPECT_FALSE((*taker)->take(1, kPatience).ok());
}

/// A target that sleeps must notice nothing.
struct SleepingCall {
  const char* name;
  bool (*call)(const Channel& parent);
  bool needs_word;  ///< ends when the parent says something
};

bool read_waits(const Channel& parent) {
  char c = 0;
  return ::read(parent.in, &c, 1) == 1;
}
bool poll_waits(const Channel& parent) {
  pollfd ready{parent.in, POLLIN, 0};
  return ::poll(&ready, 1, -1) == 1;
}
bool epoll_waits(const Channel& parent) {
  const int epoll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, parent.in, &event);
  return ::epoll_wait(epoll, &event, 1, -1) == 1;
}
bool nanosleep_sleeps(const Channel&) {
  const auto begin = std::chrono::steady_clock::now();
  const timespec time{0, 300'000'000};
  const bool whole = ::nanosleep(&time, nullptr) == 0;
  return whole && std::chrono::steady_clock::now() - begin >= 300ms;
}
bool futex_waits(const Channel&) {
  int word = 0;
  const timespec time{0, 300'000'000};
  const long result = ::syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &time, nullptr, 0);
  return result == -1 && errno == ETIMEDOUT;
}

class PtraceSyscallTest : public testing::TestWithParam<SleepingCall> {};

TEST_P(PtraceSyscallTest, IsNotDisturbed) {
  const ChildProcess child = caller(GetParam().call);
  ASSERT_EQ(child.hear(), 'r');
  ASSERT_TRUE(eventually([&] { return state_of(child.pid()) == 'S'; }));
  auto taker = PtraceTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok());
  const auto samples = (*taker)->take(2, 50ms);
  ASSERT_TRUE(samples.ok());
  EXPECT_TRUE(samples->empty()) << "it was stopped";
  if (GetParam().needs_word) child.tell('g');
  EXPECT_EQ(child.hear(), 'y');
}

INSTANTIATE_TEST_SUITE_P(Calls, PtraceSyscallTest,
                         testing::Values(SleepingCall{"read", read_waits, true},
                                         SleepingCall{"poll", poll_waits, true},
                                         SleepingCall{"epoll", epoll_waits, true},
                                         SleepingCall{"nanosleep", nanosleep_sleeps, false},
                                         SleepingCall{"futex", futex_waits, false}),
                         [](const auto& call) { return call.param.name; });

std::uint64_t counted(const CaptureCounters& counters, const std::string& result) {
  for (const auto& [name, count] : counters.snapshot().by_result) {
    if (name == result) return count;
  }
  return 0;
}

TEST(StackTakersTest, AsksASleepingThreadWhereItSleepsAndStopsNobody) {
  const ChildProcess child = caller([](const Channel& parent) { return parent.hear() == 'g'; });
  ASSERT_EQ(child.hear(), 'r');
  ASSERT_TRUE(eventually([&] { return state_of(child.pid()) == 'S'; }));
  CaptureCounters counters;
  StackTakers takers(process_of(child.pid()), child.pid(), {}, counters);
  const auto samples = takers.take(3, kPatience);
  ASSERT_TRUE(samples.ok());
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ(samples->front().way, CaptureWay::kSleeping);
  EXPECT_EQ(counted(counters, "sleeping"), 1u);
  EXPECT_EQ(counters.snapshot().stops.count, 0u);
}

TEST(StackTakersTest, StopsARunningThreadOnlyWherePerfMayNotBeUsed) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  CaptureCounters counters;
  StackTakers takers(process_of(child.pid()), child.pid(), {.perf = false}, counters);
  expect_spinning(takers.take(2, kPatience), child.pid());
  EXPECT_EQ(counted(counters, "ptrace"), 1u);
  EXPECT_EQ(counters.snapshot().stops.count, 2u);
}

/// A way that works, or does not, as the test says.
class ScriptedTaker final : public StackTaker {
 public:
  explicit ScriptedTaker(const bool& works) : works_(works) {}
  CaptureWay way() const override { return CaptureWay::kPerf; }
  Result<std::vector<StackSample>> take(std::size_t, Nanos) override {
    if (!works_) return Error{"no buffer"};
    return std::vector<StackSample>(1);
  }

 private:
  const bool& works_;
};

class StackTakersRetryTest : public testing::Test {
 protected:
  bool take() {
    const auto samples = takers_.take(1, 1ms);
    return samples.ok() && !samples->empty();
  }

  FakeClock clock_;
  CaptureCounters counters_;
  bool opens_ = true;
  bool works_ = true;
  int tries_ = 0;
  ProcessId process_ = process_of(::getpid());
  StackTakers takers_{process_,
                      process_.pid,
                      {.perf = true, .sleeping = false, .ptrace = false},
                      counters_,
                      [this](CaptureWay, int, int) -> Result<std::unique_ptr<StackTaker>> {
                        ++tries_;
                        if (!opens_) return Error{"too many open files"};
                        return std::unique_ptr<StackTaker>(new ScriptedTaker(works_));
                      },
                      clock_};
};

TEST_F(StackTakersRetryTest, OneRefusalDoesNotCloseAWayForEver) {
  ASSERT_TRUE(take());
  works_ = false;
  EXPECT_FALSE(take());
  works_ = true;
  EXPECT_FALSE(take()) << "at once would be too often";
  clock_.advance(StackTakers::kFirstRetry);
  EXPECT_TRUE(take());
  // And the next failure is the first again.
  works_ = false;
  EXPECT_FALSE(take());
  works_ = true;
  clock_.advance(StackTakers::kFirstRetry);
  EXPECT_TRUE(take());
}

TEST_F(StackTakersRetryTest, WhatIsRefusedForLongIsTriedSeldom) {
  opens_ = false;
  for (int second = 0; second < 3600; ++second) {
    EXPECT_FALSE(take());
    clock_.advance(1s);
  }
  EXPECT_LE(tries_, 70);
  EXPECT_GE(tries_, 60);
  opens_ = true;
  clock_.advance(StackTakers::kLongestRetry);
  EXPECT_TRUE(take());
}

TEST_F(StackTakersRetryTest, AnotherProcessOfThePidIsRefused) {
  ProcessId other = process_;
  ++other.start_time;
  StackTakers takers(
      other, other.pid, {.perf = false, .sleeping = false}, counters_,
      [this](CaptureWay, int, int) -> Result<std::unique_ptr<StackTaker>> {
        return std::unique_ptr<StackTaker>(new ScriptedTaker(works_));
      },
      clock_);
  const auto samples = takers.take(1, 1ms);
  ASSERT_FALSE(samples.ok());
  EXPECT_NE(samples.error().message.find("another process"), std::string::npos);
}

/// A child with a pid that was free; it spins. -1: not permitted.
int spin_as(int pid) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  args.set_tid_size = 1;
  const long child = ::syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    spin_for_the_taker_test();
  }
  return static_cast<int>(child);
}

TEST(PtraceTakerTest, AStrangerWithTheIdOfTheThreadIsNotStopped) {
  int pid = -1;
  std::unique_ptr<StackTaker> taker;
  {
    ChildProcess meant = spinner();
    ASSERT_TRUE(spins(meant));
    pid = meant.pid();
    auto opened = PtraceTaker::open(pid, pid);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    taker = std::move(*opened);
  }
  const int stranger = spin_as(pid);
  if (stranger < 0) GTEST_SKIP() << "needs CAP_SYS_ADMIN, to choose a pid";
  ASSERT_EQ(stranger, pid);
  EXPECT_TRUE(eventually([&] { return state_of(pid) == 'R'; }));
  const auto samples = taker->take(2, 100ms);
  EXPECT_TRUE(!samples.ok() || samples->empty());
  EXPECT_TRUE(eventually([&] { return state_of(pid) == 'R'; })) << "and let go";
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST(PtraceTakerTest, NobodyTakesItsStopsForTheProgramsOwn) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  auto taker = PtraceTaker::open(child.pid(), child.pid());
  ASSERT_TRUE(taker.ok()) << taker.error().message;
  std::atomic<bool> done = false;
  std::thread takes([&] {
    for (int i = 0; i < 20; ++i) (void)(*taker)->take(1, 10ms);
    done = true;
  });
  auto counters = ThreadCounters::open(child.pid(), child.pid());
  ASSERT_TRUE(counters.ok());
  StopDetector detector;
  int looks = 0;
  int stopped = 0;
  for (; !done; ++looks) stopped += detector.is_stopped(*counters, 0s) ? 1 : 0;
  takes.join();
  EXPECT_EQ(stopped, 0) << "of " << looks;
  // What somebody else stops is stopped.
  ::kill(child.pid(), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return detector.is_stopped(*counters, 0s); }));
}

TEST(StackTakersTest, WithEveryWaySwitchedOffItSaysSo) {
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  CaptureCounters counters;
  const CaptureWays none{.perf = false, .sleeping = false, .ptrace = false};
  StackTakers takers(process_of(child.pid()), child.pid(), none, counters);
  const auto samples = takers.take(1, kPatience);
  ASSERT_FALSE(samples.ok());
  EXPECT_NE(samples.error().message.find("perf: switched off"), std::string::npos);
  EXPECT_EQ(counted(counters, "refused"), 1u);
  takers.set_allowed({});
  EXPECT_TRUE(takers.take(1, kPatience).ok());
}

TEST(StackTakersTest, AnotherUsersProcessIsRefusedWithTheReason) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const ChildProcess child = spinner();
  ASSERT_TRUE(spins(child));
  const int pid = child.pid();
  EXPECT_TRUE(true_in_child([pid] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    CaptureCounters counters;
    StackTakers takers(process_of(pid), pid, {}, counters);
    const auto samples = takers.take(1, 20ms);
    return !samples.ok() && samples.error().message.find("CAP_SYS_PTRACE") != std::string::npos;
  }));
}

}  // namespace
}  // namespace loopscope
