#include "apps/loopscope/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace loopscope {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << static_cast<unsigned>(capability);
}

const UsefulCapability& ptrace() { return useful_capabilities().front(); }

/// Leaves this thread nothing but `permitted`, and nothing effective.
void keep_permitted_only(std::uint64_t permitted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[2]{};
  halves[0].permitted = static_cast<std::uint32_t>(permitted);
  halves[1].permitted = static_cast<std::uint32_t>(permitted >> 32U);
  ASSERT_EQ(::syscall(SYS_capset, &header, halves), 0);
}

TEST(Capabilities, OnlyTheUsefulOnesThatArePermittedAreRaised) {
  if ((CapabilitySets::of_this_thread().permitted & bit(CAP_SYS_PTRACE)) == 0) {
    GTEST_SKIP() << "needs CAP_SYS_PTRACE, to raise it";
  }
  // Capabilities are a thread's own: what this one loses the others keep.
  std::thread([] {
    keep_permitted_only(bit(CAP_SYS_PTRACE) | bit(CAP_KILL));
    EXPECT_EQ(CapabilitySets::of_this_thread().effective, 0U);
    raise_capabilities();
    const CapabilitySets raised = CapabilitySets::of_this_thread();
    EXPECT_EQ(raised.effective, bit(CAP_SYS_PTRACE));
    EXPECT_EQ(raised.permitted, bit(CAP_SYS_PTRACE) | bit(CAP_KILL));
  }).join();
}

TEST(Capabilities, WithoutAnyNothingIsRaised) {
  std::thread([] {
    keep_permitted_only(0);
    raise_capabilities();
    EXPECT_EQ(CapabilitySets::of_this_thread().effective, 0U);
  }).join();
}

TEST(Capabilities, AreDescribedWithWhatTheyAllow) {
  CapabilitySets sets;
  sets.effective = bit(CAP_SYS_PTRACE);
  EXPECT_EQ(describe(ptrace(), sets), "yes: processes of every user can be read");
}

TEST(Capabilities, AMissingOneIsDescribedWithWhatStandsInItsWay) {
  CapabilitySets sets;
  sets.no_new_privs = true;
  EXPECT_THAT(describe(ptrace(), sets), StartsWith("no: only processes of this user"));
  EXPECT_THAT(describe(ptrace(), sets), HasSubstr("a container has to be given it"));
  sets.bounding = bit(CAP_SYS_PTRACE);
  EXPECT_THAT(describe(ptrace(), sets), HasSubstr("allowPrivilegeEscalation: false"));
  sets.no_new_privs = false;
  EXPECT_THAT(describe(ptrace(), sets), Not(HasSubstr("(")));
}

TEST(Capabilities, OneOfTwoThatDoTheSameIsEnough) {
  CapabilitySets sets;
  sets.effective = bit(CAP_DAC_READ_SEARCH);
  int found = 0;
  for (const UsefulCapability& one : useful_capabilities()) {
    if (one.number != CAP_DAC_OVERRIDE) continue;
    ++found;
    EXPECT_THAT(describe(one, sets), HasSubstr("not needed"));
    EXPECT_THAT(describe(one, CapabilitySets()), StartsWith("no: what threads wait for"));
  }
  EXPECT_EQ(found, 1);
}

TEST(Capabilities, APermittedOneThatIsNotEffectiveIsMissing) {
  CapabilitySets sets;
  sets.permitted = bit(CAP_SYS_PTRACE);
  EXPECT_THAT(describe(ptrace(), sets), StartsWith("no: "));
}

}  // namespace
}  // namespace loopscope
