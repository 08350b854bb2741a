#include "target/cgroup_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "support/test_cgroup.h"

namespace loopscope {
namespace {

constexpr std::string_view kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";

std::vector<CgroupMount> one_mount(const std::string& root, const std::string& mount_point) {
  return {{root, mount_point, true, "rw"}};
}

std::string path_of(std::string_view group, const std::vector<CgroupMount>& mounts) {
  const auto found = directory_of_group(group, true, "cpu", mounts);
  return found ? found->path : "none";
}

TEST(CgroupDirectory, ReadsTheMembershipOfBothVersions) {
  const auto found = parse_cgroup_membership(
      "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/with:colon\n0::/user.slice/x y.scope\n");
  ASSERT_EQ(found.version1.size(), 3U);
  EXPECT_EQ(found.version1[1].controllers, "memory");
  EXPECT_EQ(found.version1[1].path, "/a/b");
  EXPECT_EQ(found.version1[2].controllers, "cpu,cpuacct");
  EXPECT_EQ(found.version1[2].path, "/with:colon");
  EXPECT_EQ(found.version2, "/user.slice/x y.scope");
}

TEST(CgroupDirectory, LeavesOutWhatItDoesNotUnderstand) {
  const auto found = parse_cgroup_membership("\n:\n::\n7\n7:cpu\n7:cpu:\n7:cpu:relative\n0::\n");
  EXPECT_TRUE(found.version1.empty());
  EXPECT_FALSE(found.version2);
  EXPECT_EQ(parse_cgroup_membership("0::/gone (deleted)").version2, "/gone");
}

TEST(CgroupDirectory, ReadsTheMounts) {
  const auto mounts = parse_cgroup_mounts(kHybrid);
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(mounts[0].options, "rw,cpu,cpuacct");
  EXPECT_FALSE(mounts[0].is_version2);
  EXPECT_TRUE(mounts[2].is_version2);
  const auto escaped =
      parse_cgroup_mounts("41 31 0:38 /a\\040b /my\\134cgroup rw - cgroup2 cgroup2 rw");
  ASSERT_EQ(escaped.size(), 1U);
  EXPECT_EQ(escaped[0].root, "/a b");
  EXPECT_EQ(escaped[0].mount_point, "/my\\cgroup");
  EXPECT_TRUE(parse_cgroup_mounts("41 31 - cgroup2\n - cgroup cgroup rw\nnonsense").empty());
}

TEST(CgroupDirectory, FindsTheHierarchyOfAController) {
  const auto mounts = parse_cgroup_mounts(kHybrid);
  const auto cpu = directory_of_group("/lxc/7", false, "cpu", mounts);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->path, "/sys/fs/cgroup/cpu,cpuacct/lxc/7");
  EXPECT_EQ(cpu->mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_FALSE(directory_of_group("/lxc/7", false, "cp", mounts));
  EXPECT_FALSE(directory_of_group("/lxc/7", false, "memory", mounts));
  EXPECT_EQ(path_of("/", mounts), "/sys/fs/cgroup/unified");
}

TEST(CgroupDirectory, FollowsMountsOfAPartOfTheHierarchy) {
  EXPECT_EQ(path_of("/docker/7/app", one_mount("/docker/7", "/c")), "/c/app");
  EXPECT_EQ(path_of("/docker/7", one_mount("/docker/7", "/c")), "/c");
  EXPECT_EQ(path_of("/docker/77", one_mount("/docker/7", "/c")), "none");
  EXPECT_EQ(path_of("/docker", one_mount("/docker/7", "/c")), "none");
}

TEST(CgroupDirectory, FollowsPathsOutsideTheCgroupNamespace) {
  // Seen from a sidecar: the target's group is beside its own.
  EXPECT_EQ(path_of("/../target", one_mount("/", "/c")), "none");
  EXPECT_EQ(path_of("/../target/app", one_mount("/../target", "/c")), "/c/app");
  EXPECT_EQ(path_of("/../target", one_mount("/..", "/c")), "/c/target");
  EXPECT_EQ(path_of("/../../other", one_mount("/..", "/c")), "none");
}

TEST(CgroupDirectory, FindsTheDirectoryOfAProcess) {
  for (const bool is_version2 : {false, true}) {
    const auto group = TestCgroup::make("freezer", is_version2);
    if (!group) continue;
    const SpinningChild child;
    ASSERT_TRUE(child.started());
    ASSERT_TRUE(group->add(child.pid()));
    const auto found = find_cgroup_directories(child.pid(), "freezer");
    ASSERT_TRUE(found) << found.error().message;
    const auto is_it = [&](const CgroupDirectory& directory) {
      return directory.path == group->path() && directory.is_version2 == is_version2;
    };
    EXPECT_TRUE(std::any_of(found->begin(), found->end(), is_it)) << group->path();
    return;
  }
  GTEST_SKIP() << "no cgroup hierarchy can be written; run as root with one mounted";
}

TEST(CgroupDirectory, SaysWhyThereIsNone) {
  const auto gone = find_cgroup_directories(0, "cpu");
  ASSERT_FALSE(gone);
  const auto unknown = find_cgroup_directories(::getpid(), "no-such-controller");
  if (!unknown) {
    EXPECT_NE(unknown.error().message.find("no-such-controller"), std::string::npos);
  }
}

}  // namespace
}  // namespace loopscope
