#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace loopscope {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

UniqueFd open_null() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(UniqueFd, ClosesWhatItOwns) {
  int raw = -1;
  {
    const UniqueFd fd = open_null();
    ASSERT_TRUE(fd.valid());
    raw = fd.get();
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, MovesOwnership) {
  UniqueFd from = open_null();
  const int raw = from.get();
  UniqueFd to = open_null();
  const int replaced = to.get();
  to = std::move(from);
  EXPECT_EQ(to.get(), raw);
  EXPECT_TRUE(is_open(raw));
  EXPECT_FALSE(is_open(replaced));
}

TEST(UniqueFd, ReleaseLeavesItOpen) {
  UniqueFd fd = open_null();
  const int raw = fd.release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(is_open(raw));
  const UniqueFd closes_it(raw);
}

TEST(UniqueFd, NoneIsNotValid) {
  UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  fd.reset();
  EXPECT_EQ(fd.get(), -1);
}

}  // namespace
}  // namespace loopscope
