#include "culprit/native/native_class.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(NativeClass, KnowsTheRuntimesImages) {
  for (const char* name :
       {"libc.so.6", "libc-2.31.so", "libc.musl-x86_64.so.1", "ld-linux-x86-64.so.2",
        "ld-musl-x86_64.so.1", "libuv.so.1", "libuv.so.1.0.0", "libstdc++.so.6.0.30",
        "libtsan.so.2", "libgcc_s.so.1", "libpthread.so.0", "libm.so.6", "[vdso]"}) {
    EXPECT_TRUE(is_runtime_image(name)) << name;
  }
  for (const char* name :
       {"libcrypto.so.3", "libcurl.so.4", "node", "nginx", "libcares.so.2", "ldap.so", ""}) {
    EXPECT_FALSE(is_runtime_image(name)) << name;
  }
}

TEST(NativeClass, KnowsLinkedInRuntimeFunctions) {
  for (const char* name : {"uv_run", "uv__io_poll", "std::vector::push_back", "operator new",
                           "__cxa_throw", "operator delete[]"}) {
    EXPECT_TRUE(is_runtime_function(name)) << name;
  }
  for (const char* name : {"uvula", "stdio_thing", "node::Start", "Foo::operator new", ""}) {
    EXPECT_FALSE(is_runtime_function(name)) << name;
  }
}

}  // namespace
}  // namespace loopscope
