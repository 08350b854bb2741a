#include "base/guarded.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <new>
#include <string>

#include "support/no_threads.h"

namespace loopscope {
namespace {

std::string told;

TEST(Guarded, AnExceptionEndsTheTaskAndIsCountedAndTold) {
  const std::uint64_t before = guarded_failures();
  EXPECT_TRUE(run_guarded("fine", [] {}));
  EXPECT_EQ(guarded_failures(), before);

  set_failure_observer([](std::string_view task, std::string_view reason) {
    told = std::string(task) + ": " + std::string(reason);
  });
  EXPECT_FALSE(run_guarded("looking", [] { throw std::bad_alloc(); }));
  EXPECT_EQ(told, "looking: std::bad_alloc");
  EXPECT_FALSE(run_guarded("counting", [] { throw 42; }));
  EXPECT_EQ(told, "counting: unknown exception");
  set_failure_observer([](std::string_view, std::string_view) { throw std::bad_alloc(); });
  EXPECT_FALSE(run_guarded("looking", [] { throw std::bad_alloc(); }));
  set_failure_observer(nullptr);
  EXPECT_EQ(guarded_failures(), before + 3);
}

TEST(Guarded, AThreadHasItsNameNoSignalsAndABoundary) {
  const std::uint64_t before = guarded_failures();
  std::array<char, 16> name{};
  sigset_t mask;
  sigemptyset(&mask);
  auto thread = start_thread("a thread", [&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    // Who started it names it, perhaps a moment later.
    while (std::string(name.data()) != "a thread") {
      pthread_getname_np(pthread_self(), name.data(), name.size());
    }
    throw std::bad_alloc();
  });
  ASSERT_TRUE(thread.ok());
  thread->join();
  EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
  EXPECT_EQ(guarded_failures(), before + 1);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0) << "signals of who starts a thread are as before";
}

TEST(Guarded, NoThreadLeftIsAnError) {
  without_threads([] {
    const auto thread = start_thread("one more", [] {});
    ASSERT_FALSE(thread.ok());
    EXPECT_TRUE(thread.error().message.starts_with("cannot start the thread \"one more\": "))
        << thread.error().message;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
  });
}

}  // namespace
}  // namespace loopscope
