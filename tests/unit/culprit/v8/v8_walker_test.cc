#include "culprit/v8/v8_walker.h"

#include <gtest/gtest.h>

#include "culprit/v8/v8_reader.h"
#include "support/fake_v8.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kInBuiltin = FakeV8::kBuiltins + 0x40;
constexpr std::uint32_t kOptimized = 12;

/// A position table with one place, for all code from offset 0 on. `raw`: below 64.
std::vector<std::uint8_t> one_position(std::uint32_t offset) {
  const std::uint32_t raw = (offset + 1) * 2 * 2;
  return {2, static_cast<std::uint8_t>(0x80 | (raw & 0x7f)), static_cast<std::uint8_t>(raw >> 7)};
}

class V8WalkerTest : public ::testing::Test {
 protected:
  V8WalkerTest() {
    source_ = v8_.string("one\ntwo\nthree\nfour\n");
    script_ = v8_.script(v8_.string("/srv/app.js"), source_);
    internal_ = v8_.script(v8_.string("node:internal/timers"), source_, 2);
  }

  std::uint64_t function(std::string_view name, std::uint64_t script) {
    return v8_.function(v8_.shared(v8_.string(name), script));
  }
  /// An interpreted frame that stands at a source position.
  std::uint64_t interpreted(std::uint64_t caller_fp, std::uint64_t called, std::uint32_t position) {
    return v8_.interpreted_frame(caller_fp, called, v8_.bytecodes(one_position(position)), 3);
  }
  V8Walk walk(const StackSample& sample) {
    V8Reader reader(v8_.layout, FakeV8::image());
    return reader.walk(sample, v8_.memory, FakeV8::map(), thread_);
  }
  static std::string text(const V8Walk& walk) {
    std::string out;
    for (const V8Frame& frame : walk.frames) {
      out += frame.frame.function + "@" + frame.frame.file + ":" +
             std::to_string(frame.frame.line) + (frame.is_user ? "*" : "") + " ";
    }
    return out;
  }

  FakeV8 v8_;
  V8Thread thread_;
  std::uint64_t source_ = 0;
  std::uint64_t script_ = 0;
  std::uint64_t internal_ = 0;
};

TEST_F(V8WalkerTest, NamesInterpretedFrames) {
  const std::uint64_t entry = v8_.entry_frame();
  const std::uint64_t timers = interpreted(entry, function("listOnTimeout", internal_), 5);
  const std::uint64_t top = interpreted(timers, function("busy", script_), 9);
  const V8Walk found = walk(v8_.sample(kInBuiltin, top));
  EXPECT_TRUE(found.trusted) << found.problem;
  EXPECT_FALSE(found.no_javascript);
  EXPECT_EQ(text(found), "busy@/srv/app.js:3* listOnTimeout@node:internal/timers:2 ");
  EXPECT_EQ(thread_.isolate_root, FakeV8::kRoot);
  EXPECT_EQ(found.frames[0].frame.kind, "js");
}

TEST_F(V8WalkerTest, AHandlersRegistersKnowBetterThanItsFrame) {
  // Bytecode 0 is on line 1, bytecode 20 on line 3: steps 1, then 20.
  const std::vector<std::uint8_t> table{2, 4, 40, 36};
  const std::uint64_t array = v8_.bytecodes(table);
  const std::uint64_t top =
      v8_.interpreted_frame(v8_.entry_frame(), function("busy", script_), array, 3);
  StackSample sample = v8_.sample(kInBuiltin, top);
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 1);
  sample.registers.r12 = array;
  sample.registers.r9 = 20 + v8_.layout.bytecode_data - 1;
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 3);
  sample.registers.r9 = 1 << 20;  // nothing of this function
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 1);
}

TEST_F(V8WalkerTest, WithoutTheArrayARegisterAndTheFrameHaveToAgree) {
  const std::uint64_t array = v8_.bytecodes({2, 4, 40, 36});  // lines 1 and, from 20 on, 3
  const std::uint64_t top =
      v8_.interpreted_frame(v8_.entry_frame(), function("busy", script_), array, 3);
  StackSample sample = v8_.sample(kInBuiltin, top);
  sample.registers.r9 = 20 + v8_.layout.bytecode_data - 1;
  // The handler that runs has put r12 to other use, and r9 too, or not.
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 0);
  v8_.layout.handlers_start = kInBuiltin - 8;
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 0);
  sample.registers.r9 = 4 + v8_.layout.bytecode_data - 1;
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 1);
  // What a handler has called has the registers for itself.
  sample.registers.r9 = 20 + v8_.layout.bytecode_data - 1;
  v8_.layout.handlers_start = kInBuiltin + 8;
  EXPECT_EQ(walk(sample).frames.at(0).frame.line, 1);
}

TEST_F(V8WalkerTest, WhatAHandlerPutOnTheStackCountsMoreThanItsFrame) {
  const std::uint64_t array = v8_.bytecodes({2, 4, 40, 36});
  const std::uint64_t caller =
      v8_.interpreted_frame(v8_.entry_frame(), function("busy", script_), array, 3);
  const std::uint64_t offset = 20 + v8_.layout.bytecode_data - 1;
  // A frame of the handler's own, of a type that says nothing.
  const std::uint64_t own =
      v8_.frame(caller, FakeV8::kBuiltins + 0x20, {std::uint64_t{15} * 2, array, offset});
  const std::uint64_t exit = v8_.exit_frame(own);
  EXPECT_EQ(walk(v8_.sample(kInBuiltin, exit)).frames.at(0).frame.line, 3);
  v8_.memory.write(own - 32, offset - 1);  // which of the two?
  EXPECT_EQ(walk(v8_.sample(kInBuiltin, exit)).frames.at(0).frame.line, 0);
  v8_.memory.write(own - 32, std::uint64_t{0});
  v8_.memory.write(own - 16, std::uint64_t{0});  // another builtin's frame
  EXPECT_EQ(walk(v8_.sample(kInBuiltin, exit)).frames.at(0).frame.line, 1);
}

TEST_F(V8WalkerTest, NamesWhatWasInlined) {
  const std::uint64_t outer_shared = v8_.shared(v8_.string("outer"), script_);
  const std::uint64_t inner_shared = v8_.shared(v8_.string("inner"), script_);
  // Inlining 0: literal 1, called from position 5 of the outer function.
  const std::uint64_t inlining = v8_.bytes({12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
  const std::uint64_t deopt = v8_.array(
      {0, 0, v8_.array({outer_shared, inner_shared | 2}), 0, 0, 0, outer_shared, inlining});
  // Raw position: place 14, inlining id 0 (kept as 1 << 31), as one zigzag number.
  const std::uint64_t raw = ((std::uint64_t{1} << 31) | (15 * 2)) << 1;
  std::vector<std::uint8_t> table{2};
  for (std::uint64_t rest = raw; rest != 0; rest >>= 7) {
    table.push_back(static_cast<std::uint8_t>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0)));
  }
  const std::uint64_t start = FakeV8::kJit + 0x400;
  v8_.code(start, 0x200, kOptimized, v8_.bytes(table), deopt);
  const std::uint64_t fp = v8_.frame(v8_.entry_frame(), FakeV8::kBuiltins + 0x20,
                                     {source_, v8_.function(outer_shared), 0, 1, 1});
  const V8Walk found = walk(v8_.sample(start + 0x150, fp));
  EXPECT_TRUE(found.trusted) << found.problem;
  EXPECT_EQ(text(found), "inner@/srv/app.js:4* outer@/srv/app.js:2* ");
  // The frame of another function at rbp: the code's own is being made or gone.
  const std::uint64_t other = v8_.frame(v8_.entry_frame(), FakeV8::kBuiltins + 0x20,
                                        {source_, function("caller", script_), 0, 1, 1});
  EXPECT_EQ(text(walk(v8_.sample(start + 0x150, other))),
            "inner@/srv/app.js:4* outer@/srv/app.js:2* caller@/srv/app.js:0* ");
}

TEST_F(V8WalkerTest, OptimizedCodeWithoutATableHasNoLine) {
  const std::uint64_t shared = v8_.shared(v8_.string("outer"), script_);
  const std::uint64_t start = FakeV8::kJit + 0x400;
  const std::uint64_t fp = v8_.frame(v8_.entry_frame(), FakeV8::kBuiltins + 0x20,
                                     {source_, v8_.function(shared), 0, 1, 1});
  const auto code_with = [&](std::int64_t inlined) {
    v8_.code(start, 0x200, kOptimized, v8_.bytes({}),
             v8_.array({0, FakeV8::smi(inlined), v8_.array({}), 0, 0, 0, shared, v8_.bytes({})}));
  };
  code_with(0);
  EXPECT_EQ(text(walk(v8_.sample(start + 0x150, fp))), "outer@/srv/app.js:0* ");
  // One of those in it may run: outer() may be no more than the caller.
  code_with(2);
  const V8Walk found = walk(v8_.sample(start + 0x150, fp));
  EXPECT_FALSE(found.trusted);
  EXPECT_EQ(text(found), "");
}

TEST_F(V8WalkerTest, AFunctionWhoseFrameIsNotMadeYetIsNamedFromItsCode) {
  const std::uint64_t shared = v8_.shared(v8_.string("callee"), script_);
  const std::uint64_t deopt = v8_.array({0, 0, v8_.array({}), 0, 0, 0, shared, v8_.bytes({})});
  const std::uint64_t start = FakeV8::kJit + 0x400;
  v8_.code(start, 0x200, kOptimized, v8_.bytes(one_position(1)), deopt);
  v8_.memory.write(start + 8, std::uint32_t{0xe5894855});  // push rbp; mov rbp, rsp
  v8_.memory.write(start + 0x100, std::uint8_t{0xc3});
  const std::uint64_t caller = interpreted(v8_.entry_frame(), function("caller", script_), 9);
  v8_.memory.write(v8_.sp, FakeV8::kBuiltins + 0x20);
  for (const std::uint64_t offset : {4, 8, 0x100}) {
    EXPECT_EQ(text(walk(v8_.sample(start + offset, caller))),
              "callee@/srv/app.js:1* caller@/srv/app.js:3* ");
  }
  v8_.sp -= 8;  // after the push
  EXPECT_EQ(text(walk(v8_.sample(start + 9, caller))),
            "callee@/srv/app.js:1* caller@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, NativeCodeThatJavaScriptCalledIsFoundByFramePointers) {
  const std::uint64_t js = interpreted(v8_.entry_frame(), function("busy", script_), 9);
  const std::uint64_t exit = v8_.exit_frame(js);
  const std::uint64_t native = v8_.frame(exit, kInBuiltin, {0});
  const V8Walk found = walk(v8_.sample(FakeV8::kNativeCode + 0x10, native));
  EXPECT_TRUE(found.trusted) << found.problem;
  EXPECT_EQ(text(found), "busy@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, OrByWhatTheIsolateSays) {
  const std::uint64_t js = interpreted(v8_.entry_frame(), function("busy", script_), 9);
  v8_.set_exit(v8_.exit_frame(js));
  v8_.memory.write(v8_.sp, FakeV8::kIsolate);  // something that has the isolate
  for (const std::uint64_t fp : {std::uint64_t{0}, std::uint64_t{0x1234}, v8_.sp + 16}) {
    thread_ = {};
    EXPECT_EQ(text(walk(v8_.sample(FakeV8::kNativeCode + 0x10, fp))), "busy@/srv/app.js:3* ");
  }
  EXPECT_EQ(text(walk(v8_.sleeping_sample())), "busy@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, AFrameThatUnwindingFoundCountsMoreThanTheIsolate) {
  const std::uint64_t entry = v8_.entry_frame();
  const std::uint64_t outer = interpreted(entry, function("outer", script_), 5);
  const std::uint64_t inner = interpreted(outer, function("inner", script_), 9);
  // Since the sample was taken, the isolate has left JavaScript.
  V8Reader reader(v8_.layout, FakeV8::image());
  const StackSample sample = v8_.sample(FakeV8::kNativeCode, 0);
  const GeneratedFrame found_entry{kInBuiltin, sample.registers.sp, inner};
  const V8Walk found = reader.walk_from(found_entry, sample, v8_.memory, FakeV8::map(), thread_);
  EXPECT_TRUE(found.trusted) << found.problem;
  EXPECT_EQ(text(found), "inner@/srv/app.js:3* outer@/srv/app.js:2* ");

  const GeneratedFrame elsewhere{FakeV8::kNativeCode, sample.registers.sp, inner};
  EXPECT_FALSE(reader.walk_from(elsewhere, sample, v8_.memory, FakeV8::map(), thread_).trusted);
  const GeneratedFrame below{kInBuiltin, inner + 64, inner};
  EXPECT_FALSE(reader.walk_from(below, sample, v8_.memory, FakeV8::map(), thread_).trusted);
}

TEST_F(V8WalkerTest, GoesOnBelowCppThatCalledBack) {
  const std::uint64_t below = interpreted(v8_.entry_frame(), function("run", script_), 9);
  const std::uint64_t exit = v8_.exit_frame(below);
  const std::uint64_t top = interpreted(v8_.entry_frame(exit), function("callback", internal_), 1);
  const V8Walk found = walk(v8_.sample(kInBuiltin, top));
  EXPECT_TRUE(found.trusted);
  EXPECT_EQ(text(found), "callback@node:internal/timers:1 run@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, AnIdleLoopHasNoJavaScript) {
  // What an earlier call left on the stack stands below the stack pointer's frame still.
  const std::uint64_t js = interpreted(v8_.entry_frame(), function("stale", script_), 9);
  v8_.exit_frame(js);
  v8_.memory.write(v8_.sp, FakeV8::kIsolate);
  for (const StackSample& sample : {v8_.sleeping_sample(), v8_.sample(FakeV8::kNativeCode, 0)}) {
    const V8Walk found = walk(sample);
    EXPECT_TRUE(found.no_javascript);
    EXPECT_TRUE(found.trusted);
    EXPECT_EQ(text(found), "");
  }
}

TEST_F(V8WalkerTest, AnUnknownIsolateIsNoIdleLoop) {
  const V8Walk found = walk(v8_.sleeping_sample());
  EXPECT_FALSE(found.no_javascript);
  EXPECT_FALSE(found.trusted);
  EXPECT_NE(found.problem, "");
}

TEST_F(V8WalkerTest, CodeWithoutAFileIsKeptAndIsNotTheUsers) {
  const std::uint64_t eval = v8_.script(FakeV8::smi(0), source_, 3);
  const std::uint64_t caller = interpreted(v8_.entry_frame(), function("caller", script_), 9);
  const std::uint64_t top = interpreted(caller, function("anonymous", eval), 9);
  EXPECT_EQ(text(walk(v8_.sample(kInBuiltin, top))), "anonymous@:0 caller@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, ACounterInNoKnownCodeGivesNoName) {
  // Such is JIT code in a page that was mapped since the map was read.
  const std::uint64_t caller = interpreted(v8_.entry_frame(), function("caller", script_), 9);
  const std::uint64_t top = interpreted(caller, function("newest", script_), 9);
  const V8Walk found = walk(v8_.sample(FakeV8::kJit + FakeV8::kJitSize + 64, top));
  EXPECT_FALSE(found.trusted) << text(found);
}

TEST_F(V8WalkerTest, BuiltinsHaveAName) {
  const std::uint64_t caller = interpreted(v8_.entry_frame(), function("caller", script_), 9);
  const std::uint64_t sort = v8_.frame(caller, FakeV8::kBuiltins + 0x20,
                                       {source_, function("sort", FakeV8::smi(0)), 1, 1, 1});
  const std::uint64_t builtin_exit =
      v8_.frame(sort, FakeV8::kBuiltins + 0x20, {v8_.layout.frame_builtin_exit * 2, 0});
  v8_.memory.write(builtin_exit + 24, function("parse", FakeV8::smi(0)));
  EXPECT_EQ(text(walk(v8_.sample(kInBuiltin, builtin_exit))),
            "parse@:0 sort@:0 caller@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, AMovedFunctionIsFollowed) {
  const std::uint64_t moved = function("moved", script_);
  const std::uint64_t old = function("old", script_);
  const std::uint64_t top = interpreted(v8_.entry_frame(), old, 9);
  v8_.memory.write(old - 1, moved - 1);
  EXPECT_EQ(text(walk(v8_.sample(kInBuiltin, top))), "moved@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, ABrokenFrameAboveTheCulpritGivesNoName) {
  const std::uint64_t below = interpreted(v8_.entry_frame(), function("innocent", script_), 9);
  const std::uint64_t self = function("self", script_);
  v8_.set(self, v8_.layout.function_shared, self);  // a function that is its own source
  for (const std::uint64_t bad : {self, source_, FakeV8::smi(5), std::uint64_t{0xdeadbeef01}}) {
    const V8Walk found = walk(v8_.sample(kInBuiltin, interpreted(below, bad, 9)));
    EXPECT_FALSE(found.trusted);
    EXPECT_EQ(text(found), "");
    EXPECT_NE(found.problem, "");
  }
}

TEST_F(V8WalkerTest, ABrokenFrameBelowTheCulpritDoesNotMatter) {
  const std::uint64_t broken = interpreted(v8_.entry_frame(), source_, 9);
  const std::uint64_t top = interpreted(broken, function("busy", script_), 9);
  const V8Walk found = walk(v8_.sample(kInBuiltin, top));
  EXPECT_TRUE(found.trusted);
  EXPECT_EQ(text(found), "busy@/srv/app.js:3* ");
}

TEST_F(V8WalkerTest, CyclesOfFramesEnd) {
  const std::uint64_t upper = interpreted(0, function("node", internal_), 9);
  const std::uint64_t lower = interpreted(upper, function("node", internal_), 9);
  v8_.memory.write(upper, lower);
  const V8Walk found = walk(v8_.sample(kInBuiltin, lower));
  EXPECT_FALSE(found.trusted);
  EXPECT_EQ(found.frames.size(), 2U);
  // A circle of native frames says nothing; the isolate says that there is no JavaScript.
  v8_.memory.write(v8_.sp, v8_.sp);
  v8_.memory.write(v8_.sp + 8, FakeV8::kNativeCode);
  EXPECT_TRUE(walk(v8_.sample(FakeV8::kNativeCode, v8_.sp)).no_javascript);
}

TEST_F(V8WalkerTest, EntryFramesInACircleEnd) {
  const std::uint64_t entry = v8_.entry_frame();
  const std::uint64_t exit = v8_.exit_frame(entry);
  v8_.memory.write(entry - 64, exit);
  v8_.set_exit(exit);
  v8_.memory.write(v8_.sp, FakeV8::kIsolate);
  EXPECT_FALSE(walk(v8_.sleeping_sample()).trusted);
}

TEST_F(V8WalkerTest, DeepStacksAreCutOff) {
  const std::uint64_t deep = function("deep", script_);
  const std::uint64_t array = v8_.bytecodes(one_position(9));
  std::uint64_t fp = v8_.entry_frame();
  for (int i = 0; i < 200; ++i) fp = v8_.interpreted_frame(fp, deep, array, 3);
  const V8Walk found = walk(v8_.sample(kInBuiltin, fp));
  EXPECT_TRUE(found.trusted);
  EXPECT_EQ(found.frames.size(), 96U);
}

TEST_F(V8WalkerTest, AnExitFrameElsewhereIsNotBelieved) {
  v8_.memory.write(v8_.sp, FakeV8::kIsolate);
  for (const std::uint64_t exit : {FakeV8::kHeap + 64, v8_.sp - 64, FakeV8::kStack + 3,
                                   FakeV8::kStack + FakeV8::kStackSize - 8, v8_.sp + 16}) {
    v8_.set_exit(exit);
    const V8Walk found = walk(v8_.sleeping_sample());
    EXPECT_FALSE(found.trusted);
    EXPECT_FALSE(found.no_javascript);
    EXPECT_EQ(text(found), "");
  }
}

}  // namespace
}  // namespace loopscope
