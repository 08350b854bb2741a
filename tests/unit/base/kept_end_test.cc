#include "base/kept_end.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(KeptEnd, LeavesWhatFits) {
  EXPECT_EQ(kept_end("", 4), "");
  EXPECT_EQ(kept_end("/srv/app.js", 11), "/srv/app.js");
}

TEST(KeptEnd, KeepsTheFilesName) {
  EXPECT_EQ(kept_end("/srv/a/very/deep/path/file.js", 20), "\u2026/path/file.js");
  EXPECT_EQ(kept_end("/" + std::string(300, 'd') + "/app.js", 256),
            "\u2026" + std::string(246, 'd') + "/app.js");
  EXPECT_LE(kept_end("/" + std::string(300, 'd') + "/app.js", 256).size(), 256U);
}

TEST(KeptEnd, DoesNotGiveUpALongNameForASlash) {
  EXPECT_EQ(kept_end("/dir/a-rather-long-name/x", 15), "\u2026-long-name/x");
}

TEST(KeptEnd, CutsNoCharacter) {
  EXPECT_EQ(kept_end("\u00e4\u00e4\u00e4\u00e4", 6), "\u2026\u00e4");
  EXPECT_EQ(kept_end("\u00e4\u00e4\u00e4\u00e4", 3), "");
}

}  // namespace
}  // namespace loopscope
