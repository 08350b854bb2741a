#include "target/image_likeness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

#include "support/fake_memory.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kBase = 0x10000000;

std::string own_program() {
  std::ifstream file("/bin/sleep", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

ElfImage image_of(const std::string& bytes) {
  UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  auto elf = ElfImage::open(std::move(file), "program");
  EXPECT_TRUE(elf.ok());
  return std::move(*elf);
}

/// A process that has loaded a program at kBase.
struct Loaded {
  explicit Loaded(const std::string& bytes) : elf(image_of(bytes)) {
    std::string maps;
    for (const ElfSegment& segment : elf.segments()) {
      const std::uint64_t start = (kBase + segment.address) & ~std::uint64_t{4095};
      const std::uint64_t offset = segment.offset & ~std::uint64_t{4095};
      const std::uint64_t end = kBase + segment.address + segment.file_size;
      char line[128];
      std::snprintf(line, sizeof line, "%lx-%lx r-%cp %08lx 08:01 42 /program\n", start,
                    (end + 4095) & ~std::uint64_t{4095}, segment.executable ? 'x' : '-', offset);
      maps += line;
      memory.map(start, end - start);
      for (std::uint64_t at = start; at < end; ++at) {
        memory.write(at, bytes[offset + (at - start)]);
      }
    }
    map = MemoryMap::parse(maps);
    const auto code = std::find_if(map.mappings().begin(), map.mappings().end(),
                                   [](const Mapping& part) { return part.executable; });
    mapping = *code;
  }

  Likeness to(const ElfImage& file) const {
    return compare_with_memory(file, map, mapping, memory);
  }

  ElfImage elf;
  MemoryMap map;
  Mapping mapping;
  FakeMemory memory;
};

/// The program with its build id changed.
std::string other_build(std::string bytes) {
  const ElfImage elf = image_of(bytes);
  bytes[*elf.vaddr_to_offset(elf.build_id_place()->address)] ^= 1;
  return bytes;
}

/// ... or made unrecognizable.
std::string without_build_id(std::string bytes) {
  const ElfImage elf = image_of(bytes);
  const std::size_t name = *elf.vaddr_to_offset(elf.build_id_place()->address) - 4;
  bytes[name] = 'X';
  return bytes;
}

TEST(ImageLikeness, IsToldByTheBuildIdInMemory) {
  const Loaded process(own_program());
  ASSERT_TRUE(process.elf.build_id_place());
  EXPECT_EQ(process.to(process.elf), Likeness::kSame);
  EXPECT_EQ(process.to(image_of(other_build(own_program()))), Likeness::kOther);
}

TEST(ImageLikeness, IsToldByTheCodeWithoutABuildId) {
  const std::string bytes = without_build_id(own_program());
  Loaded process(bytes);
  ASSERT_FALSE(process.elf.build_id_place());
  EXPECT_EQ(process.to(process.elf), Likeness::kSame);
  const std::uint64_t within = process.mapping.size() / 16 * 9;
  const std::uint64_t place = process.mapping.start + within;
  process.memory.write(place, '\xcc');
  EXPECT_EQ(process.to(process.elf), Likeness::kSame) << "a breakpoint";
  process.memory.write(place + 1,
                       static_cast<char>(bytes[process.mapping.offset + within + 1] ^ 1));
  EXPECT_EQ(process.to(process.elf), Likeness::kOther);
}

TEST(ImageLikeness, IsUnknownWhereNothingCanBeCompared) {
  const Loaded process(own_program());
  const FakeMemory closed;
  EXPECT_EQ(compare_with_memory(process.elf, process.map, process.mapping, closed),
            Likeness::kUnknown);
  Mapping data = process.mapping;
  data.writable = true;
  EXPECT_EQ(compare_with_memory(process.elf, MemoryMap(), data, process.memory),
            Likeness::kUnknown);
}

TEST(ImageLikeness, OfAFileThatIsTooShortIsNone) {
  const Loaded process(own_program());
  Mapping beyond = process.mapping;
  beyond.offset = std::uint64_t{1} << 40;
  EXPECT_EQ(compare_with_memory(process.elf, process.map, beyond, process.memory),
            Likeness::kOther);
}

TEST(ImageLikeness, KnowsTheRunningProgram) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const auto elf = ElfImage::open(UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), "self");
  ASSERT_TRUE(elf);
  const Mapping* code = map->find(reinterpret_cast<std::uint64_t>(&own_program));
  ASSERT_NE(code, nullptr);
  EXPECT_EQ(compare_with_memory(*elf, *map, *code, RemoteMemory(::getpid())), Likeness::kSame);
  EXPECT_EQ(compare_with_memory(image_of(own_program()), *map, *code, RemoteMemory(::getpid())),
            Likeness::kOther);
}

}  // namespace
}  // namespace loopscope
