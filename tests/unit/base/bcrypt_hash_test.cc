#include "base/bcrypt_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace loopscope {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kSaltAndDigest = "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

TEST(BcryptHashTest, TakesTheThreePrefixesAndTheCostsWithinBounds) {
  for (const std::string prefix : {"$2a$", "$2b$", "$2y$"}) {
    for (const int cost : {4, 9, 10, 14}) {
      const std::string text =
          prefix + (cost < 10 ? "0" : "") + std::to_string(cost) + "$" + kSaltAndDigest;
      const auto hash = BcryptHash::parse(text);
      ASSERT_TRUE(hash.ok()) << text;
      EXPECT_EQ(hash->text(), text);
      EXPECT_EQ(hash->cost(), cost);
    }
  }
}

TEST(BcryptHashTest, CostsBeyondAreRefused) {
  const std::vector<std::pair<std::string, std::string>> costs = {
      {"00", "0"}, {"03", "3"}, {"15", "15"}, {"31", "31"}, {"99", "99"}};
  for (const auto& [digits, cost] : costs) {
    const auto hash = BcryptHash::parse("$2y$" + digits + "$" + kSaltAndDigest);
    ASSERT_FALSE(hash.ok()) << digits;
    EXPECT_EQ(hash.error().message, "a bcrypt hash of cost " + cost + "; allowed are 4 to 14");
  }
}

TEST(BcryptHashTest, OtherTextIsRefusedAndNotRepeated) {
  const std::string good = "$2y$10$" + kSaltAndDigest;
  for (const std::string& text :
       {std::string(), std::string("hunter2"), std::string("$2y$10$"), good + "a",
        good.substr(0, 59), "$2x$10$" + kSaltAndDigest, "$5$10$" + kSaltAndDigest + "aa",
        "$2y$1a$" + kSaltAndDigest, "$2y$-4$" + kSaltAndDigest, "$2y$10." + kSaltAndDigest,
        good.substr(0, 59) + "!", good.substr(0, 59) + " ",
        "$2y$10$" + std::string(1, '\0') + kSaltAndDigest.substr(1), "{SHA}" + good.substr(5)}) {
    const auto hash = BcryptHash::parse(text);
    ASSERT_FALSE(hash.ok()) << text;
    EXPECT_THAT(hash.error().message, HasSubstr("not a bcrypt hash"));
    if (!text.empty()) {
      EXPECT_THAT(hash.error().message, Not(HasSubstr(text.substr(text.size() / 2)))) << text;
    }
  }
}

TEST(BcryptHashTest, AHashOfNothingIsWellFormed) {
  for (int cost = BcryptHash::kMinCost; cost <= BcryptHash::kMaxCost; ++cost) {
    const BcryptHash hash = BcryptHash::of_nothing(cost);
    EXPECT_EQ(hash.cost(), cost);
    const auto parsed = BcryptHash::parse(hash.text());
    ASSERT_TRUE(parsed.ok()) << hash.text();
    EXPECT_EQ(*parsed, hash);
  }
}

}  // namespace
}  // namespace loopscope
