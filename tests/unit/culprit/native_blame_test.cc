#include "culprit/native_blame.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

constexpr const char* kNode = "/usr/local/bin/server";  // whatever its name
constexpr const char* kAddon = "/srv/node_modules/bcrypt/bcrypt_lib.node";
constexpr const char* kProgram = "/srv/bin/app";

/// A stack, innermost first, and the engine it may have.
class NativeBlameTest : public ::testing::Test {
 protected:
  void frame(const std::string& function, const std::string& image) {
    NativeFrame made;
    made.frame.kind = "native";
    made.frame.function = function;
    made.image = image;
    made.role = role_of_image(image);
    const NativeRole by_name = role_of_function(function);
    if (by_name != NativeRole::kProgram) made.role = by_name;
    walk_.frames.push_back(made);
  }
  void node() {
    engines_.add(kNode, {.engine = "V8", .has_v8_symbols = true, .needed = {"libcrypto.so.3"}});
  }
  std::string culprit(bool in_poll = false) {
    verdict_ = native_culprit(walk_, engines_, in_poll);
    return verdict_.culprit == nullptr ? "" : verdict_.culprit->frame.function;
  }

  NativeWalk walk_;
  EngineImages engines_;
  NativeVerdict verdict_;
};

TEST_F(NativeBlameTest, TheProgramsInnermostFunction) {
  frame("__nanosleep", "/lib/libc.so.6");
  frame("sleep_in_timer", kProgram);
  frame("on_timer", kProgram);
  frame("uv__run_timers", kProgram);
  frame("uv_run", kProgram);
  frame("main", kProgram);
  EXPECT_EQ(culprit(), "sleep_in_timer");
}

TEST_F(NativeBlameTest, NobodyWhoOnlyStartedTheLoop) {
  frame("epoll_wait", "/lib/libc.so.6");
  frame("uv__io_poll", kProgram);
  frame("uv_run", kProgram);
  frame("main", kProgram);
  EXPECT_EQ(culprit(), "");
  EXPECT_EQ(culprit(true), "");
  EXPECT_NE(verdict_.why, "");
  EXPECT_FALSE(verdict_.script_runs);
}

TEST_F(NativeBlameTest, WhoWorksBetweenTwoRunsOfTheLoop) {
  frame("redraw", kProgram);
  frame("main", kProgram);
  EXPECT_EQ(culprit(), "redraw");
}

TEST_F(NativeBlameTest, ACallbackThatRunsALoopOfItsOwn) {
  frame("epoll_wait", "/lib/libc.so.6");
  frame("uv__io_poll", "/lib/libuv.so.1");
  frame("uv_run", "/lib/libuv.so.1");
  frame("wait_for_reply", kProgram);
  frame("uv__run_timers", "/lib/libuv.so.1");
  frame("uv_run", "/lib/libuv.so.1");
  frame("main", kProgram);
  EXPECT_EQ(culprit(true), "wait_for_reply");
}

TEST_F(NativeBlameTest, NobodyWhileALoopWithoutLibuvWaits) {
  frame("epoll_wait", "/lib/libc.so.6");
  frame("aeProcessEvents", kProgram);
  frame("main", kProgram);
  EXPECT_EQ(culprit(true), "");
}

TEST_F(NativeBlameTest, NothingOfAnEngine) {
  node();
  frame("v8::platform::DefaultJobState::Join", kNode);
  frame("v8::internal::Heap::CollectGarbage", kNode);
  frame("node::SpinEventLoopInternal", kNode);
  frame("node::Start", kNode);
  frame("main", kNode);
  EXPECT_EQ(culprit(), "");
}

TEST_F(NativeBlameTest, NoLibraryThatTheEngineIsLinkedWith) {
  node();
  frame("sha512_block_data_order_avx2", "/usr/lib/libcrypto.so.3");
  frame("node::crypto::PBKDF2Traits::DeriveBits", kNode);
  EXPECT_EQ(culprit(), "");
}

TEST_F(NativeBlameTest, AnAddOnsOwnFunction) {
  node();
  frame("memcpy", "/lib/libc.so.6");
  frame("Napi::String::New", kAddon);
  frame("napi_create_string_utf8", kNode);
  frame("HashPassword", kAddon);
  frame("Builtins_CallApiCallback", kNode);
  frame("main", kNode);
  EXPECT_EQ(culprit(), "HashPassword");
}

TEST_F(NativeBlameTest, NobodyWhoOnlyCalledAScript) {
  node();
  frame("v8::internal::Runtime_StackGuard", kNode);
  frame("Builtins_InterpreterEntryTrampoline", kNode);
  frame("v8::internal::Execution::Call", kNode);
  frame("CallBack", kAddon);
  frame("uv_run", kNode);
  EXPECT_EQ(culprit(), "");
  EXPECT_TRUE(verdict_.script_runs);
}

TEST_F(NativeBlameTest, AnEnginesCodeWithoutSymbolsMayRunAScript) {
  node();
  frame("", kNode);
  frame("CallBack", kAddon);
  EXPECT_EQ(culprit(), "");
}

TEST_F(NativeBlameTest, MadeCodeWithoutANameMayBeAScript) {
  frame("", "");
  frame("luaV_call", kProgram);
  EXPECT_EQ(culprit(), "");
}

TEST_F(NativeBlameTest, ALinkedInLuasInsidesAreNobody) {
  frame("", kProgram);  // static functions that were stripped
  frame("lua_tolstring", kProgram);
  frame("luaV_execute", kProgram);
  frame("luaD_call", kProgram);
  frame("lua_pcall", kProgram);
  frame("evalCommand", kProgram);
  EXPECT_EQ(culprit(), "");
  EXPECT_TRUE(verdict_.script_runs);
}

TEST_F(NativeBlameTest, WhatALinkedInLuasScriptCalls) {
  frame("keysCommand", kProgram);
  frame("luaD_precall", kProgram);
  frame("luaV_execute", kProgram);
  frame("lua_pcall", kProgram);
  EXPECT_EQ(culprit(), "keysCommand");
}

TEST_F(NativeBlameTest, WhoUsesALinkedInLuaWithoutAScript) {
  frame("luaH_resize", kProgram);
  frame("lua_createtable", kProgram);
  frame("copy_arguments", kProgram);
  EXPECT_EQ(culprit(), "copy_arguments");
}

TEST_F(NativeBlameTest, PythonsInsidesAreNobody) {
  frame("time_sleep", "/usr/bin/python3.11");
  frame("PyObject_Vectorcall", "/usr/bin/python3.11");
  frame("_PyEval_EvalFrameDefault", "/usr/bin/python3.11");
  frame("main", "/usr/bin/python3.11");
  EXPECT_EQ(culprit(), "");
}

TEST_F(NativeBlameTest, AScriptsFunctionThatAPerfMapNames) {
  frame("time_sleep", "/usr/bin/python3.11");
  frame("_PyEval_EvalFrameDefault", "/usr/bin/python3.11");
  frame("price_all", "");
  frame("_PyEval_EvalFrameDefault", "/usr/bin/python3.11");
  EXPECT_EQ(culprit(), "price_all");
}

TEST_F(NativeBlameTest, NodesOwnFunctionsInAPerfMapAreNot) {
  node();
  frame("Builtins_InterpreterEntryTrampoline", kNode);
  frame("listOnTimeout", "");
  walk_.frames.back().frame.file = "node:internal/timers";
  EXPECT_EQ(culprit(), "");
}

}  // namespace
}  // namespace loopscope
