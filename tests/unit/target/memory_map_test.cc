#include "target/memory_map.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace loopscope {
namespace {

constexpr char kMaps[] =
    "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus daemon\n"
    "00651000-00652000 r--p 00051000 08:02 173521      /srv/a\\012b \\040 (deleted)\n"
    "00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n"
    "35b1800000-35b1820000 ---p 00000000 fd:10 135522\n"
    "7fff26bb2000-7fff26bd3000 rw-p 00000000 00:00 0   [stack]\n";

TEST(MemoryMap, ReadsMappings) {
  const MemoryMap map = MemoryMap::parse(kMaps);
  ASSERT_EQ(map.mappings().size(), 5U);
  const Mapping& text = map.mappings()[0];
  EXPECT_EQ(text.start, 0x400000U);
  EXPECT_EQ(text.end, 0x452000U);
  EXPECT_EQ(text.offset, 0x1000U);
  EXPECT_TRUE(text.readable && !text.writable && text.executable);
  EXPECT_EQ(text.dev_major, 8U);
  EXPECT_EQ(text.dev_minor, 2U);
  EXPECT_EQ(text.inode, 173521U);
  EXPECT_EQ(text.path, "/usr/bin/dbus daemon");
  EXPECT_FALSE(text.deleted);

  EXPECT_EQ(map.mappings()[1].path, "/srv/a\nb  ");
  EXPECT_TRUE(map.mappings()[1].deleted);
  EXPECT_FALSE(map.mappings()[2].is_file());
  EXPECT_EQ(map.mappings()[3].path, "");
  EXPECT_EQ(map.mappings()[3].dev_minor, 0x10U);
}

TEST(MemoryMap, FindsByAddressAndPath) {
  const MemoryMap map = MemoryMap::parse(kMaps);
  EXPECT_EQ(map.find(0x400000), &map.mappings()[0]);
  EXPECT_EQ(map.find(0x451fff), &map.mappings()[0]);
  EXPECT_EQ(map.find(0x452000), nullptr);
  EXPECT_EQ(map.find(0), nullptr);
  EXPECT_EQ(map.find(~std::uint64_t{0}), nullptr);
  EXPECT_EQ(map.find(0x7fff26bd2fff), &map.mappings()[4]);
  EXPECT_EQ(map.find_path("[stack]"), &map.mappings()[4]);
  EXPECT_EQ(map.find_path("[vdso]"), nullptr);
}

TEST(MemoryMap, LeavesOutWhatIsNoMapping) {
  const MemoryMap map = MemoryMap::parse(
      "\n"
      "garbage\n"
      "2000-1000 r-xp 0 08:02 1 /reversed\n"
      "3000-4000 r-xp\n"
      "5000-6000 r-xp 0 08:02 1 /good\n"
      "5800-7000 r-xp 0 08:02 1 /overlaps\n"
      "1000-2000 r-xp 0 08:02 1 /out of order\n"
      "10000000000000000-20000000000000000 r-xp 0 08:02 1 /too large\n"
      "8000-9000 r-xp 0 08:02 /no inode\n");
  ASSERT_EQ(map.mappings().size(), 1U);
  EXPECT_EQ(map.mappings()[0].path, "/good");
}

TEST(MemoryMap, SurvivesEveryPrefix) {
  const std::string text = kMaps;
  for (std::size_t length = 0; length <= text.size(); ++length) {
    EXPECT_LE(MemoryMap::parse(text.substr(0, length)).mappings().size(), 5U);
  }
}

TEST(MemoryMap, IsBounded) {
  std::string text;
  for (std::size_t i = 1; i <= MemoryMap::kMaxMappings + 10; ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "%zx000-%zxfff r-xp 0 08:02 1 /x\n", i, i);
    text += line;
  }
  EXPECT_EQ(MemoryMap::parse(text).mappings().size(), MemoryMap::kMaxMappings);
}

TEST(MemoryMap, ReadsTheOwnProcess) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  // Not the address of a local: AddressSanitizer may keep locals on the heap.
  const Mapping* stack = map->find(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  ASSERT_NE(stack, nullptr);
  EXPECT_EQ(stack->path, "[stack]");
}

TEST(MemoryMap, SaysWhoseIsMissing) {
  const auto map = read_memory_map(2147483647);
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().message, "cannot read the memory map of pid 2147483647: it has ended");
}

}  // namespace
}  // namespace loopscope
