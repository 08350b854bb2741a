#include "engine/slot_table.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

ProcessId process(int pid) { return {pid, static_cast<std::uint64_t>(pid) * 10}; }

Program with_instance(int instance, bool grows = false) {
  Program program;
  program.instance = instance;
  program.instance_grows = grows;
  return program;
}

class SlotTableTest : public testing::Test {
 protected:
  int take(int pid, const std::string& name = "shop", const Program& program = {},
           const std::string& place = "") {
    return slots_.slot_of(process(pid), {name, place}, program, now_);
  }
  void only(const std::vector<int>& pids) {
    std::vector<ProcessId> present;
    for (const int pid : pids) present.push_back(process(pid));
    slots_.keep_only(present, now_);
  }

  SlotTable slots_;
  Nanos now_ = 1h;
};

TEST_F(SlotTableTest, TheLowestFreeNumberIsTaken) {
  EXPECT_EQ(take(10), 0);
  EXPECT_EQ(take(11), 1);
  EXPECT_EQ(take(12), 2);
  EXPECT_EQ(take(11), 1) << "for life";
  only({10, 12});
  EXPECT_EQ(take(13), 1);
  EXPECT_EQ(take(14), 3);
}

TEST_F(SlotTableTest, ARestartContinuesItsPredecessor) {
  for (int pid = 10; pid < 20; ++pid) {
    EXPECT_EQ(take(pid), 0);
    only({});
  }
}

TEST_F(SlotTableTest, AnotherProcessWithTheSamePidIsAnother) {
  EXPECT_EQ(slots_.slot_of({10, 1}, {"shop", ""}, {}, now_), 0);
  EXPECT_EQ(slots_.slot_of({10, 2}, {"shop", ""}, {}, now_), 1);
}

TEST_F(SlotTableTest, NamesAndContainersCountForThemselves) {
  EXPECT_EQ(take(10), 0);
  EXPECT_EQ(take(11, "cart"), 0);
  EXPECT_EQ(take(12, "shop", {}, "4f2a"), 0);
  EXPECT_EQ(take(13, "shop", {}, "4f2a"), 1);
}

TEST_F(SlotTableTest, AnotherNameIsAnotherNumber) {
  EXPECT_EQ(take(10), 0);
  EXPECT_EQ(take(11), 1);
  EXPECT_EQ(take(11, "cart"), 0);  // by exec
  EXPECT_EQ(take(12), 1) << "its number is free again";
}

TEST_F(SlotTableTest, TheEnvironmentsNumberIsTakenWhereNobodyHasIt) {
  EXPECT_EQ(take(10, "shop", with_instance(3)), 3);
  EXPECT_EQ(take(11, "shop", with_instance(1)), 1);
  EXPECT_EQ(take(12, "shop", with_instance(3)), 0) << "two claim it";
  EXPECT_EQ(take(13), 2);
  only({11, 12, 13});
  EXPECT_EQ(take(14, "shop", with_instance(3)), 3);
}

// Node's cluster counts its workers up: one that is forked anew is 5, 6, 7...
TEST_F(SlotTableTest, AClusterWorkerForkedAnewTakesItsPredecessorsPlace) {
  EXPECT_EQ(take(10), 0);
  EXPECT_EQ(take(12, "shop", with_instance(2, true)), 2) << "whoever is seen first";
  EXPECT_EQ(take(11, "shop", with_instance(1, true)), 1);
  for (int worker = 3; worker < 20; ++worker) {
    only({10, 12});
    const int slot = take(20 + worker, "shop", with_instance(worker, true));
    EXPECT_EQ(slot, 1);
    only({10, 12, 20 + worker});
  }
  EXPECT_EQ(take(50, "shop", with_instance(20, true)), 20) << "one more, nobody's successor";
  only({10, 12});
  now_ += SlotTable::kSuccession + 1s;
  EXPECT_EQ(take(51, "shop", with_instance(21, true)), 21) << "long gone";
}

}  // namespace
}  // namespace loopscope
