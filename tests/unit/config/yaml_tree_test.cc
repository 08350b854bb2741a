#include "config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loopscope {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Kind = YamlNode::Kind;

std::string refusal_of_yaml(std::string_view text) {
  const auto tree = parse_yaml(text);
  return tree ? "accepted" : tree.error().message;
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlTree, KeepsOrderTextAndPositions) {
  const auto tree = parse_yaml("# comment\nb: 1\na:\n  - x\n  - 'y z'\nc:\n");
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  ASSERT_EQ(tree->kind, Kind::kMapping);
  ASSERT_EQ(tree->entries.size(), 3U);
  EXPECT_EQ(tree->entries[0].key.text, "b");
  EXPECT_EQ(tree->entries[0].value.text, "1");
  EXPECT_EQ(tree->entries[0].value.line, 2);
  EXPECT_EQ(tree->entries[0].value.column, 4);
  const YamlNode& list = tree->entries[1].value;
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1].text, "y z");
  EXPECT_EQ(list.items[1].line, 5);
  EXPECT_EQ(list.items[1].column, 5);
  EXPECT_EQ(tree->entries[2].value.kind, Kind::kNull);
}

TEST(YamlTree, AnEmptyDocumentIsNull) {
  for (std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "--- ~\n"}) {
    const auto tree = parse_yaml(text);
    ASSERT_TRUE(tree.ok()) << text << ": " << tree.error().message;
    EXPECT_EQ(tree->kind, Kind::kNull) << text;
  }
}

TEST(YamlTree, AliasesAreWrittenOut) {
  const auto tree = parse_yaml("a: &x {k: [1, 2]}\nb: *x\n");
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  ASSERT_EQ(tree->entries[1].value.kind, Kind::kMapping);
  EXPECT_EQ(tree->entries[1].value.entries[0].value.items[1].text, "2");
}

TEST(YamlTree, SyntaxErrorsCarryTheirPlace) {
  EXPECT_THAT(refusal_of_yaml("a: 1\nb: [1, 2\nc: 3\n"), StartsWith("3:"));
  EXPECT_THAT(refusal_of_yaml("a: 'unfinished"), HasSubstr("illegal EOF in scalar"));
  EXPECT_THAT(refusal_of_yaml("a: 'unfinished\n"), HasSubstr("illegal EOF in scalar"));
  EXPECT_THAT(refusal_of_yaml("a: \"unfinished\nb: 1\n \n"), HasSubstr("illegal EOF in scalar"));
  EXPECT_THAT(refusal_of_yaml("a: *nowhere\n"), StartsWith("1:4: "));
  EXPECT_THAT(refusal_of_yaml("a: b: c\n"), StartsWith("1:5: "));
  EXPECT_THAT(refusal_of_yaml("a: \"\\ud800\"\n"), HasSubstr("1:"));
}

TEST(YamlTree, RefusesWhatAConfigurationNeverNeeds) {
  EXPECT_EQ(refusal_of_yaml("a: 1\nb: 2\na: 3\n"), "3:1: \"a\" is given twice; first in line 1");
  EXPECT_EQ(refusal_of_yaml("a: 1\n---\nb: 2\n"), "2:1: a second document; only one is allowed");
  EXPECT_EQ(refusal_of_yaml("? [1, 2]\n: 3\n"), "1:3: a key must be a plain word");
  EXPECT_EQ(refusal_of_yaml("~: 3\n"), "1:1: a key must be a plain word");
  EXPECT_THAT(refusal_of_yaml("a: !!python/object x\n"), HasSubstr("tags such as"));
  EXPECT_THAT(refusal_of_yaml("a: &x [*x]\n"), HasSubstr("an alias inside what it stands for"));
}

TEST(YamlTree, RefusesBytesThatAreNotText) {
  const std::string message = "this is not a text file: expected UTF-8 without control characters";
  EXPECT_EQ(refusal_of_yaml(std::string_view("\x7f"
                                             "ELF\x02\x01\x01\0\0",
                                             9)),
            "1:1: " + message);
  EXPECT_EQ(refusal_of_yaml(std::string_view("a: 1\nb: \0", 9)), "2:4: " + message);
  EXPECT_EQ(refusal_of_yaml(std::string_view("\xff\xfe"
                                             "a\0",
                                             4)),
            "1:1: " + message);
  for (std::string_view bytes : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                                 "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(refusal_of_yaml("é: " + std::string(bytes)), "1:4: " + message);
  }
  EXPECT_EQ(refusal_of_yaml("a: \xf0\x9f\x98\x80 \xe2\x82\xac\n"), "accepted");
  EXPECT_EQ(refusal_of_yaml("\xef\xbb\xbf"
                            "a: 1\r\n"),
            "accepted");
}

TEST(YamlTree, LimitsDepthNodesAndBytes) {
  EXPECT_THAT(refusal_of_yaml(repeat("[", 16) + repeat("]", 16)), "accepted");
  EXPECT_THAT(refusal_of_yaml(repeat("[", 17) + repeat("]", 17)),
              HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal_of_yaml(repeat("[", 1'000'000)), HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal_of_yaml(repeat("[a,", 300'000)), HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal_of_yaml(repeat("- ", 400'000)), HasSubstr("nested deeper than 16"));
  EXPECT_THAT(refusal_of_yaml(repeat("- a\n", 25'000)), HasSubstr("more than 20000 values"));
  EXPECT_THAT(refusal_of_yaml("#" + std::string(kMaxYamlBytes, ' ')),
              "1:1: larger than 1048576 bytes");
}

TEST(YamlTree, DefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_THAT(refusal_of_yaml(bomb), HasSubstr("more than 20000 values"));

  std::string tower = "a0: &a0 [x]\n";
  for (int i = 1; i < 20; ++i) {
    tower += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  }
  EXPECT_THAT(refusal_of_yaml(tower), HasSubstr("nested deeper than 16"));
}

}  // namespace
}  // namespace loopscope
