#include "export/gzip.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace loopscope {
namespace {

// What gzip(1), a decoder that is not ours, makes of it.
std::string unpack(const std::string& packed) {
  const std::string path = testing::TempDir() + "loopscope_gzip_test.gz";
  std::ofstream(path, std::ios::binary) << packed;
  std::FILE* pipe = popen(("gzip -dc " + path).c_str(), "r");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  EXPECT_EQ(pclose(pipe), 0);
  std::filesystem::remove(path);
  return out;
}

TEST(Gzip, RoundTrips) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "metric{label=\"" + std::to_string(i) + "\"} 1\n";
  std::string noise;
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): same bytes every run
  for (int i = 0; i < 100000; ++i) noise += static_cast<char>(random());
  for (const std::string& data : {std::string(), std::string("x"), text, noise}) {
    const auto packed = gzip(data);
    ASSERT_TRUE(packed.ok());
    EXPECT_EQ(unpack(*packed), data);
  }
  EXPECT_LT(gzip(text)->size(), text.size() / 4);
}

}  // namespace
}  // namespace loopscope
