#include "culprit/native/frame_size.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace loopscope {
namespace {

std::optional<std::uint64_t> frame_size(std::initializer_list<int> code) {
  std::vector<std::byte> bytes;
  for (const int value : code) bytes.push_back(static_cast<std::byte>(value));
  return frame_size_by_prologue(bytes, 0x1000);
}

TEST(FrameSize, AddsPushesAndTheLocals) {
  // push rbp; lea rax, [rdi-0x150]; mov rbp, rsp; push r15; mov r15, rdi; push rbx;
  // sub rsp, 0xe8
  EXPECT_EQ(frame_size({0x55, 0x48, 0x8d, 0x87, 0xb0, 0xfe, 0xff, 0xff, 0x48, 0x89, 0xe5, 0x41,
                        0x57, 0x49, 0x89, 0xff, 0x53, 0x48, 0x81, 0xec, 0xe8, 0,    0,    0}),
            0xe8 + 16);
}

TEST(FrameSize, DoesWithoutLocals) {
  // push rbp; mov rbp, rsp; push r14; call
  EXPECT_EQ(frame_size({0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0xe8, 0, 0, 0, 0}), 8);
}

TEST(FrameSize, IsNotKnownWithoutAFramePointer) {
  EXPECT_FALSE(frame_size({0x53, 0x48, 0x83, 0xec, 0x10}));  // push rbx; sub rsp, 16
  EXPECT_FALSE(frame_size({}));
  EXPECT_FALSE(frame_size({0xff, 0xff, 0xff}));
  // sub rsp, rax: known at run time only
  EXPECT_FALSE(frame_size({0x55, 0x48, 0x89, 0xe5, 0x48, 0x29, 0xc4}));
  // sub rsp, 0x7fffffff: no real frame
  EXPECT_FALSE(frame_size({0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 0xff, 0xff, 0xff, 0x7f}));
}

}  // namespace
}  // namespace loopscope
