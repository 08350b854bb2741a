#include "target/remote_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/refused_call.h"

namespace loopscope {
namespace {

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

constexpr std::size_t kPage = 4096;
std::uint64_t number = 0;

void change_number_and_wait(const ChildProcess::Channel& parent) {
  number = 42;
  parent.say('r');
  parent.hear();
}

TEST(RemoteMemory, ReadsAnotherProcess) {
  number = 1;
  ChildProcess child(change_number_and_wait);
  ASSERT_EQ(child.hear(), 'r');
  const RemoteMemory memory(child.pid());
  EXPECT_EQ(memory.read_value<std::uint64_t>(address_of(&number)), 42U);
  EXPECT_EQ(number, 1U);
}

TEST(RemoteMemory, ReadsManyPiecesAtOnce) {
  ChildProcess child(change_number_and_wait);
  ASSERT_EQ(child.hear(), 'r');
  const RemoteMemory memory(child.pid());
  std::uint64_t first = 0;
  std::uint32_t second = 0;
  std::array<RemoteRead, 2> pieces = {RemoteRead{address_of(&number), &first, sizeof first},
                                      RemoteRead{address_of(&number), &second, sizeof second}};
  EXPECT_TRUE(memory.read_many(pieces));
  EXPECT_EQ(first, 42U);
  EXPECT_EQ(second, 42U);
  pieces[1].address = 8;
  EXPECT_FALSE(memory.read_many(pieces));
  EXPECT_FALSE(memory.read_many(std::array<RemoteRead, MemoryReader::kMaxPieces + 1>{}));
  EXPECT_TRUE(memory.read_many({}));
}

TEST(RemoteMemory, StopsAtAHole) {
  void* const pages =
      ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::uint64_t base = address_of(pages);
  ASSERT_EQ(::munmap(static_cast<char*>(pages) + 2 * kPage, kPage), 0);
  const RemoteMemory memory(::getpid());
  std::vector<std::byte> bytes(3 * kPage);
  EXPECT_EQ(memory.read_some(base + 100, bytes), 2 * kPage - 100);
  EXPECT_EQ(memory.read_some(base + 2 * kPage, bytes), 0U);
  const auto whole = memory.read(base, bytes);
  ASSERT_FALSE(whole);
  EXPECT_NE(whole.error().message.find("is not mapped"), std::string::npos);
  EXPECT_TRUE(memory.read(base, std::span(bytes).first(2 * kPage)).ok());
  ::munmap(pages, 2 * kPage);
}

TEST(RemoteMemory, RefusesWildAddresses) {
  const RemoteMemory memory(::getpid());
  std::array<std::byte, 16> bytes{};
  for (const std::uint64_t address : {std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0} - 8,
                                      std::uint64_t{1} << 63, std::uint64_t{1} << 47}) {
    EXPECT_EQ(memory.read_some(address, bytes), 0U);
    EXPECT_FALSE(memory.read(address, bytes).ok());
  }
}

TEST(RemoteMemory, SaysThatTheProcessHasEnded) {
  ChildProcess child(change_number_and_wait);
  child.kill();
  child.wait();
  std::array<std::byte, 8> bytes{};
  const auto result = RemoteMemory(child.pid()).read(address_of(&number), bytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cannot read memory of pid " + std::to_string(child.pid()) + ": it has ended");
}

/// Whether `body` holds where a filter refuses process_vm_readv with this error.
bool holds_without_readv(unsigned error_number, const std::function<bool()>& body) {
  return true_in_child([&] {
    return refuse_call(SYS_process_vm_readv, error_number) && body() &&
           RemoteMemory::reads_by_file();
  });
}

TEST(RemoteMemory, ReadsByTheFileWhereTheCallIsRefused) {
  ChildProcess child(change_number_and_wait);
  ASSERT_EQ(child.hear(), 'r');
  const int pid = child.pid();
  for (const unsigned error_number : {EPERM, ENOSYS, EACCES}) {
    EXPECT_TRUE(holds_without_readv(error_number, [pid] {
      return RemoteMemory(pid).read_value<std::uint64_t>(address_of(&number)) == 42U;
    }));
    EXPECT_TRUE(holds_without_readv(error_number, [pid] {
      std::array<std::byte, 8> bytes{};
      return RemoteMemory(pid).read_some(address_of(&number), bytes) == bytes.size();
    }));
  }
  EXPECT_FALSE(RemoteMemory::reads_by_file());
}

TEST(RemoteMemory, StopsAtAHoleOfTheFile) {
  void* const pages =
      ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::uint64_t base = address_of(pages);
  ASSERT_EQ(::munmap(static_cast<char*>(pages) + 2 * kPage, kPage), 0);
  EXPECT_TRUE(holds_without_readv(EPERM, [base] {
    const RemoteMemory memory(::getpid());
    std::vector<std::byte> bytes(3 * kPage);
    if (memory.read_some(base + 100, bytes) != 2 * kPage - 100) return false;
    const auto whole = memory.read(base, bytes);
    return !whole && whole.error().message.find("is not mapped") != std::string::npos &&
           memory.read_some(~std::uint64_t{0} - 8, bytes) == 0;
  }));
  ::munmap(pages, 2 * kPage);
}

TEST(RemoteMemory, SaysThatBothWaysAreRefused) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give up rights";
  const int pid = ::getpid();
  EXPECT_TRUE(holds_without_readv(EPERM, [pid] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    std::array<std::byte, 8> bytes{};
    const auto result = RemoteMemory(pid).read(address_of(&number), bytes);
    return !result && result.error().message.find("run as its user") != std::string::npos &&
           result.error().message.find("seccomp") != std::string::npos;
  }));
}

TEST(RemoteMemory, SaysWhatWouldAllowIt) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give up rights";
  const int pid = ::getpid();
  EXPECT_TRUE(true_in_child([pid] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    std::array<std::byte, 8> bytes{};
    const auto result = RemoteMemory(pid).read(address_of(&number), bytes);
    return !result.ok() &&
           result.error().message.find("run as its user (uid 0)") != std::string::npos;
  }));
}

}  // namespace
}  // namespace loopscope
