#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace loopscope {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{"odd"};
  return value / 2;
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = half(8);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 4);

  const Result<int> bad = half(7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "odd");
}

TEST(Result, CarriesMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

TEST(Result, AStringValueIsNotAnError) {
  const Result<std::string> result(std::string("text"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->size(), 4u);
}

TEST(Result, VoidIsSuccessUnlessGivenAnError) {
  EXPECT_TRUE(Result<void>().ok());
  const Result<void> bad = Error{"no"};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "no");
}

}  // namespace
}  // namespace loopscope
