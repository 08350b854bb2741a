#include "target/uv_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace loopscope {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kHolder = 0x1000;
constexpr std::uint64_t kBlock = 0x2000;

/// A page from kHolder on and the block of libuv behind it.
class Memory final : public MemoryReader {
 public:
  explicit Memory(const std::vector<std::string>& arguments) : bytes_(0x3000) {
    put(kHolder, kBlock);
    std::uint64_t text = kBlock + 8 * (arguments.size() + 1);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      put(kBlock + 8 * i, text);
      std::memcpy(&bytes_[text - kHolder], arguments[i].c_str(), arguments[i].size() + 1);
      text += arguments[i].size() + 1;
    }
  }
  void put(std::uint64_t address, std::uint64_t value) {
    std::memcpy(&bytes_[address - kHolder], &value, sizeof value);
  }

  Result<void> read(std::uint64_t address, std::span<std::byte> out) const override {
    if (read_some(address, out) != out.size()) return Error{"not there"};
    return {};
  }
  bool read_many(std::span<const RemoteRead> pieces) const override {
    for (const RemoteRead& piece : pieces) {
      const std::span out(static_cast<std::byte*>(piece.destination), piece.size);
      if (read_some(piece.address, out) != piece.size) return false;
    }
    return true;
  }
  std::size_t read_some(std::uint64_t address, std::span<std::byte> out) const override {
    if (address < kHolder || address - kHolder >= bytes_.size()) return 0;
    const std::size_t size = std::min(out.size(), bytes_.size() - (address - kHolder));
    std::memcpy(out.data(), &bytes_[address - kHolder], size);
    return size;
  }

 private:
  std::vector<std::byte> bytes_;
};

TEST(UvArguments, AreReadFromTheCopy) {
  const Memory memory({"node", "--inspect", "", "/srv/app.js"});
  const auto arguments = read_uv_arguments(memory, kHolder);
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, ElementsAre("node", "--inspect", "", "/srv/app.js"));
}

TEST(UvArguments, WhatDoesNotLookLikeThatIsNone) {
  const std::vector<std::string> words = {"node", "app.js"};
  for (const auto& [address, value] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {kHolder, 0},                      // not set up
           {kHolder, kBlock + 1},             // no address of pointers
           {kHolder, 0x7000},                 // not mapped
           {kBlock, kBlock},                  // no pointers at all
           {kBlock, kBlock + 8},              // none but the end
           {kBlock, kBlock + 8 * 3000},       // too many
           {kBlock, ~std::uint64_t{7}},       //
           {kBlock + 8, kBlock + 8 * 3 + 4},  // within the first
           {kBlock + 16, 1},                  // no end
       }) {
    Memory memory(words);
    memory.put(address, value);
    EXPECT_FALSE(read_uv_arguments(memory, kHolder)) << address << ' ' << value;
  }
  EXPECT_FALSE(read_uv_arguments(Memory(words), 0)) << "not mapped";
}

TEST(UvArguments, TextWithoutEndIsNone) {
  Memory memory({"node", "x"});
  for (std::uint64_t at = kBlock + 8 * 3 + 5; at + 8 <= kHolder + 0x3000; at += 8) {
    memory.put(at, 0x4141414141414141);
  }
  memory.put(kHolder + 0x3000 - 8, 0x4141414141414141);
  EXPECT_FALSE(read_uv_arguments(memory, kHolder));
}

TEST(UvArguments, OfAProcessWithoutLibuv) { EXPECT_FALSE(read_uv_arguments(2147483647)); }

}  // namespace
}  // namespace loopscope
