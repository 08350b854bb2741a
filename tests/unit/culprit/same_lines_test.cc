#include "culprit/same_lines.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

bool same(std::string_view text, std::string_view file, bool is_cut = false) {
  return has_same_lines(utf16_of(text), utf16_of(file), is_cut);
}

constexpr std::string_view kFile =
    "interface Query {\n  ms: number;\n}\n"
    "function rank(q: Query) {\n  return q.ms;\n}\n";

TEST(SameLines, TheSameText) {
  EXPECT_TRUE(same(kFile, kFile));
  EXPECT_TRUE(same("", ""));
  EXPECT_TRUE(same("let a;\r\nlet b;", "let a;\r\nlet b;"));
}

TEST(SameLines, TypesBlankedInPlaceWithACommentAfterThem) {
  EXPECT_TRUE(
      same("                 \n             \n \n"
           "function rank(q       ) {\n  return q.ms;\n}\n\n\n//# sourceURL=file:///srv/a.ts",
           kFile));
}

TEST(SameLines, ACompilersOutputIsNot) {
  EXPECT_FALSE(same("function rank(q) {\n  return q.ms;\n}\n", kFile));
  EXPECT_FALSE(same("function rank(q){return q.ms}\n//# sourceMappingURL=data:x", kFile));
  EXPECT_FALSE(same("\"use strict\";\n" + std::string(kFile), kFile));
  EXPECT_FALSE(same(std::string(kFile) + "exports.rank = rank;\n", kFile));
  // As many lines and as many characters.
  EXPECT_FALSE(same("a();\nbb();\n", "aa();\nb();\n"));
}

TEST(SameLines, TheWrapperOfCommonJs) {
  const std::string wrapper = "(function (exports, require, module, __filename, __dirname) { ";
  EXPECT_TRUE(same(wrapper + std::string(kFile) + "\n});", kFile));
  EXPECT_FALSE(same(wrapper + "\n" + std::string(kFile) + "\n});", kFile));
}

TEST(SameLines, AByteOrderMarkDoesNotCount) {
  EXPECT_TRUE(same(kFile, "\xEF\xBB\xBF" + std::string(kFile)));
  EXPECT_TRUE(same("\xEF\xBB\xBF" + std::string(kFile), "\xEF\xBB\xBF" + std::string(kFile)));
}

TEST(SameLines, BeginningsOfLongTexts) {
  EXPECT_TRUE(same("let a;\nlet b", "let a;\nlet b = 1;\n", true));
  EXPECT_FALSE(same("let a;\nlet b", "let a;\nlet b = 1;\n"));
  EXPECT_FALSE(same("let aa;\nlet b", "let a;\nlet b = 1;\n", true));
}

TEST(SameLines, CountsCharactersAsAnEngineDoes) {
  EXPECT_EQ(utf16_of("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8D\xB5"), u"a\u00e9\u20ac\U0001F375");
  EXPECT_EQ(utf16_of("\xFFx"), u"\uFFFDx");
  EXPECT_EQ(utf16_of("\xC3"), u"\uFFFD");
  EXPECT_EQ(utf16_of("\xC0\xAF"), u"\uFFFD\uFFFD");
  EXPECT_EQ(utf16_of("\xED\xA0\x80"), u"\uFFFD\uFFFD\uFFFD");
}

}  // namespace
}  // namespace loopscope
