#include "target/uv_call_sites.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <cstring>
#include <random>
#include <set>

#include "target/elf_image.h"
#include "target/uv_code_image.h"

namespace loopscope {
namespace {

std::string installed_libuv() {
  Dl_info info{};
  const auto address = reinterpret_cast<const void*>(&uv_loop_init);
  return dladdr(address, &info) != 0 ? info.dli_fname : "";
}

Result<ElfImage> open_elf(const std::string& path) {
  return ElfImage::open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
}

std::set<Phase> phases_in(const UvCallSites& sites) {
  std::set<Phase> phases;
  for (const auto& site : sites.run_sites) phases.insert(site.phase);
  return phases;
}

/// Code and data at made-up addresses.
class FakeImage final : public CodeImage {
 public:
  std::map<std::string, Function, std::less<>> functions;
  std::map<std::uint64_t, std::vector<std::uint8_t>> bytes;
  std::map<std::uint64_t, std::string> imports;

  std::optional<Function> find_function(std::string_view name) const override {
    const auto it = functions.find(name);
    return it == functions.end() ? std::nullopt : std::optional(it->second);
  }
  std::map<std::uint64_t, std::string> function_names(
      std::span<const std::uint64_t>) const override {
    return {};
  }
  std::size_t read_at(std::uint64_t address, std::span<std::byte> out) const override {
    auto it = bytes.upper_bound(address);
    if (it == bytes.begin()) return 0;
    --it;
    const std::uint64_t offset = address - it->first;
    if (offset >= it->second.size()) return 0;
    const std::size_t size = std::min<std::size_t>(out.size(), it->second.size() - offset);
    std::memcpy(out.data(), it->second.data() + offset, size);
    return size;
  }
  std::optional<std::string> import_in_slot(std::uint64_t slot) const override {
    const auto it = imports.find(slot);
    return it == imports.end() ? std::nullopt : std::optional(it->second);
  }
};

TEST(UvCallSites, FindsEveryPhaseInTheStrippedLibraryOfTheSystem) {
  const auto elf = open_elf(installed_libuv());
  ASSERT_TRUE(elf) << elf.error().message;
  const auto sites = analyze_uv_call_sites(*elf);
  ASSERT_TRUE(sites) << sites.error().message;

  EXPECT_EQ(phases_in(*sites),
            (std::set<Phase>{Phase::kTimers, Phase::kPending, Phase::kIdlePrepare, Phase::kPoll,
                             Phase::kCheck, Phase::kClosing}));
  EXPECT_FALSE(sites->wait_sites.empty());
  EXPECT_TRUE(sites->io_word_offset.has_value());
  EXPECT_EQ(sites->version, uv_version());
  EXPECT_EQ(sites->version_string(), uv_version_string());
}

TEST(UvCallSites, AnswersOnlyForItsOwnSites) {
  const auto elf = open_elf(installed_libuv());
  ASSERT_TRUE(elf) << elf.error().message;
  const auto sites = analyze_uv_call_sites(*elf);
  ASSERT_TRUE(sites) << sites.error().message;
  for (const auto& site : sites->run_sites) {
    EXPECT_EQ(sites->phase_of(site.return_address), site.phase);
    EXPECT_FALSE(sites->is_wait_site(site.return_address));
  }
  EXPECT_FALSE(sites->phase_of(0));
  EXPECT_FALSE(sites->phase_of(~std::uint64_t{0}));
  EXPECT_FALSE(sites->phase_of(sites->run_sites.front().return_address + 1));
}

TEST(UvCallSites, SaysWhatIsMissing) {
  FakeImage image;
  auto sites = analyze_uv_call_sites(image);
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().message, "the image has no uv_run");

  image.functions["uv_run"] = {.address = 0x1000, .size = 1};
  image.bytes[0x1000] = {0xc3};
  sites = analyze_uv_call_sites(image);
  ASSERT_FALSE(sites);
  EXPECT_EQ(sites.error().message, "no call from uv_run reaches an epoll wait");

  image.functions["uv_run"].address = 0x9000;
  EXPECT_FALSE(analyze_uv_call_sites(image));
}

TEST(UvCallSites, RandomCodeNeverHangsOrCrashes) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    FakeImage image;
    std::vector<std::uint8_t> code(2048);
    for (auto& byte : code) byte = static_cast<std::uint8_t>(random());
    image.bytes[0x1000] = code;
    image.functions["uv_run"] = {.address = 0x1000, .size = round % 2 == 0 ? 0U : 2048U};
    image.functions["uv_version"] = {.address = 0x1400, .size = 0};
    (void)analyze_uv_call_sites(image);
  }
}

}  // namespace
}  // namespace loopscope
