#include "core/culprit_ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace loopscope {
namespace {

using namespace std::chrono_literals;

const CulpritKey kFirst{"first", "shop.js", 1, ""};
const CulpritKey kSecond{"second", "shop.js", 2, ""};

Nanos time_of(const CulpritLedger& ledger, const CulpritKey& who) {
  for (const CulpritTotals& each : ledger.totals()) {
    if (CulpritKey{each.function, each.file, each.line, each.package} == who) return each.time;
  }
  return Nanos(0);
}

TEST(CulpritLedger, CreditsTimeAsItPasses) {
  CulpritLedger ledger;
  ledger.on_progress(1, 50ms);
  EXPECT_TRUE(ledger.totals().empty());
  ledger.seen(1, kFirst);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(40ms)) << "the time before as well";
  ledger.on_progress(1, 3s);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(2990ms)) << "while the stall lasts";
  ledger.on_end(1, 3100ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(3100ms));
}

TEST(CulpritLedger, CreditsTheOneSeenLast) {
  CulpritLedger ledger;
  ledger.on_progress(1, 50ms);
  ledger.seen(1, kFirst);
  ledger.on_progress(1, 100ms);
  ledger.seen(1, kSecond);
  ledger.on_progress(1, 200ms);
  ledger.seen(1, kSecond);
  ledger.on_end(1, 250ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(90ms));
  EXPECT_EQ(time_of(ledger, kSecond), Nanos(160ms));
}

TEST(CulpritLedger, CreditsNobodyUnseen) {
  CulpritLedger ledger;
  ledger.on_progress(1, 50ms);
  ledger.on_progress(1, 500ms);
  ledger.on_end(1, 510ms);
  ledger.on_progress(2, 50ms);
  EXPECT_TRUE(ledger.totals().empty());
  ledger.seen(2, kFirst);
  ledger.on_end(2, 60ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(60ms)) << "and not the stall before";
}

TEST(CulpritLedger, CreditsAnEndedStallToItsFirstSightingOnly) {
  CulpritLedger ledger;
  ledger.on_progress(1, 50ms);
  ledger.on_end(1, 55ms);
  ledger.on_progress(2, 50ms);
  ledger.seen(1, kFirst);
  ledger.seen(1, kSecond);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(55ms));
  EXPECT_EQ(time_of(ledger, kSecond), Nanos(0));
  ledger.seen(2, kSecond);
  ledger.on_end(2, 60ms);
  ledger.seen(2, kFirst);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(55ms)) << "somebody was seen while it lasted";
  EXPECT_EQ(time_of(ledger, kSecond), Nanos(60ms));
}

TEST(CulpritLedger, ForgetsOldStallsAndIgnoresUnknownOnes) {
  CulpritLedger ledger;
  for (std::uint64_t id = 1; id <= CulpritLedger::kRemembered + 1; ++id) ledger.on_end(id, 60ms);
  ledger.seen(0, kFirst);
  ledger.seen(1, kFirst);
  ledger.seen(99, kFirst);
  EXPECT_TRUE(ledger.totals().empty());
  ledger.seen(2, kFirst);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(60ms));
}

TEST(CulpritLedger, CreditsNoMoreThanTheStallTurnsOutToHaveLasted) {
  CulpritLedger ledger;
  ledger.on_progress(1, 50ms);
  ledger.seen(1, kFirst);
  ledger.on_progress(1, 64ms);
  ledger.on_end(1, 58ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(58ms));
}

TEST(CulpritLedger, AStallThatFollowsWithoutAnEndEndsTheOneBefore) {
  CulpritLedger ledger;
  ledger.on_progress(1, 100ms);
  ledger.seen(1, kFirst);
  ledger.on_progress(2, 50ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(100ms));
  ledger.seen(2, kSecond);
  ledger.on_end(2, 70ms);
  EXPECT_EQ(time_of(ledger, kFirst), Nanos(100ms));
  EXPECT_EQ(time_of(ledger, kSecond), Nanos(70ms));
}

TEST(CulpritLedger, IsFedAndReadFromSeveralThreads) {
  CulpritLedger ledger;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> current{0};
  std::thread capture([&] {
    while (!done) ledger.seen(current, kFirst);
  });
  std::thread scrape([&] {
    Nanos before{0};
    while (!done) {
      const Nanos now = time_of(ledger, kFirst);
      ASSERT_GE(now, before);
      before = now;
    }
  });
  for (std::uint64_t id = 1; id <= 300; ++id) {
    current = id;
    for (int i = 5; i < 10; ++i) ledger.on_progress(id, i * 10ms);
    ledger.on_end(id, 100ms);
  }
  done = true;
  capture.join();
  scrape.join();
  EXPECT_LE(time_of(ledger, kFirst), Nanos(300 * 100ms));
}

}  // namespace
}  // namespace loopscope
