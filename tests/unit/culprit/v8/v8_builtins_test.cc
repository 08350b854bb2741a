#include "culprit/v8/v8_builtins.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "culprit/v8/v8_code_map.h"
#include "culprit/v8/v8_versions.h"
#include "support/node_process.h"

namespace loopscope {
namespace {

/// A Node's image at its link-time addresses; without a file, none.
LoadedImage image_of(const std::string& path) {
  LoadedImage image;
  auto elf = ElfImage::open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
  if (!elf) return image;
  image.elf = std::make_shared<const ElfImage>(std::move(*elf));
  image.path = path;
  image.start = 0x400000;
  image.end = 0x8000000;
  return image;
}

class V8BuiltinsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(V8BuiltinsTest, TheirCodeTellsWhereExitsAreKept) {
  const auto node = node_fixture(GetParam());
  if (!node) GTEST_SKIP() << "no Node " << GetParam() << " in LOOPSCOPE_FIXTURES";
  const LoadedImage image = image_of(*node);
  ASSERT_TRUE(image.elf);
  const auto builtins = find_builtins(image, nullptr);
  ASSERT_TRUE(builtins);
  const auto slots = find_root_slots(*image.elf, *builtins);
  ASSERT_TRUE(slots);
  const auto facts = facts_of_version(std::string(GetParam()) + ".0.0");
  ASSERT_TRUE(facts);
  EXPECT_EQ(slots->c_entry_fp, facts->c_entry_fp);
  EXPECT_EQ(slots->fast_call_fp, facts->fast_call_fp);
  // Half of them would do; other code has no such operands.
  EXPECT_FALSE(find_root_slots(*image.elf, {builtins->start - 0x200000, builtins->start}));
}

INSTANTIATE_TEST_SUITE_P(Node, V8BuiltinsTest, ::testing::Values("18", "20", "22", "24", "26"),
                         [](const auto& test) { return "Node" + std::string(test.param); });

TEST(V8BuiltinsOfStripped, AreToldByTheSecondMapping) {
  const auto node = node_fixture("22-stripped");
  const auto whole = node_fixture("22");
  if (!node || !whole) GTEST_SKIP() << "no stripped Node in LOOPSCOPE_FIXTURES";
  const LoadedImage image = image_of(*node);
  ASSERT_TRUE(image.elf);
  const auto truth = find_builtins(image_of(*whole), nullptr);
  ASSERT_TRUE(truth);
  const auto offset = image.elf->vaddr_to_offset(truth->start);
  ASSERT_TRUE(offset);
  char line[512];
  const std::uint64_t size = (truth->end - truth->start + 4095) / 4096 * 4096;
  std::snprintf(line, sizeof line,
                "00400000-08000000 r-xp 00000000 08:01 7 %s\n"
                "7f0000000000-%llx r-xp %llx 08:01 7 %s\n",
                node->c_str(), 0x7f0000000000ULL + static_cast<unsigned long long>(size),
                static_cast<unsigned long long>(*offset), node->c_str());
  const MemoryMap map = MemoryMap::parse(line);
  const Mapping* second = find_second_mapping(image, map);
  ASSERT_NE(second, nullptr);
  const auto found = builtins_of_mapping(image, *second);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->start, truth->start);
  EXPECT_EQ(found->end, truth->start + size);

  // Native code on top returns into the image's own copy.
  const V8CodeMap code(V8Layout{}, image);
  EXPECT_TRUE(code.knows_builtins(map));
  EXPECT_EQ(code.kind(truth->start + 0x1000, map), V8CodeKind::kBuiltins);
  EXPECT_EQ(code.kind(truth->start - 0x1000, map), V8CodeKind::kNative);
  EXPECT_EQ(code.kind(second->start + 0x1000, map), V8CodeKind::kBuiltins);
  EXPECT_FALSE(V8CodeMap(V8Layout{}, image)
                   .knows_builtins(MemoryMap::parse(
                       std::string(line).substr(0, std::string(line).find('\n') + 1))));
}

}  // namespace
}  // namespace loopscope
