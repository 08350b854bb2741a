#include "culprit/native/image_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "target/remote_memory.h"

namespace loopscope {
namespace {

TEST(ImageTable, OpensAnImageOnce) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const Mapping* code = map->find(reinterpret_cast<std::uint64_t>(&image_base_name));
  ASSERT_NE(code, nullptr);
  ImageTable table(::getpid());
  const RemoteMemory memory(::getpid());
  const auto image = table.find(*map, *code, memory);
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->base_name(), "culprit_tests");
  EXPECT_EQ(table.find(*map, *code, memory), image);
  Mapping elsewhere = *code;
  elsewhere.start -= 4096;
  EXPECT_NE(table.find(*map, elsewhere, memory), image);
}

TEST(ImageTable, HasNothingForMemoryWithoutAnImage) {
  const MemoryMap map =
      MemoryMap::parse("1000-2000 r-xp 00000000 00:00 0\n3000-4000 r-xp 00000000 00:01 7 /gone\n");
  ImageTable table(::getpid());
  const RemoteMemory memory(::getpid());
  for (const Mapping& mapping : map.mappings()) {
    EXPECT_EQ(table.find(map, mapping, memory), nullptr);
    EXPECT_EQ(table.find(map, mapping, memory), nullptr);
  }
}

TEST(ImageTable, ForgetsWhatWasNotUsedForLong) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const Mapping* code = map->find(reinterpret_cast<std::uint64_t>(&image_base_name));
  ASSERT_NE(code, nullptr);
  ImageTable table(::getpid());
  const RemoteMemory memory(::getpid());
  const auto image = table.find(*map, *code, memory);
  Mapping gone;
  gone.inode = 1;
  for (std::size_t i = 0; i < ImageTable::kMaxImages; ++i) {
    gone.start = (i + 1) * 4096;
    gone.end = gone.start + 4096;
    table.find(*map, gone, memory);
  }
  EXPECT_NE(table.find(*map, *code, memory), image);
  EXPECT_EQ(image->base_name(), "culprit_tests");
}

TEST(ImageTable, ShowsBaseNamesThatArePrintable) {
  EXPECT_EQ(image_base_name("/usr/lib/libc.so.6"), "libc.so.6");
  EXPECT_EQ(image_base_name("[vdso]"), "[vdso]");
  EXPECT_EQ(image_base_name("/a/b\nc"), "b?c");
  EXPECT_EQ(image_base_name(""), "");
  EXPECT_LE(image_base_name("/" + std::string(4000, 'x')).size(), 128u);
}

}  // namespace
}  // namespace loopscope
