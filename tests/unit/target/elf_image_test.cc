#include "target/elf_image.h"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "support/temporary_directory.h"

extern "C" {
// Exported by nobody: found through .symtab.
[[gnu::noinline, gnu::used]] int loopscope_elf_test_function(int x) { return x * 3 + ::getppid(); }
[[gnu::used]] int loopscope_elf_test_variable = 7;
}

namespace loopscope {
namespace {

UniqueFd open_file(const char* path) { return UniqueFd(::open(path, O_RDONLY | O_CLOEXEC)); }

Result<ElfImage> own_image() { return ElfImage::open(open_file("/proc/self/exe"), "self"); }

std::string contents_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A file of these bytes without a name.
UniqueFd file_of(const std::string& bytes) {
  UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return file;
}

/// Asks everything; what the answers are does not matter, that they come does.
void ask_everything(const std::string& bytes) {
  const auto image = ElfImage::open(file_of(bytes), "hostile");
  if (!image) {
    EXPECT_FALSE(image.error().message.empty());
    return;
  }
  const std::string_view names[] = {"main", "", "malloc"};
  image->find_symbols(names);
  image->find_exported("environ");
  for (const ElfSegment& segment : image->segments()) {
    image->function_at(segment.address);
    image->executable_segment(segment.address);
    EXPECT_LE(image->functions_in(segment.address, segment.address + 4096, 100).size(), 100U);
    (void)image->read_at_vaddr(segment.address, 64).ok();
    (void)image->read_at_vaddr(segment.address + segment.file_size - 1, 2).ok();
  }
  if (const auto got = image->section(".got")) image->got_slot_name(got->address);
  image->find_bytes(".rodata", "GNU");
}

TEST(ElfImage, FindsSymbolsAndTheirCode) {
  const auto image = own_image();
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_TRUE(image->has_symtab());
  const auto function = image->find_symbol("loopscope_elf_test_function");
  ASSERT_TRUE(function);
  EXPECT_TRUE(function->is_function && function->is_defined);
  EXPECT_GT(function->size, 0U);

  const auto again = image->function_at(function->address + function->size - 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name, "loopscope_elf_test_function");
  const auto range = image->functions_in(function->address, function->address + 1);
  ASSERT_FALSE(range.empty());
  EXPECT_EQ(range[0].name, "loopscope_elf_test_function");

  const auto code = image->read_at_vaddr(function->address, 8);
  ASSERT_TRUE(code);
  EXPECT_EQ(
      std::memcmp(code->data(), reinterpret_cast<const void*>(&loopscope_elf_test_function), 8), 0);
  const auto offset = image->vaddr_to_offset(function->address);
  ASSERT_TRUE(offset);
  EXPECT_EQ(image->offset_to_vaddr(*offset), function->address);
  const auto segment = image->executable_segment(function->address);
  ASSERT_TRUE(segment);
  EXPECT_TRUE(segment->executable);
}

TEST(ElfImage, AnswersInTheOrderOfTheQuestions) {
  const auto image = own_image();
  ASSERT_TRUE(image);
  const std::string_view names[] = {"loopscope_elf_test_variable", "no_such_symbol",
                                    "loopscope_elf_test_function"};
  const auto symbols = image->find_symbols(names);
  ASSERT_EQ(symbols.size(), 3U);
  ASSERT_TRUE(symbols[0] && symbols[2]);
  EXPECT_FALSE(symbols[1]);
  EXPECT_FALSE(symbols[0]->is_function);
  EXPECT_EQ(symbols[2]->name, names[2]);

  const std::uint64_t addresses[] = {symbols[2]->address, 0, symbols[2]->address + 1};
  const auto functions = image->functions_at(addresses);
  ASSERT_EQ(functions.size(), 3U);
  ASSERT_TRUE(functions[0] && functions[2]);
  EXPECT_FALSE(functions[1]);
  EXPECT_EQ(functions[0]->address, functions[2]->address);
}

TEST(ElfImage, DoesNotTakeATailForTheWholeName) {
  const auto image = own_image();
  ASSERT_TRUE(image);
  EXPECT_FALSE(image->find_symbol("elf_test_function"));
  EXPECT_FALSE(image->find_symbol("loopscope_elf_test_functio"));
  EXPECT_FALSE(image->find_symbol(""));
}

TEST(ElfImage, NamesWhatGotSlotsGoTo) {
  const auto image = own_image();
  ASSERT_TRUE(image);
  bool found = false;
  for (const char* name : {".got", ".got.plt"}) {
    const auto section = image->section(name);
    if (!section) continue;
    for (std::uint64_t at = section->address; at < section->address + section->size; at += 8) {
      found |= image->got_slot_name(at) == "getppid";
    }
  }
  EXPECT_TRUE(found);
  EXPECT_FALSE(image->got_slot_name(0));
}

TEST(ElfImage, KnowsItsOrigin) {
  const auto image = own_image();
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->is_x86_64() || image->is_aarch64());
  const auto& needed = image->needed();
  EXPECT_NE(std::find(needed.begin(), needed.end(), "libc.so.6"), needed.end());
  const auto libc = ElfImage::open(open_file("/bin/true"), "/bin/true");
  ASSERT_TRUE(libc);
  EXPECT_EQ(libc->build_id().size(), 40U);
  EXPECT_FALSE(libc->has_symtab());
}

TEST(ElfImage, FindsBytesAcrossItsReadBuffer) {
  const auto image = own_image();
  ASSERT_TRUE(image);
  static const char kMark[] = "loopscope elf test mark 5f3a";
  const auto place = image->find_bytes(".rodata", kMark);
  ASSERT_TRUE(place);
  const auto bytes = image->read_at_vaddr(*place, sizeof kMark);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::memcmp(bytes->data(), kMark, sizeof kMark), 0);
  EXPECT_FALSE(image->find_bytes(".rodata", kMark, *place + 1));
  EXPECT_FALSE(image->find_bytes(".no_such_section", kMark));
}

TEST(ElfImage, RefusesWhatIsNoImage) {
  const TemporaryDirectory directory;
  const std::string fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto refusal = [](UniqueFd file) {
    const auto image = ElfImage::open(std::move(file), "it");
    return image.ok() ? std::string() : image.error().message;
  };
  const std::string prefix = "cannot use it as an ELF image: ";
  EXPECT_EQ(refusal(UniqueFd(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))),
            prefix + "it is no regular file");
  EXPECT_EQ(refusal(open_file("/dev/null")), prefix + "it is no regular file");
  EXPECT_EQ(refusal(file_of("")), prefix + "it is too short");
  EXPECT_EQ(refusal(file_of(std::string(100, 'x'))), prefix + "it is not an ELF file");
  EXPECT_NE(refusal(UniqueFd()), "");
  UniqueFd huge(::memfd_create("huge", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(huge.get(), (off_t{1} << 30) + 1), 0);
  EXPECT_EQ(refusal(std::move(huge)), prefix + "it is larger than 1 GiB");

  std::string other = contents_of("/bin/true");
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_NE(refusal(file_of(other)), "");
}

TEST(ElfImage, SurvivesTruncation) {
  const std::string whole = contents_of("/bin/true");
  ASSERT_GT(whole.size(), 4096U);
  for (std::size_t length = 0; length < whole.size();
       length += (length < 2048 || length + 4096 > whole.size()) ? 1 : 61) {
    ask_everything(whole.substr(0, length));
  }
}

TEST(ElfImage, SurvivesFlippedBits) {
  const std::string whole = contents_of("/bin/true");
  std::mt19937 random(20240607);
  // Headers decide most, so most flips go there.
  const std::size_t tables = whole.size() - 2048;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (unsigned flips = 1 + random() % 8; flips > 0; --flips) {
      const std::size_t at = random() % 3 == 0   ? random() % bytes.size()
                             : random() % 2 == 0 ? random() % 1024
                                                 : tables + random() % 2048;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    }
    ask_everything(bytes);
  }
}

TEST(ElfImage, SurvivesLyingSections) {
  const std::string whole = contents_of("/bin/true");
  Elf64_Ehdr header{};
  std::memcpy(&header, whole.data(), sizeof header);
  const std::uint64_t lies[] = {0,        1,          23,         whole.size(), whole.size() + 1,
                                1u << 30, 1ull << 40, 1ull << 63, ~0ull,        ~0ull - 63};
  for (unsigned index = 0; index < header.e_shnum; ++index) {
    for (const std::uint64_t lie : lies) {
      for (const bool lie_about_size : {true, false}) {
        std::string bytes = whole;
        char* const place = bytes.data() + header.e_shoff + index * sizeof(Elf64_Shdr);
        Elf64_Shdr section{};
        std::memcpy(&section, place, sizeof section);
        (lie_about_size ? section.sh_size : section.sh_offset) = lie;
        section.sh_link = static_cast<Elf64_Word>(lie);
        std::memcpy(place, &section, sizeof section);
        ask_everything(bytes);
      }
    }
  }
}

TEST(ElfImage, SurvivesAFileThatShrinks) {
  const std::string whole = contents_of("/bin/true");
  UniqueFd file = file_of(whole);
  UniqueFd other(::dup(file.get()));
  const auto image = ElfImage::open(std::move(file), "shrinking");
  ASSERT_TRUE(image);
  const auto segments = image->segments();
  ASSERT_EQ(::ftruncate(other.get(), 100), 0);
  EXPECT_FALSE(image->find_symbol("main"));
  EXPECT_FALSE(image->function_at(segments.back().address));
  EXPECT_FALSE(image->read_at_vaddr(segments.back().address, 16).ok());
  EXPECT_FALSE(image->find_bytes(".rodata", "GNU"));
}

}  // namespace
}  // namespace loopscope
