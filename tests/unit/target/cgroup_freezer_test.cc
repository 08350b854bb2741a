#include "target/cgroup_freezer.h"

#include <gtest/gtest.h>

#include "support/test_cgroup.h"

namespace loopscope {
namespace {

TEST(CgroupFreezer, UnderstandsBothVersions) {
  EXPECT_TRUE(parse_frozen("FROZEN\n"));
  EXPECT_TRUE(parse_frozen("populated 1\nfrozen 1\n"));
  EXPECT_TRUE(parse_frozen("frozen 1\npopulated 1\n"));
  for (const std::string_view text :
       {"", "THAWED\n", "FREEZING\n", "populated 1\nfrozen 0\n", "populated 1\n", "unfrozen 1\n"}) {
    EXPECT_FALSE(parse_frozen(text)) << text;
  }
}

TEST(CgroupFreezer, SeesFrozenGroups) {
  bool tried = false;
  for (const bool is_version2 : {false, true}) {
    SCOPED_TRACE(is_version2 ? "version 2" : "version 1");
    const auto above = TestCgroup::make("freezer", is_version2);
    if (!above) continue;
    tried = true;
    const auto group = above->below("inner");
    ASSERT_TRUE(group);
    const SpinningChild child;
    ASSERT_TRUE(child.started());
    ASSERT_TRUE(group->add(child.pid()));
    const auto freezer = CgroupFreezer::open(child.pid());
    ASSERT_TRUE(freezer) << freezer.error().message;
    EXPECT_FALSE(freezer->is_frozen());
    for (const TestCgroup* frozen : {group.get(), above.get()}) {
      ASSERT_TRUE(frozen->freeze(true));
      EXPECT_TRUE(eventually([&] { return freezer->is_frozen(); }));
      ASSERT_TRUE(frozen->freeze(false));
      EXPECT_TRUE(eventually([&] { return !freezer->is_frozen(); }));
    }
  }
  if (!tried) GTEST_SKIP() << "no freezer can be written; run as root with a cgroup mounted";
}

TEST(CgroupFreezer, SaysWhyThereIsNone) { EXPECT_FALSE(CgroupFreezer::open(0)); }

}  // namespace
}  // namespace loopscope
