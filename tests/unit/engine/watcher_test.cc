#include "engine/watcher.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/unique_fd.h"
#include "log/logging.h"
#include "support/child_process.h"
#include "support/sanitizer.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

/// An event loop that is busy for 70 ms, again and again.
ChildProcess stalling_loop() {
  return ChildProcess([](const ChildProcess::Channel& parent) {
    const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    parent.say('r');
    for (;;) {
      epoll_event event{};
      ::epoll_wait(epoll.get(), &event, 1, 20);
      const auto until = std::chrono::steady_clock::now() + 70ms;
      while (std::chrono::steady_clock::now() < until) {
      }
    }
  });
}

/// Nobody reads standard error while this lives, and its pipe is full.
class StuckStandardError {
 public:
  StuckStandardError() : before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
    read_.reset(ends[0]);
    const UniqueFd write(ends[1]);
    ::fcntl(write.get(), F_SETPIPE_SZ, 4096);
    while (::write(write.get(), "x", 1) == 1) {
    }
    ::fcntl(write.get(), F_SETFL, 0);
    ::dup2(write.get(), STDERR_FILENO);
  }
  ~StuckStandardError() {
    const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::dup2(nowhere.get(), STDERR_FILENO);
    read_.reset();  // lets go what hangs in a write to the pipe
    flush_log();
    ::dup2(before_.get(), STDERR_FILENO);
  }
  StuckStandardError(const StuckStandardError&) = delete;
  StuckStandardError& operator=(const StuckStandardError&) = delete;

 private:
  UniqueFd before_;
  UniqueFd read_;
};

TEST(Watcher, IsReloadedAgainAndAgainWhileOthersReadItAndNobodyReadsTheLog) {
  const ChildProcess first = stalling_loop();
  const ChildProcess second = stalling_loop();
  ASSERT_EQ(first.hear(), 'r');
  ASSERT_EQ(second.hear(), 'r');
  const TemporaryDirectory directory;
  const SystemClock clock;
  set_up_logging(LogFormat::kText, LogLevel::kDebug);
  const StuckStandardError stuck;

  Config config;
  config.discovery_interval = 20ms;
  config.targets.emplace_back().pid = first.pid();
  Watcher watcher(config, std::nullopt, clock);
  ASSERT_TRUE(watcher.start().ok());
  ASSERT_TRUE(eventually([&] { return !watcher.stalls(1).empty(); }));

  std::atomic<bool> stop{false};
  std::atomic<int> looks{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      for (; !stop; ++looks, std::this_thread::sleep_for(1ms)) {
        const Snapshot snapshot = watcher.snapshot();
        ASSERT_LE(snapshot.loops.size(), 2U);
      }
    });
    readers.emplace_back([&] {
      for (; !stop; ++looks, std::this_thread::sleep_for(1ms)) {
        ASSERT_LE(watcher.stalls(1000).size(), 1000U);
        spdlog::info("{}", std::string(1000, '.'));
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Config changed = config;
    const bool odd = i % 2 == 1;
    if (odd) changed.targets.emplace_back().pid = second.pid();
    changed.stall_threshold = odd ? 20ms : 50ms;
    changed.sources.backlog = !odd;
    changed.stacks.enabled = i % 4 < 2;
    changed.stall_log.file = i % 3 == 0 ? "" : directory / ("stalls" + std::to_string(i % 3));
    set_up_logging(odd ? LogFormat::kJson : LogFormat::kText, LogLevel::kInfo);
    watcher.apply(changed);
    std::this_thread::sleep_for(5ms);
  }
  Config last = config;
  last.targets.emplace_back().pid = second.pid();
  watcher.apply(last);
  EXPECT_TRUE(eventually([&] {
    const Snapshot snapshot = watcher.snapshot();
    return snapshot.targets == 2 && snapshot.loops.size() == 2;
  }));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(looks.load(), 100);
  watcher.stop();
}

}  // namespace
}  // namespace loopscope
