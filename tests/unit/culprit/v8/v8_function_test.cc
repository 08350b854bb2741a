#include "culprit/v8/v8_function.h"

#include <gtest/gtest.h>

#include "support/fake_v8.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kSavedClassVariable = 1U << 10;
constexpr std::uint64_t kNamed = 3U << 12;
constexpr std::uint64_t kInferred = 1U << 14;

class V8FunctionTest : public ::testing::Test {
 protected:
  /// A ScopeInfo with `locals` local variables, and `words` after what describes them.
  std::uint64_t scope(std::uint64_t flags, std::uint32_t locals,
                      const std::vector<std::uint64_t>& words) {
    const std::uint32_t described = locals + (locals > 75 ? 1 : locals);
    const std::uint64_t made =
        v8_.allocate(v8_.layout.type_scope_info, 8 * (4 + described + words.size()));
    v8_.set(made, 8, FakeV8::smi(static_cast<std::int64_t>(flags)));
    v8_.set(made, 24, FakeV8::smi(locals));
    for (std::size_t i = 0; i < words.size(); ++i) {
      v8_.set(made, static_cast<std::uint32_t>(8 * (4 + described + i)), words[i]);
    }
    return made;
  }
  std::optional<V8Function> read(std::uint64_t name_or_scope) {
    shared_ = v8_.shared(name_or_scope, v8_.script(v8_.string("/a.js"), v8_.string("")));
    return read_function(V8Heap(v8_.layout, v8_.memory), shared_);
  }
  FakeV8 v8_;
  std::uint64_t shared_ = 0;
};

TEST_F(V8FunctionTest, ANameMayStandAlone) {
  EXPECT_EQ(read(v8_.string("parse"))->name, "parse");
  EXPECT_TRUE(read(v8_.string("parse"))->script);
}

TEST_F(V8FunctionTest, ANameMayStandBehindAnyNumberOfLocals) {
  for (const std::uint32_t locals : {0U, 1U, 75U, 76U, 500U}) {
    const auto function =
        read(scope(kNamed, locals, {v8_.string("busy"), 0, FakeV8::smi(40), FakeV8::smi(90)}));
    ASSERT_TRUE(function) << locals;
    EXPECT_EQ(function->name, "busy");
    EXPECT_EQ(function->start, 40U);
  }
}

TEST_F(V8FunctionTest, OtherWordsMayComeFirst) {
  EXPECT_EQ(read(scope(kNamed | kSavedClassVariable, 2, {0, v8_.string("make"), 0}))->name, "make");
}

TEST_F(V8FunctionTest, AnInferredNameIsBetterThanNone) {
  const std::uint64_t inferred = v8_.string("app.handler");
  EXPECT_EQ(read(scope(kInferred, 1, {inferred, FakeV8::smi(9)}))->name, "app.handler");
  EXPECT_EQ(read(scope(kNamed | kInferred, 1, {v8_.string("own"), 0, inferred}))->name, "own");
  EXPECT_EQ(read(scope(kNamed, 1, {FakeV8::smi(0), 0}))->name, "<anonymous>");
  EXPECT_EQ(read(scope(0, 1, {FakeV8::smi(3)}))->name, "<anonymous>");
  EXPECT_EQ(read(FakeV8::smi(0))->name, "<anonymous>");
}

TEST_F(V8FunctionTest, TheFunctionTokenIsWhereItBegins) {
  ASSERT_TRUE(read(scope(kNamed, 0, {v8_.string("f"), 0, FakeV8::smi(40)})));
  v8_.memory.write(shared_ - 1 + v8_.layout.shared_token_offset, std::uint16_t{9});
  EXPECT_EQ(read_function(V8Heap(v8_.layout, v8_.memory), shared_)->start, 31U);
}

TEST_F(V8FunctionTest, StartAndFlagsStandElsewhereFromNode24On) {
  v8_.layout.scope_first_vars = 5;
  v8_.layout.scope_has_start_in_front = true;
  const std::uint64_t made = v8_.allocate(v8_.layout.type_scope_info, 80);
  v8_.set(made, 8, kNamed);  // not a Smi any more
  v8_.set(made, 24, FakeV8::smi(0));
  v8_.set(made, 32, FakeV8::smi(70));
  v8_.set(made, 48, v8_.string("newer"));
  const auto function = read(made);
  ASSERT_TRUE(function);
  EXPECT_EQ(function->name, "newer");
  EXPECT_EQ(function->start, 70U);
}

TEST_F(V8FunctionTest, AWrapperIsOpened) {
  read(v8_.string("inner"));
  const std::uint64_t wrapper = v8_.allocate(v8_.layout.type_shared_function_info_wrapper, 16);
  v8_.set(wrapper, v8_.layout.wrapper_shared, shared_);
  EXPECT_EQ(read_function(V8Heap(v8_.layout, v8_.memory), wrapper)->name, "inner");
  v8_.set(wrapper, v8_.layout.wrapper_shared, wrapper);
  EXPECT_FALSE(read_function(V8Heap(v8_.layout, v8_.memory), wrapper));
}

TEST_F(V8FunctionTest, WhatCannotBeReadHasNoName) {
  EXPECT_FALSE(read(v8_.array({})));
  EXPECT_FALSE(read(0xdead00000001));
  EXPECT_FALSE(read(scope(kNamed, 0, {v8_.array({}), 0})));
  const std::uint64_t lying = scope(kNamed, 0, {v8_.string("f"), 0});
  for (const std::int64_t locals : {-1, 1 << 30, 90000}) {
    v8_.set(lying, 24, FakeV8::smi(locals));
    EXPECT_FALSE(read(lying)) << locals;
  }
  EXPECT_FALSE(read_function(V8Heap(v8_.layout, v8_.memory), v8_.string("no function")));
}

}  // namespace
}  // namespace loopscope
