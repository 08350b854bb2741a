#include "core/top_culprits.h"

#include <gtest/gtest.h>

#include <random>

#include "support/sanitizer.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

CulpritKey key(int number) { return {"f" + std::to_string(number), "shop.js", number, ""}; }

std::map<CulpritKey, Nanos> by_key(const TopCulprits& culprits) {
  std::map<CulpritKey, Nanos> result;
  for (const CulpritTotals& each : culprits.totals()) {
    EXPECT_TRUE(
        result.emplace(CulpritKey{each.function, each.file, each.line, each.package}, each.time)
            .second);
  }
  return result;
}

const CulpritKey kOther{"other", "", 0, ""};

/// Credits one function after the other and checks what holds at every moment.
class Bookkeeper {
 public:
  void credit(const CulpritKey& who, Nanos time) {
    culprits_.add(who, time);
    truth_[who] += time;
    total_ += time;
    check();
  }
  const std::map<CulpritKey, Nanos>& shown() const { return shown_; }
  bool shows(const CulpritKey& who) const { return shown_.contains(who); }

 private:
  void check() {
    const auto now = by_key(culprits_);
    ASSERT_LE(now.size(), TopCulprits::kShown + 1);
    Nanos sum{0};
    for (const auto& [who, time] : now) {
      sum += time;
      if (const auto before = shown_.find(who); before != shown_.end()) {
        ASSERT_GE(time, before->second) << who.function;
      }
      ASSERT_TRUE(who == kOther || time <= truth_[who]) << who.function;
    }
    ASSERT_EQ(sum, total_);
    ASSERT_TRUE(now.contains(kOther) || !shown_.contains(kOther));
    shown_ = now;
  }

  TopCulprits culprits_;
  std::map<CulpritKey, Nanos> truth_;
  std::map<CulpritKey, Nanos> shown_;
  Nanos total_{0};
};

TEST(TopCulprits, ShowsFewFunctionsExactlyAndNoOther) {
  TopCulprits culprits;
  EXPECT_TRUE(culprits.totals().empty());
  for (int i = 0; i < static_cast<int>(TopCulprits::kShown); ++i) culprits.add(key(i), 1ms);
  culprits.add(key(3), 2ms);
  culprits.add(key(4), 0ms);
  culprits.add(key(4), -1ms);
  const auto shown = by_key(culprits);
  EXPECT_EQ(shown.size(), TopCulprits::kShown);
  EXPECT_EQ(shown.at(key(3)), Nanos(3ms));
  EXPECT_EQ(shown.at(key(4)), Nanos(1ms));
  EXPECT_FALSE(shown.contains(kOther));
}

TEST(TopCulprits, TellsFunctionsOfOneNameApartByPlace) {
  TopCulprits culprits;
  culprits.add({"f", "a.js", 1, ""}, 1ms);
  culprits.add({"f", "a.js", 2, ""}, 1ms);
  culprits.add({"f", "b.js", 1, ""}, 1ms);
  EXPECT_EQ(culprits.totals().size(), 3u);
}

TEST(TopCulprits, PutsWhatDoesNotFitIntoOther) {
  TopCulprits culprits;
  for (int i = 0; i < static_cast<int>(TopCulprits::kShown); ++i) culprits.add(key(i), 1s);
  for (int i = 100; i < 600; ++i) culprits.add(key(i), 1ms);
  const auto shown = by_key(culprits);
  EXPECT_EQ(shown.size(), TopCulprits::kShown + 1);
  EXPECT_EQ(shown.at(kOther), Nanos(500ms));
  EXPECT_EQ(culprits.totals().back().function, "other");
}

TEST(TopCulprits, LetsALateHeavyFunctionIn) {
  Bookkeeper books;
  for (int i = 0; i < 400; ++i) books.credit(key(i), 1s + std::chrono::milliseconds(i % 50));
  const CulpritKey late{"late", "shop.js", 1, ""};
  for (int i = 0; i < 100 && !books.shows(late); ++i) {
    books.credit(late, 100ms);
    books.credit(key(1000 + i), 100ms);  // the crowd goes on
  }
  ASSERT_TRUE(books.shows(late)) << "a quarter more than the least of the shown ones is enough";
  const Nanos at_first = books.shown().at(late);
  EXPECT_EQ(at_first, Nanos(100ms)) << "starts with what it gets now";
  books.credit(late, 5s);
  EXPECT_EQ(books.shown().at(late), at_first + 5s);
}

TEST(TopCulprits, TwoAlikeDoNotTakeTurns) {
  Bookkeeper books;
  for (int i = 0; i < static_cast<int>(TopCulprits::kShown) - 1; ++i) books.credit(key(i), 1h);
  const CulpritKey one{"one", "shop.js", 1, ""};
  const CulpritKey two{"two", "shop.js", 2, ""};
  int changes = 0;
  for (int i = 0; i < 2000; ++i) {
    const bool before = books.shows(one);
    books.credit(one, 10ms);
    books.credit(two, 10ms);
    if (books.shows(one) != before) ++changes;
  }
  EXPECT_LE(changes, 2);
}

TEST(TopCulprits, HoldsItsPromisesWhateverComes) {
  std::mt19937 random(20240607);
  for (unsigned round = 0; round < rounds_here(8); ++round) {
    Bookkeeper books;
    // Few heavy and many light functions, the heavy ones other ones over time.
    std::geometric_distribution<int> rank(0.01 * (round + 1));
    std::uniform_int_distribution<int> time_ms(1, 200);
    int shift = 0;
    for (int i = 0; i < 3000; ++i) {
      if (i % 500 == 0) shift += 40;
      books.credit(key(shift + rank(random)), std::chrono::milliseconds(time_ms(random)));
      if (testing::Test::HasFatalFailure()) return;
    }
    const CulpritKey heavy{"heavy", "late.js", 1, ""};
    for (int i = 0; i < 500 && !books.shows(heavy); ++i) books.credit(heavy, 1s);
    EXPECT_TRUE(books.shows(heavy)) << "round " << round;
  }
}

}  // namespace
}  // namespace loopscope
