#include "target/access_refusal.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/child_process.h"
#include "support/temporary_directory.h"
#include "target/memory_map.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kNobody = 65534;

AccessFacts same_user() {
  AccessFacts facts;
  facts.own_uid = facts.target_uid = 1000;
  facts.attaches = true;
  return facts;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(AccessRefusal, OfAnotherUser) {
  AccessFacts facts = same_user();
  facts.target_uid = 0;
  EXPECT_EQ(explain_refusal(facts), "run as its user (uid 0) or with CAP_SYS_PTRACE");
}

TEST(AccessRefusal, OfTheSameUserIsNotAdvisedToBeTheSameUser) {
  for (int reason = 0; reason < 6; ++reason) {
    AccessFacts facts = same_user();
    facts.has_other_ids = reason == 1;
    facts.foreign_capabilities = reason == 2 ? std::uint64_t{1} << CAP_NET_BIND_SERVICE : 0;
    facts.is_dumpable = reason != 3;
    facts.is_in_other_user_namespace = reason == 4;
    facts.yama_scope = reason == 5 ? 1 : 0;
    const std::string text = explain_refusal(facts);
    EXPECT_FALSE(has(text, "as its user")) << text;
    EXPECT_TRUE(has(text, "CAP_SYS_PTRACE")) << text;
  }
}

TEST(AccessRefusal, IsRuledOutWhereItTakesWhatNobodyCanGive) {
  AccessFacts facts = same_user();
  facts.may_have_ptrace_capability = false;
  EXPECT_FALSE(is_ruled_out(facts)) << "nothing that is known refuses it";
  for (int reason = 0; reason < 6; ++reason) {
    facts = same_user();
    facts.target_uid = reason == 0 ? 0 : facts.own_uid;
    facts.has_other_ids = reason == 1;
    facts.foreign_capabilities = reason == 2 ? std::uint64_t{1} << CAP_NET_BIND_SERVICE : 0;
    facts.is_dumpable = reason != 3;
    facts.is_in_other_user_namespace = reason == 4;
    facts.yama_scope = reason == 5 ? 1 : 0;
    EXPECT_FALSE(is_ruled_out(facts)) << "a user without rights, who could be given them";
    facts.may_have_ptrace_capability = false;
    EXPECT_TRUE(is_ruled_out(facts)) << reason;
    facts.has_ptrace_capability = true;
    EXPECT_FALSE(is_ruled_out(facts)) << "it has what it takes";
  }
  facts = same_user();
  facts.may_have_ptrace_capability = false;
  facts.yama_scope = 1;
  facts.attaches = false;
  EXPECT_FALSE(is_ruled_out(facts)) << "Yama has no say";
}

TEST(AccessRefusal, NamesFileCapabilities) {
  AccessFacts facts = same_user();
  facts.foreign_capabilities = std::uint64_t{1} << CAP_NET_BIND_SERVICE;
  facts.is_dumpable = false;
  EXPECT_TRUE(has(explain_refusal(facts), "program file"));
}

TEST(AccessRefusal, BlamesYamaOnlyWhereItHasASay) {
  AccessFacts facts = same_user();
  facts.yama_scope = 1;
  EXPECT_TRUE(has(explain_refusal(facts), "ptrace_scope is 1"));
  facts.attaches = false;
  EXPECT_FALSE(has(explain_refusal(facts), "ptrace_scope"));
  facts.attaches = true;
  facts.yama_scope = 3;
  facts.has_ptrace_capability = true;
  EXPECT_FALSE(has(explain_refusal(facts), "CAP_SYS_PTRACE")) << "it would not help";
}

TEST(AccessRefusal, WithTheCapabilityComesFromElsewhere) {
  AccessFacts facts = same_user();
  facts.has_ptrace_capability = true;
  EXPECT_TRUE(has(explain_refusal(facts), "security module"));
  facts.is_in_other_user_namespace = true;
  EXPECT_TRUE(has(explain_refusal(facts), "user namespace"));
}

/// Becomes nobody; the caller stays root, to leave the kernel's limits to what is tested.
bool become_nobody() { return ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0; }

/// What nobody is told who reads the memory map of `pid`.
bool is_told(int pid, const std::string& part) {
  return true_in_child([&] {
    if (!become_nobody()) return false;
    const auto map = read_memory_map(pid);
    return !map && has(map.error().message, part);
  });
}

TEST(AccessRefusal, OfAProgramWithFileCapabilities) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give a file capabilities";
  const TemporaryDirectory directory;
  fs::permissions(directory / "", fs::perms::all);
  const fs::path program = directory / "program";
  fs::copy_file("/bin/sleep", program);
  vfs_cap_data data{};
  data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  data.data[0].permitted = 1U << CAP_NET_BIND_SERVICE;
  if (::setxattr(program.c_str(), "security.capability", &data, sizeof data, 0) != 0) {
    GTEST_SKIP() << "must be on a file system with file capabilities";
  }
  const ChildProcess child([&](const ChildProcess::Channel&) {
    if (become_nobody()) ::execl(program.c_str(), "program", "1000", nullptr);
  });
  ASSERT_TRUE(eventually([&] {
    return read_access_facts(child.pid(), true).target_uid == kNobody &&
           fs::read_symlink("/proc/" + std::to_string(child.pid()) + "/exe") == program;
  }));
  EXPECT_TRUE(is_told(child.pid(), "program file"));
}

TEST(AccessRefusal, OfAProcessThatMustNotBeDumped) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to become another user";
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    if (!become_nobody() || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return;
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  EXPECT_TRUE(is_told(child.pid(), "must not be dumped"));
}

TEST(AccessRefusal, OfAProcessOfAnotherUser) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to become another user";
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  EXPECT_TRUE(is_told(child.pid(), "run as its user (uid 0) or with CAP_SYS_PTRACE"));
}

TEST(AccessRefusal, FromInsideAnotherUserNamespace) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to become another user";
  const ChildProcess child([](const ChildProcess::Channel& parent) {
    if (!become_nobody() || ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return;
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  const bool is_possible = true_in_child([] { return ::unshare(CLONE_NEWUSER) == 0; });
  if (!is_possible) GTEST_SKIP() << "must be allowed to make user namespaces";
  EXPECT_TRUE(true_in_child([&] {
    if (!become_nobody() || ::unshare(CLONE_NEWUSER) != 0) return false;
    const auto map = read_memory_map(child.pid());
    return !map && has(map.error().message, "another user namespace");
  }));
}

}  // namespace
}  // namespace loopscope
