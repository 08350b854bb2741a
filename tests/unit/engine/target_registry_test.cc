#include "engine/target_registry.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

FoundProcess process_of(int pid, std::uint64_t start_time = 1) {
  FoundProcess process;
  process.id = {.pid = pid, .start_time = start_time};
  return process;
}

std::shared_ptr<Target> target_of(int pid) {
  TargetFacts facts;
  facts.process = process_of(pid);
  return std::make_shared<Target>(facts);
}

TEST(TargetRegistry, HasOneTargetForEachProcess) {
  TargetRegistry registry;
  EXPECT_EQ(registry.find(process_of(7).id), nullptr);
  const auto first = target_of(7);
  const auto second = target_of(7);
  const auto other = target_of(3);
  registry.put(first);
  EXPECT_EQ(registry.find(process_of(7).id), first);
  EXPECT_EQ(registry.find(process_of(7, 2).id), nullptr) << "another process had the pid before";
  registry.put(second);
  registry.put(other);
  EXPECT_EQ(registry.size(), 2U);
  EXPECT_EQ(registry.all(), (TargetRegistry::Targets{other, second}));
}

TEST(TargetRegistry, HandsOutThoseThatHaveGone) {
  TargetRegistry registry;
  const auto stays = target_of(3);
  const auto goes = target_of(7);
  const auto is_replaced = target_of(9);
  for (const auto& target : {stays, goes, is_replaced}) registry.put(target);
  const auto gone = registry.keep_only({process_of(3), process_of(8), process_of(9, 2)});
  EXPECT_EQ(gone, (TargetRegistry::Targets{goes, is_replaced}));
  EXPECT_EQ(registry.all(), TargetRegistry::Targets{stays});
}

}  // namespace
}  // namespace loopscope
