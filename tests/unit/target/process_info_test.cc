#include "target/process_info.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "support/child_process.h"

namespace loopscope {
namespace {

/// A child of this main thread name.
void run_as(const char* name, const ChildProcess::Channel& parent) {
  ::prctl(PR_SET_NAME, name);
  parent.say('r');
  parent.hear();
}

TEST(ProcessInfo, NamesAProcessByItsComm) {
  ChildProcess child([](const auto& parent) { run_as("web (1) \n", parent); });
  ASSERT_EQ(child.hear(), 'r');
  const auto name = process_name(child.pid());
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "web (1) ?");
}

TEST(ProcessInfo, LooksThroughGeneralMainThreadNames) {
  for (const char* general : {"MainThread", "node-MainThread"}) {
    ChildProcess child([general](const auto& parent) { run_as(general, parent); });
    ASSERT_EQ(child.hear(), 'r');
    const auto name = process_name(child.pid());
    ASSERT_TRUE(name);
    EXPECT_EQ(*name, "target_tests");
  }
}

TEST(ProcessInfo, ListsThreads) {
  const auto before = list_threads(::getpid());
  ASSERT_TRUE(before);
  EXPECT_TRUE(std::binary_search(before->begin(), before->end(), ::getpid()));
  int tid = 0;
  std::thread([&] {
    tid = ::gettid();
    const auto during = list_threads(::getpid());
    EXPECT_TRUE(during && std::binary_search(during->begin(), during->end(), tid));
    const auto inner = ns_tid(::getpid(), tid);
    EXPECT_TRUE(inner && *inner == tid);
    EXPECT_TRUE(thread_name(::getpid(), tid).ok());
  }).join();
  EXPECT_TRUE(eventually([&] { return !ns_tid(::getpid(), tid).ok(); }));
  EXPECT_FALSE(thread_name(::getpid(), tid).ok());
}

TEST(ProcessInfo, TellsExecutableAndArguments) {
  const auto path = executable_path(::getpid());
  ASSERT_TRUE(path);
  EXPECT_TRUE(path->ends_with("/target_tests")) << *path;
  const auto line = command_line(::getpid());
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("target_tests"), std::string::npos);
}

TEST(ProcessInfo, SaysWhatIsMissing) {
  for (const auto& message : {list_threads(2147483647).error(), executable_path(2147483647).error(),
                              command_line(2147483647).error(), process_name(2147483647).error()}) {
    EXPECT_NE(message.message.find("2147483647"), std::string::npos);
  }
}

}  // namespace
}  // namespace loopscope
