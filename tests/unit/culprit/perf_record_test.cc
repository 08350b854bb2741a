#include "culprit/perf_record.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace loopscope {
namespace {

/// The body of a sample as the kernel writes it.
class Body {
 public:
  template <typename T>
  Body& put(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Body sample(std::uint64_t stack_size, std::uint64_t valid) {
  Body body;
  body.put(std::uint32_t{42}).put(std::uint32_t{43}).put(std::uint64_t{1000});
  body.put(std::uint64_t{2});  // abi: 64 bit
  for (std::uint64_t i = 1; i <= 9; ++i) body.put(i * 0x10);
  body.put(stack_size);
  for (std::uint64_t i = 0; i < stack_size; ++i) body.put(static_cast<std::uint8_t>(i));
  if (stack_size > 0) body.put(valid);
  return body;
}

TEST(PerfRecordTest, ReadsRegistersAndTheValidPartOfTheStack) {
  const auto read = parse_perf_sample(sample(64, 24).bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pid, 42);
  EXPECT_EQ(read->tid, 43);
  EXPECT_EQ(read->at, Nanos(1000));
  EXPECT_EQ(read->registers.rbx, 0x10u);
  EXPECT_EQ(read->registers.fp, 0x20u);
  EXPECT_EQ(read->registers.sp, 0x30u);
  EXPECT_EQ(read->registers.pc, 0x40u);
  EXPECT_EQ(read->registers.r9, 0x50u);
  EXPECT_EQ(read->registers.r15, 0x90u);
  ASSERT_EQ(read->stack.size(), 24u);
  EXPECT_EQ(read->stack[23], std::byte{23});
}

TEST(PerfRecordTest, AThreadWithoutUserRegistersHasNoSample) {
  Body body;
  body.put(std::uint32_t{42}).put(std::uint32_t{43}).put(std::uint64_t{1000});
  body.put(std::uint64_t{0}).put(std::uint64_t{0});
  EXPECT_FALSE(parse_perf_sample(body.bytes()));
}

TEST(PerfRecordTest, MoreValidBytesThanThereAreIsCutOff) {
  const auto read = parse_perf_sample(sample(16, ~std::uint64_t{0}).bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stack.size(), 16u);
}

TEST(PerfRecordTest, CutOffAnywhereItIsRefused) {
  const auto whole = sample(32, 32).bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_perf_sample(std::span(whole).first(size))) << size;
  }
}

TEST(PerfRecordTest, AStackLongerThanTheRecordIsRefused) {
  auto bytes = sample(32, 32).bytes();
  const std::uint64_t lie = ~std::uint64_t{0};
  std::memcpy(bytes.data() + 4 + 4 + 8 + 8 + 9 * 8, &lie, sizeof lie);
  EXPECT_FALSE(parse_perf_sample(bytes));
}

}  // namespace
}  // namespace loopscope
