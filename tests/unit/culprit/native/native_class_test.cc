#include "culprit/native/native_class.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(NativeClass, KnowsTheRuntimesImages) {
  for (const char* name :
       {"/lib/libc.so.6", "libc-2.31.so", "libc.musl-x86_64.so.1", "ld-linux-x86-64.so.2",
        "ld-musl-x86_64.so.1", "libuv.so.1", "libuv.so.1.0.0", "libstdc++.so.6.0.30",
        "libtsan.so.2", "libgcc_s.so.1", "libpthread.so.0", "libm.so.6", "[vdso]",
        "/venv/lib/python3.12/site-packages/uvloop/loop.cpython-312-x86_64-linux-gnu.so"}) {
    EXPECT_EQ(role_of_image(name), NativeRole::kLibrary) << name;
  }
  for (const char* name : {"libcrypto.so.3", "libcurl.so.4", "nginx", "libcares.so.2", "ldap.so",
                           "/srv/node_modules/bcrypt/bcrypt_lib.node", "/srv/node.node",
                           "/opt/node_exporter", "/srv/nodes/app", ""}) {
    EXPECT_EQ(role_of_image(name), NativeRole::kProgram) << name;
  }
}

TEST(NativeClass, KnowsScriptEnginesByTheirNames) {
  for (const char* path : {"/usr/bin/node", "/usr/bin/nodejs", "/usr/lib/libnode.so.108"}) {
    EXPECT_EQ(engine_name(path), "Node") << path;
    EXPECT_EQ(role_of_image(path), NativeRole::kEngine) << path;
  }
  for (const char* path :
       {"/usr/bin/python3.12", "/usr/lib/libpython3.11.so.1.0",
        "/usr/lib/python3.11/lib-dynload/_hashlib.cpython-311-x86_64-linux-gnu.so"}) {
    EXPECT_EQ(engine_name(path), "Python") << path;
  }
  EXPECT_EQ(engine_name("/app/node_modules/@cloudflare/workerd-linux-64/bin/workerd"), "workerd");
  EXPECT_EQ(engine_name("/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1.2"), "Ruby");
  EXPECT_EQ(engine_name("/usr/bin/redis-server"), "");
}

TEST(NativeClass, KnowsLinkedInRuntimeFunctions) {
  for (const char* name : {"uv__io_poll", "std::vector::push_back", "operator new", "__cxa_throw",
                           "operator delete[]", "__libc_start_call_main", "_start"}) {
    EXPECT_EQ(role_of_function(name), NativeRole::kLibrary) << name;
  }
  EXPECT_EQ(role_of_function("uv_run"), NativeRole::kLoop);
  for (const char* name : {"v8::base::Time::Now", "v8::internal::JsonParser::ParseJsonArray",
                           "napi_create_string_utf8", "PyObject_Vectorcall", "_PyObject_MakeTpCall",
                           "JSC::VM::throwException", "lua_tolstring", "luaL_checklstring",
                           "luaH_get", "luaV_gettable"}) {
    EXPECT_EQ(role_of_function(name), NativeRole::kEngine) << name;
  }
  for (const char* name : {"Builtins_InterpreterEntryTrampoline", "_PyEval_EvalFrameDefault",
                           "v8::internal::Execution::Call", "luaV_execute", "lua_pcall",
                           "lua_callk", "luaD_callnoyield"}) {
    EXPECT_EQ(role_of_function(name), NativeRole::kInterpreter) << name;
  }
  // A program may have a namespace "node" of its own; Node's is known by its image.
  for (const char* name :
       {"uvula", "stdio_thing", "node::Start", "Foo::operator new", "uv_runner", "Python",
        "clone_repository", "luaRedisPCallCommand", "luajit_mode", ""}) {
    EXPECT_NE(role_of_function(name), NativeRole::kEngine) << name;
    EXPECT_NE(role_of_function(name), NativeRole::kInterpreter) << name;
    EXPECT_NE(role_of_function(name), NativeRole::kLoop) << name;
  }
  EXPECT_EQ(role_of_function("node::Start"), NativeRole::kProgram);
}

TEST(NativeClass, FindsALibraryByTheNameItIsAskedFor) {
  EXPECT_TRUE(is_needed_name("libcares.so.2.5.1", "libcares.so.2"));
  EXPECT_TRUE(is_needed_name("libcrypto.so.3", "libcrypto.so.3"));
  EXPECT_FALSE(is_needed_name("libcares.so.21", "libcares.so.2"));
  EXPECT_FALSE(is_needed_name("libcares.so", "libcares.so.2"));
  EXPECT_FALSE(is_needed_name("libcares.so.2", ""));
}

}  // namespace
}  // namespace loopscope
