#include "sources/procfs/procfs_source.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>

#include "base/clock.h"
#include "support/child_process.h"
#include "unit/sources/procfs/epoll_workload.h"

namespace loopscope {
namespace {

constexpr Nanos kLook = std::chrono::milliseconds(1);

std::unique_ptr<ProcfsSource> attach(const ChildProcess& child) {
  std::unique_ptr<ProcfsSource> source;
  eventually([&] {
    auto attached = ProcfsSource::attach(child.pid(), child.pid(), {}, true);
    if (!attached) std::printf("%s\n", attached.error().message.c_str());
    if (attached) source = std::move(*attached);
    return !attached || source != nullptr;
  });
  return source;
}

/// What a series of looks claims.
struct Claims {
  Nanos longest{0};      ///< longest time seen busy without a turn
  Nanos longest_gap{0};  ///< between two looks: how far off a claim can be
  bool ends_waiting = false;
};

/// Looks each millisecond until the child has said something and waits again.
Claims watch(ProcfsSource& source, const ChildProcess& child) {
  const SystemClock clock;
  Claims claims;
  LoopSample first;
  LoopSample last;
  bool is_busy = false;
  bool has_answered = false;
  const Nanos begin = clock.now();
  while (clock.now() - begin < std::chrono::seconds(20)) {
    const auto sample = source.sample(clock.now());
    if (!sample) break;
    if (last.at != Nanos(0)) {
      claims.longest_gap = std::max(claims.longest_gap, sample->at - last.at);
    }
    const bool waits = sample->phase == Phase::kPollWait;
    if (!waits && (!is_busy || sample->iteration != first.iteration)) first = *sample;
    if (!waits) claims.longest = std::max(claims.longest, sample->at - first.at);
    is_busy = !waits;
    last = *sample;
    claims.ends_waiting = waits;
    if (has_answered && waits) break;
    pollfd said{child.read_fd(), POLLIN, 0};
    has_answered |= ::poll(&said, 1, 0) == 1;
    std::this_thread::sleep_for(kLook);
  }
  return claims;
}

Nanos longest_truth(const ChildProcess& child) {
  child.tell('m');
  int milliseconds = 0;
  for (int digit = 0; digit < 4; ++digit) milliseconds = milliseconds * 10 + (child.hear() - '0');
  return std::chrono::milliseconds(milliseconds);
}

/// Has the child obey one order; what was claimed meanwhile and what was true.
struct Round {
  Claims claims;
  Nanos truth{0};
  bool answered = false;
};
Round give_order(ProcfsSource& source, const ChildProcess& child, char order) {
  longest_truth(child);
  source.sample(SystemClock().now()).ok();
  Round round;
  child.tell(order);
  round.claims = watch(source, child);
  round.answered = child.hear() == order;
  round.truth = longest_truth(child);
  std::printf("'%c': claimed %.1f ms, true %.1f ms, looks up to %.1f ms apart\n", order,
              static_cast<double>(round.claims.longest.count()) / 1e6,
              static_cast<double>(round.truth.count()) / 1e6,
              static_cast<double>(round.claims.longest_gap.count()) / 1e6);
  return round;
}

/// Nothing was claimed that was not there. The first 8 ms of a busy period are judged by
/// signs alone, and each look may come late.
bool is_honest(const Round& round) {
  return round.answered && round.claims.ends_waiting &&
         round.claims.longest <=
             round.truth + std::chrono::milliseconds(10) + 3 * round.claims.longest_gap;
}

/// As far as looks that came late allow.
bool is_seen(const Round& round) {
  return round.claims.longest + std::chrono::milliseconds(20) + 3 * round.claims.longest_gap >=
         round.truth;
}

/// Makes perf_event_open fail, as container runtimes do.
bool forbid_perf_events() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(ProcfsSource, AnIdleLoopWaitsAndDoesNotTurn) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  const auto first = source->sample(SystemClock().now());
  ASSERT_TRUE(first);
  for (int look = 0; look < 50; ++look) {
    const auto sample = source->sample(SystemClock().now());
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->phase, Phase::kPollWait);
    EXPECT_EQ(sample->iteration, first->iteration);
    EXPECT_FALSE(sample->stopped);
    EXPECT_FALSE(sample->iteration_is_count);
    EXPECT_TRUE(sample->sched.has_value());
    std::this_thread::sleep_for(kLook);
  }
}

TEST(ProcfsSource, SeesEachKindOfBlock) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  if (!source->info().note.empty()) GTEST_SKIP() << source->info().note;
  // Computing, reading files, sleeping in a system call, a nested loop.
  for (const char order : {'c', 'f', 'z', 'n'}) {
    const Round round = give_order(*source, child, order);
    EXPECT_TRUE(is_honest(round)) << order;
    EXPECT_TRUE(is_seen(round)) << order;
  }
}

TEST(ProcfsSource, ASaturatedLoopIsNotBlocked) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  if (!source->info().note.empty()) GTEST_SKIP() << source->info().note;
  EXPECT_TRUE(is_honest(give_order(*source, child, 's')));
  EXPECT_TRUE(is_seen(give_order(*source, child, 'c')));
}

TEST(ProcfsSource, ClaimsLessWhereItCannotCountPolls) {
  EXPECT_TRUE(true_in_child([] {
    ChildProcess child(EpollWorkload::run);
    if (child.hear() != 'r' || !forbid_perf_events()) return false;
    const auto source = attach(child);
    if (source == nullptr) return false;
    std::printf("note: %s\n", source->info().note.c_str());
    bool good = source->info().note.find("cannot count the polls") != std::string::npos;
    for (const char order : {'s', 'c', 'f'}) good &= is_honest(give_order(*source, child, order));
    for (const char order : {'z', 'n'}) {
      const Round round = give_order(*source, child, order);
      good &= is_honest(round) && is_seen(round);
    }
    std::fflush(stdout);
    return good;
  }));
}

TEST(ProcfsSource, TurnsAreToldApart) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  auto before = source->sample(SystemClock().now());
  ASSERT_TRUE(before);
  for (int turn = 0; turn < 5; ++turn) {
    longest_truth(child);
    ASSERT_TRUE(eventually([&] {
      const auto sample = source->sample(SystemClock().now());
      return sample && sample->phase == Phase::kPollWait && sample->iteration > before->iteration;
    }));
    before = source->sample(SystemClock().now());
    ASSERT_TRUE(before);
  }
}

TEST(ProcfsSource, AStoppedLoopIsStopped) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  const auto is_stopped = [&] {
    const auto sample = source->sample(SystemClock().now());
    return sample && sample->stopped;
  };
  EXPECT_FALSE(is_stopped());
  ::kill(child.pid(), SIGSTOP);
  EXPECT_TRUE(eventually(is_stopped));
  ::kill(child.pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return !is_stopped(); }));
  EXPECT_TRUE(is_honest(give_order(*source, child, 'z')));
}

TEST(ProcfsSource, EndsWithItsThread) {
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  const auto source = attach(child);
  ASSERT_NE(source, nullptr);
  child.kill();
  child.wait();
  const auto sample = source->sample(SystemClock().now());
  ASSERT_FALSE(sample);
  EXPECT_NE(sample.error().message.find("has ended"), std::string::npos);
}

TEST(ProcfsSource, DoesNotTakeAnyThreadForALoop) {
  ChildProcess child([](const ChildProcess::Channel& parent) {
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  const auto attached = ProcfsSource::attach(child.pid(), child.pid(), {}, true);
  ASSERT_TRUE(attached);
  EXPECT_EQ(*attached, nullptr);
  EXPECT_FALSE(ProcfsSource::attach(2147483647, 2147483647, {}, true).ok());
}

TEST(ProcfsSource, SaysThatItMustNotLook) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give up rights";
  ChildProcess child(EpollWorkload::run);
  ASSERT_EQ(child.hear(), 'r');
  EXPECT_TRUE(true_in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    const auto attached = ProcfsSource::attach(child.pid(), child.pid(), {}, true);
    return !attached.ok() && attached.error().message.find("CAP_SYS_PTRACE") != std::string::npos;
  }));
}

}  // namespace
}  // namespace loopscope
