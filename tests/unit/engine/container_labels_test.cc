#include "engine/container_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/child_process.h"
#include "support/fake_clock.h"
#include "support/temporary_directory.h"
#include "support/test_cgroup.h"

namespace loopscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const std::string kId = "3959d7abfbd0221e5043fccbcb8040e9a1a4e6518dad483b7a33a131885e0283";
const std::string kUid = "74c13223-5a00-11e9-b385-42010a80018d";
const std::string kLink = "web-0_shop_app-" + kId + ".log";

/// A process that waits in the group /.../podUID/ID.
class ContainerLabelsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const bool is_version2 : {true, false}) {
      base_ = TestCgroup::make("freezer", is_version2);
      if (base_) break;
    }
    if (!base_) GTEST_SKIP() << "no cgroup hierarchy can be written; run as root with one mounted";
    pod_ = base_->below("pod" + kUid);
    container_ = pod_->below(kId);
    ASSERT_TRUE(container_);
    child_.emplace([](const ChildProcess::Channel& parent) { parent.hear(); });
    ASSERT_TRUE(container_->add(child_->pid()));
    const auto id = identify(child_->pid());
    ASSERT_TRUE(id) << id.error().message;
    process_ = *id;
  }
  void TearDown() override {
    child_.reset();  // before its group
    container_.reset();
    pod_.reset();
  }

  void link() { std::filesystem::create_symlink("/nowhere", directory_ / kLink); }
  ContainerLabelSettings settings() const { return {true, (directory_ / "").string()}; }

  std::unique_ptr<TestCgroup> base_;
  std::unique_ptr<TestCgroup> pod_;
  std::unique_ptr<TestCgroup> container_;
  std::optional<ChildProcess> child_;
  ProcessId process_;
  TemporaryDirectory directory_;
  FakeClock clock_;
};

TEST_F(ContainerLabelsTest, SayWhereAProcessIs) {
  link();
  ContainerLabels labels(settings(), clock_);
  EXPECT_THAT(labels.add_to({}, process_),
              ElementsAre(Pair("container", "app"), Pair("container_id", "3959d7abfbd0"),
                          Pair("namespace", "shop"), Pair("pod", "web-0"), Pair("pod_uid", kUid)));
}

TEST_F(ContainerLabelsTest, DoNotReplaceTheTargetsOwn) {
  link();
  ContainerLabels labels(settings(), clock_);
  EXPECT_THAT(labels.add_to({{"namespace", "mine"}, {"team", "checkout"}}, process_),
              ElementsAre(Pair("container", "app"), Pair("container_id", "3959d7abfbd0"),
                          Pair("namespace", "mine"), Pair("pod", "web-0"), Pair("pod_uid", kUid),
                          Pair("team", "checkout")));
}

TEST_F(ContainerLabelsTest, GetTheNamesOnceThereAreSome) {
  ContainerLabels labels(settings(), clock_);
  EXPECT_THAT(labels.add_to({}, process_),
              ElementsAre(Pair("container_id", "3959d7abfbd0"), Pair("pod_uid", kUid)));
  link();
  clock_.advance(ContainerNames::kBetweenReads);
  EXPECT_EQ(labels.add_to({}, process_).size(), 5U);
}

TEST_F(ContainerLabelsTest, AreOffUnlessAskedFor) {
  link();
  ContainerLabels labels({false, (directory_ / "").string()}, clock_);
  EXPECT_THAT(labels.add_to({}, process_), IsEmpty());
  labels.configure(settings());
  EXPECT_EQ(labels.add_to({}, process_).size(), 5U);
  labels.configure({});
  EXPECT_THAT(labels.add_to({}, process_), IsEmpty());
}

TEST_F(ContainerLabelsTest, StayForTheLifeOfTheProcess) {
  link();
  ContainerLabels labels(settings(), clock_);
  const auto first = labels.add_to({}, process_);
  ASSERT_TRUE(base_->add(process_.pid));
  EXPECT_EQ(labels.add_to({}, process_), first);
  FoundProcess found;
  found.id = process_;
  labels.keep_only({found});
  EXPECT_EQ(labels.add_to({}, process_), first);
  labels.keep_only({});
  EXPECT_THAT(labels.add_to({}, process_), IsEmpty());
}

TEST_F(ContainerLabelsTest, OfAnEarlierProcessWithThePidAreNotKnown) {
  link();
  ContainerLabels labels(settings(), clock_);
  EXPECT_THAT(labels.add_to({}, {process_.pid, process_.start_time - 1}), IsEmpty());
  EXPECT_EQ(labels.add_to({}, process_).size(), 5U);
}

TEST_F(ContainerLabelsTest, SayWhyThereAreNoNames) {
  ContainerLabels labels({true, (directory_ / "absent").string()}, clock_);
  EXPECT_EQ(labels.problem(), "");
  EXPECT_EQ(labels.add_to({}, process_).size(), 2U);
  EXPECT_THAT(labels.problem(), testing::StartsWith("cannot list "));
}

}  // namespace
}  // namespace loopscope
