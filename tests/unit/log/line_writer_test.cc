#include "log/line_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

const std::string kLeftOut = "left out: ";

std::string left_out_line(std::uint64_t count) { return kLeftOut + std::to_string(count) + "\n"; }

/// A pipe as small as they get.
class SmallPipe {
 public:
  explicit SmallPipe(int flags = 0) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) return;
    read_.reset(ends[0]);
    write_.reset(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
  }
  int to() const { return write_.get(); }
  void close_reader() { read_.reset(); }
  /// Reads until it has seen the line; all of the lines.
  std::vector<std::string> lines_until(const std::string& last) {
    return lines_until([&] { return text_.find(last + "\n") != std::string::npos; });
  }
  /// Reads until it has been told of `count` lines left out; all of the lines.
  std::vector<std::string> lines_until_told(std::uint64_t count) {
    return lines_until([&] {
      std::uint64_t told = 0;
      for (const std::string& line : whole_lines()) {
        if (line.starts_with(kLeftOut)) told += std::stoull(line.substr(kLeftOut.size()));
      }
      return told >= count;
    });
  }

 private:
  std::vector<std::string> lines_until(const std::function<bool()>& is_all) {
    while (!is_all()) {
      pollfd readable{.fd = read_.get(), .events = POLLIN, .revents = 0};
      std::array<char, 4096> buffer{};
      if (::poll(&readable, 1, 20000) != 1) break;
      const ssize_t size = ::read(read_.get(), buffer.data(), buffer.size());
      if (size <= 0) break;
      text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return whole_lines();
  }
  std::vector<std::string> whole_lines() const {
    std::vector<std::string> lines;
    std::istringstream in(text_.substr(0, text_.rfind('\n') + 1));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  UniqueFd read_;
  UniqueFd write_;
  std::string text_;
};

TEST(LineWriter, LinesComeInOrder) {
  SmallPipe pipe;
  LineWriter writer(pipe.to(), left_out_line);
  for (int i = 0; i < 100; ++i) writer.write(std::to_string(i) + "\n");
  EXPECT_TRUE(writer.flush(20s));
  const auto lines = pipe.lines_until("99");
  ASSERT_EQ(lines.size(), 100U);
  EXPECT_EQ(lines[42], "42");
  EXPECT_EQ(writer.left_out(), 0U);
}

/// Writes more than is queued into a pipe nobody reads, then reads it.
void expect_only_the_excess_is_lost(SmallPipe& pipe) {
  LineWriter writer(pipe.to(), left_out_line);
  constexpr std::size_t kLine = 1024;
  const std::size_t count = 2 * LineWriter::kMaxQueuedBytes / kLine;
  // Would hang here if it waited for the pipe.
  for (std::size_t i = 0; i < count; ++i) writer.write(std::string(kLine - 1, 'x') + "\n");
  EXPECT_FALSE(writer.flush(1ms));
  const std::uint64_t left_out = writer.left_out();
  EXPECT_GT(left_out, 0U);
  EXPECT_LT(left_out, count);

  // What the pipe took while lines were written makes room for more: then it is told twice.
  const auto lines = pipe.lines_until_told(left_out);
  const auto told = std::ranges::count_if(
      lines, [](const std::string& line) { return line.starts_with(kLeftOut); });
  EXPECT_GE(told, 1);
  ASSERT_EQ(lines.size(), count - left_out + static_cast<std::size_t>(told));
  EXPECT_TRUE(lines.back().starts_with(kLeftOut));
  writer.write("again\n");
  EXPECT_EQ(pipe.lines_until("again").back(), "again");
  EXPECT_EQ(writer.left_out(), left_out);
}

TEST(LineWriter, AStuckReaderCostsTheExcessAndIsToldOfIt) {
  SmallPipe pipe;
  expect_only_the_excess_is_lost(pipe);
}

TEST(LineWriter, NothingElseIsLostWhereAChildMadeStandardErrorNonBlocking) {
  SmallPipe pipe(O_NONBLOCK);
  expect_only_the_excess_is_lost(pipe);
}

TEST(LineWriter, AReaderThatHasGoneIsNoSignalAndHoldsNothingUp) {
  SmallPipe pipe;
  pipe.close_reader();
  LineWriter writer(pipe.to(), left_out_line);
  for (int i = 0; i < 100; ++i) writer.write("line\n");
  EXPECT_TRUE(writer.flush(20s));
}

TEST(LineWriter, EndsBesideAStuckReader) {
  // Never destroyed: the thread that is left behind keeps using it.
  static const auto* const pipe = new SmallPipe;
  LineWriter writer(pipe->to(), left_out_line);
  writer.write(std::string(10'000, 'x') + "\n");
}

}  // namespace
}  // namespace loopscope
