#include "backlog/backlog_monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "support/no_threads.h"
#include "unit/backlog/loopback.h"

namespace loopscope {
namespace {

using testing::allow_descriptors;
using testing::become_nobody;
using testing::Child;
using testing::find_listener;
using testing::find_source;
using testing::Listener;
using testing::ListenerOptions;
using testing::sample;
using testing::send_text;
using testing::start_connect;
using testing::start_connects;
using testing::target;
using testing::wait_for;

const SystemClock kClock;

/// Samples until the listener has this depth, then returns that snapshot.
Snapshot sample_until_depth(BacklogMonitor& monitor, const std::string& label, int pid,
                            std::uint64_t depth) {
  Snapshot snapshot;
  wait_for([&] {
    snapshot = sample(monitor);
    const ListenerSnapshot* const found = find_listener(snapshot, label, pid);
    return found != nullptr && found->depth == depth;
  });
  return snapshot;
}

std::string summary(const Snapshot& snapshot, const std::string& label, int pid) {
  const ListenerSnapshot* const found = find_listener(snapshot, label, pid);
  if (found == nullptr) {
    const SourceSnapshot* const source = find_source(snapshot, "backlog");
    return "absent: " + (source == nullptr ? std::string("no source") : source->reason);
  }
  return std::to_string(found->depth) + "/" + std::to_string(found->limit);
}

TEST(BacklogMonitor, AFullQueueReadsLimitPlusOneAndOverflowsGrow) {
  allow_descriptors(2000);
  const Listener listener(ListenerOptions{.backlog = 511});
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(pid)});
  const Snapshot before = sample(monitor);
  ASSERT_EQ(before.namespaces.size(), 1U);
  const auto clients = start_connects(600, listener.port());
  const Snapshot full = sample_until_depth(monitor, listener.label(), pid, 512);
  const ListenerSnapshot* const found = find_listener(full, listener.label(), pid);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->depth, 512U);
  EXPECT_EQ(found->limit, 511U);
  EXPECT_EQ(found->max_1m, 512U);
  EXPECT_EQ(found->labels.loop, "main");
  EXPECT_EQ(found->unread, 0U);
  EXPECT_TRUE(found->syn_received.has_value());
  EXPECT_TRUE(wait_for([&] {
    const Snapshot now = sample(monitor);
    return now.namespaces.at(0).listen_overflows > before.namespaces[0].listen_overflows &&
           now.namespaces.at(0).listen_drops > before.namespaces[0].listen_drops;
  }));
  EXPECT_TRUE(find_source(full, "backlog")->success);
  EXPECT_TRUE(find_source(full, "tcp_ext")->success);
}

// The target is root's, the observer nobody: its descriptors cannot be read.
TEST(BacklogMonitor, AnUnprivilegedObserverSeesAnotherUsersBacklog) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  allow_descriptors(2000);
  const Listener listener(ListenerOptions{.backlog = 511});
  const auto clients = start_connects(600, listener.port());
  const int pid = ::getpid();
  for (const bool by_port : {false, true}) {
    Child observer([&] {
      become_nobody();
      BacklogMonitor monitor({}, kClock);
      monitor.set_targets({by_port ? target(pid, listener.port()) : target(pid)});
      const Snapshot snapshot = sample_until_depth(monitor, listener.label(), pid, 512);
      if (by_port && snapshot.listeners.size() != 1) return std::string("too many listeners");
      if (monitor.notes().empty()) return std::string("nothing said about the guess");
      if (!find_source(snapshot, "backlog")->success) return std::string("no success");
      return summary(snapshot, listener.label(), pid);
    });
    EXPECT_EQ(observer.report(), "512/511") << "by_port " << by_port;
  }
}

// Both belong to nobody, and the target does or does not allow itself to be inspected.
TEST(BacklogMonitor, AnUnprivilegedObserverSeesItsOwnUsersBacklog) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  for (const bool dumpable : {false, true}) {
    Child server([dumpable] {
      become_nobody();
      ::prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0);
      const auto* const listener = new Listener(ListenerOptions{.backlog = 5});
      for (int i = 0; i < 3; ++i) start_connect(listener->port()).release();
      return std::to_string(listener->port());
    });
    const std::string label = "127.0.0.1:" + server.report();
    Child observer([&] {
      become_nobody();
      BacklogMonitor monitor({}, kClock);
      monitor.set_targets({target(server.pid())});
      const Snapshot snapshot = sample_until_depth(monitor, label, server.pid(), 3);
      if (monitor.notes().empty() != dumpable) return std::string("unexpected access");
      return summary(snapshot, label, server.pid());
    });
    EXPECT_EQ(observer.report(), "3/5") << "dumpable " << dumpable;
  }
}

TEST(BacklogMonitor, Ipv6) {
  const Listener listener(ListenerOptions{.ipv6 = true, .backlog = 20, .any_address = true});
  const UniqueFd v6 = start_connect(listener.port(), true);
  const UniqueFd v4 = start_connect(listener.port(), false);
  send_text(v6, "x");
  send_text(v4, "x");
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(pid)});
  ASSERT_TRUE(listener.label().starts_with("[::]:"));
  EXPECT_TRUE(wait_for([&] {
    const Snapshot snapshot = sample(monitor);
    const ListenerSnapshot* const found = find_listener(snapshot, listener.label(), pid);
    return found != nullptr && found->depth == 2 && found->unread == 2U;
  }));
}

TEST(BacklogMonitor, ReusePortSiblingsOfOneProcessAreSummed) {
  const Listener first(ListenerOptions{.backlog = 10, .reuse_port = true});
  const Listener second(ListenerOptions{.backlog = 30, .port = first.port(), .reuse_port = true});
  const auto clients = start_connects(9, first.port());
  for (const UniqueFd& client : clients) send_text(client, "x");
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(pid)});
  EXPECT_TRUE(wait_for([&] {
    const Snapshot snapshot = sample(monitor);
    const ListenerSnapshot* const found = find_listener(snapshot, first.label(), pid);
    return found != nullptr && found->depth == 9 && found->limit == 40 && found->unread == 9U &&
           found->syn_received == 0U && snapshot.listeners.size() == 1;
  }));
}

TEST(BacklogMonitor, ReusePortSiblingsOfTwoProcessesAreToldApart) {
  const Listener ours(ListenerOptions{.backlog = 50, .reuse_port = true});
  Child sibling([&] {
    new Listener(ListenerOptions{.backlog = 50, .port = ours.port(), .reuse_port = true});
    ::close(ours.fd());
    return std::string("up");
  });
  const auto clients = start_connects(40, ours.port());
  for (const UniqueFd& client : clients) send_text(client, "x");
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(pid), target(sibling.pid())});
  std::uint64_t our_depth = 0;
  EXPECT_TRUE(wait_for([&] {
    const Snapshot snapshot = sample(monitor);
    const ListenerSnapshot* const mine = find_listener(snapshot, ours.label(), pid);
    const ListenerSnapshot* const other = find_listener(snapshot, ours.label(), sibling.pid());
    if (mine == nullptr || other == nullptr) return false;
    our_depth = mine->depth;
    return mine->depth + other->depth == 40 && mine->unread == mine->depth &&
           other->unread == other->depth && !mine->syn_received && !other->syn_received;
  }));
  ASSERT_GT(our_depth, 0U);
  const UniqueFd accepted = ours.accept_one();  // accepted and unread: still ours
  EXPECT_TRUE(wait_for([&] {
    const Snapshot snapshot = sample(monitor);
    const ListenerSnapshot* const mine = find_listener(snapshot, ours.label(), pid);
    return mine != nullptr && mine->depth == our_depth - 1 && mine->unread.has_value() &&
           *mine->unread >= our_depth;
  }));
}

TEST(BacklogMonitor, ASharedSocketIsCountedOnce) {
  const Listener listener;
  Child worker([] { return std::string("up"); });  // inherits the listening socket
  const auto clients = start_connects(2, listener.port());
  for (const UniqueFd& client : clients) send_text(client, "x");
  const UniqueFd accepted = listener.accept_one();  // unread in this process
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(::getpid()), target(worker.pid())});
  const Snapshot snapshot = sample_until_depth(monitor, listener.label(), worker.pid(), 1);
  ASSERT_EQ(snapshot.listeners.size(), 1U);
  EXPECT_EQ(snapshot.listeners[0].owners, 2U);
  EXPECT_EQ(snapshot.listeners[0].unread, 2U);
  EXPECT_EQ(snapshot.listeners[0].syn_received, 0U);
  EXPECT_EQ(snapshot.namespaces.size(), 2U);
  worker.end();
  const Snapshot after = sample(monitor);
  ASSERT_EQ(after.listeners.size(), 1U);
  EXPECT_EQ(after.listeners[0].labels.pid, ::getpid());
  EXPECT_EQ(after.listeners[0].depth, 1U);
  EXPECT_EQ(after.listeners[0].owners, 1U);
  EXPECT_EQ(after.namespaces.size(), 1U);
}

TEST(BacklogMonitor, HalfOpenConnectionsAreShown) {
  const Listener listener(ListenerOptions{.defer_accept = true});
  const auto clients = start_connects(3, listener.port());
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(::getpid())});
  EXPECT_TRUE(wait_for([&] {
    const Snapshot snapshot = sample(monitor);
    const ListenerSnapshot* const found = find_listener(snapshot, listener.label(), ::getpid());
    return found != nullptr && found->syn_received == 3U && found->depth == 0;
  }));
}

TEST(BacklogMonitor, AnotherNetworkNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to create a network namespace";
  const Listener here(ListenerOptions{.backlog = 4});
  Child child([] {
    testing::enter_new_netns();
    const auto* const listener = new Listener(ListenerOptions{.backlog = 7});
    for (int i = 0; i < 9; ++i) start_connect(listener->port()).release();
    return std::to_string(listener->port());
  });
  const std::string label = "127.0.0.1:" + child.report();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(::getpid()), target(child.pid())});
  const Snapshot snapshot = sample_until_depth(monitor, label, child.pid(), 8);
  EXPECT_EQ(summary(snapshot, label, child.pid()), "8/7");
  EXPECT_EQ(summary(snapshot, here.label(), ::getpid()), "0/4");
  EXPECT_EQ(find_listener(snapshot, here.label(), child.pid()), nullptr);
  EXPECT_TRUE(wait_for([&] {
    const Snapshot now = sample(monitor);
    for (const NetnsSnapshot& netns : now.namespaces) {
      if (netns.labels.pid == child.pid() && netns.listen_overflows > 0) return true;
    }
    return false;
  }));
}

TEST(BacklogMonitor, ANamespaceOutOfReachIsAFailureOfItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to create a network namespace";
  Child hidden([] {
    testing::enter_new_netns();
    new Listener;
    return std::string("up");
  });
  Child observer([&] {
    become_nobody();
    const Listener listener(ListenerOptions{.backlog = 6});
    BacklogMonitor monitor({}, kClock);
    monitor.set_targets({target(::getpid()), target(hidden.pid())});
    const Snapshot snapshot = sample(monitor);
    const SourceSnapshot* const source = find_source(snapshot, "backlog");
    if (source->success) return std::string("success in spite of a missing namespace");
    return summary(snapshot, listener.label(), ::getpid()) + " " + source->reason;
  });
  EXPECT_TRUE(observer.report().starts_with("0/6 ")) << observer.report();
  EXPECT_NE(observer.report().find("CAP_SYS_ADMIN"), std::string::npos) << observer.report();
}

TEST(BacklogMonitor, NewTargetsKeepTheMaximaOfThoseThatStay) {
  Child other([] { return std::string("up"); });  // before the listener, or it shares that
  const Listener listener;
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(pid)});
  auto clients = start_connects(3, listener.port());
  sample_until_depth(monitor, listener.label(), pid, 3);
  for (int i = 0; i < 3; ++i) listener.accept_one();
  monitor.set_targets({target(pid), target(other.pid())});
  const Snapshot kept = sample(monitor);
  const ListenerSnapshot* const found = find_listener(kept, listener.label(), pid);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->depth, 0U);
  EXPECT_EQ(found->max_1m, 3U);

  monitor.set_targets({target(other.pid())});
  EXPECT_EQ(find_listener(sample(monitor), listener.label(), pid), nullptr);
  monitor.set_targets({target(pid)});
  const Snapshot fresh = sample(monitor);
  ASSERT_NE(find_listener(fresh, listener.label(), pid), nullptr);
  EXPECT_EQ(find_listener(fresh, listener.label(), pid)->max_1m, 0U);
}

TEST(BacklogMonitor, SeriesOfClosedListenersAndEndedProcessesVanish) {
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  std::string label;
  {
    const Listener listener;
    label = listener.label();
    monitor.set_targets({target(pid)});
    EXPECT_NE(find_listener(sample(monitor), label, pid), nullptr);
  }
  EXPECT_EQ(find_listener(sample(monitor), label, pid), nullptr);

  Child child([] { return std::to_string((new Listener)->port()); });
  label = "127.0.0.1:" + child.report();
  const int child_pid = child.pid();
  monitor.set_targets({target(child_pid)});
  EXPECT_NE(find_listener(sample(monitor), label, child_pid), nullptr);
  child.end();
  const Snapshot after = sample(monitor);
  EXPECT_TRUE(after.listeners.empty());
  EXPECT_TRUE(after.namespaces.empty());
}

TEST(BacklogMonitor, TheThreadFollowsTheQueueByItself) {
  const Listener listener;
  const int pid = ::getpid();
  BacklogMonitor monitor({}, kClock);
  monitor.start();
  monitor.start();  // harmless
  const auto shows = [&](std::uint64_t depth, std::uint64_t max) {
    return wait_for([&] {
      Snapshot snapshot;
      monitor.append_snapshot(snapshot);
      const ListenerSnapshot* const found = find_listener(snapshot, listener.label(), pid);
      return found != nullptr && found->depth == depth && found->max_1m == max;
    });
  };
  monitor.set_targets({target(pid)});
  EXPECT_TRUE(shows(0, 0));
  const auto clients = start_connects(2, listener.port());
  EXPECT_TRUE(shows(2, 2));
  listener.accept_one();
  EXPECT_TRUE(shows(1, 2));
  const Listener late;  // found without new targets
  EXPECT_TRUE(wait_for([&] {
    Snapshot snapshot;
    monitor.append_snapshot(snapshot);
    return find_listener(snapshot, late.label(), pid) != nullptr;
  }));
  monitor.set_targets({});
  EXPECT_TRUE(wait_for([&] {
    Snapshot snapshot;
    monitor.append_snapshot(snapshot);
    return snapshot.listeners.empty() && snapshot.sources.empty();
  }));
  monitor.stop();
  monitor.stop();  // harmless
  monitor.start();
  monitor.set_targets({target(pid)});
  EXPECT_TRUE(shows(1, 1));
}

TEST(BacklogMonitor, WithoutAThreadTheSourceFailsUntilThereIsOne) {
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(::getpid())});
  without_threads([&] { EXPECT_FALSE(monitor.start()); });
  Snapshot snapshot;
  monitor.append_snapshot(snapshot);
  ASSERT_EQ(snapshot.sources.size(), 1U);
  EXPECT_EQ(snapshot.sources[0].source, "backlog");
  EXPECT_FALSE(snapshot.sources[0].success);
  EXPECT_TRUE(snapshot.sources[0].reason.starts_with("cannot start the thread \"backlog\""));

  EXPECT_TRUE(monitor.start());
  EXPECT_TRUE(wait_for([&] {
    Snapshot later;
    monitor.append_snapshot(later);
    return !later.sources.empty() && later.sources[0].success;
  }));
}

/// Each look at it takes a second.
class DearClock final : public Clock {
 public:
  Nanos now() const override { return now_ += std::chrono::seconds(1); }
  std::chrono::system_clock::time_point wall_now() const override { return {}; }
  void advance(Nanos by) { now_ += by; }

 private:
  mutable Nanos now_{0};
};

TEST(BacklogMonitor, LooksForOwnersWithinItsBudgetHoweverOftenItIsToldItsTargets) {
  DearClock clock;
  const Listener early;
  const int pid = ::getpid();
  BacklogSampler sampler({}, clock);
  const auto shows = [&](int of, const Listener& listener) {
    std::vector<BacklogTarget> targets = {target(pid)};
    if (of != pid) targets.push_back(target(of));
    sampler.set_targets(std::move(targets));
    const BacklogReport report = sampler.sample(false);
    return std::any_of(report.listeners.begin(), report.listeners.end(), [&](const auto& one) {
      return one.labels.pid == of && one.listener == listener.label();
    });
  };
  EXPECT_TRUE(shows(pid, early));
  // A look took a second at least: the next one is due after 200.
  const Listener late;
  EXPECT_FALSE(shows(pid, late));
  clock.advance(std::chrono::seconds(100));
  EXPECT_FALSE(shows(pid, late));
  EXPECT_TRUE(shows(pid, early));
  // A new process is looked at when it comes.
  Child child([] { return std::string("up"); });
  EXPECT_TRUE(shows(child.pid(), late));
  clock.advance(std::chrono::seconds(400));
  child.end();
  EXPECT_TRUE(shows(pid, late)) << "the pause is over";
}

TEST(BacklogMonitor, ProcessesThatDoNotExistAreIgnored) {
  BacklogMonitor monitor({}, kClock);
  monitor.set_targets({target(0), target(-1), target(INT32_MAX)});
  const Snapshot snapshot = sample(monitor);
  EXPECT_TRUE(snapshot.listeners.empty());
  EXPECT_TRUE(snapshot.namespaces.empty());
}

}  // namespace
}  // namespace loopscope
