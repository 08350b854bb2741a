#include "target/json_member.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

using Members = std::map<std::string, std::string>;

TEST(JsonMember, IsAStringOrAWholeNumberOfTheOutermostObject) {
  EXPECT_EQ(json_members(R"({"a": "x", "in": {"b": "no"}, "list": [{"b": "no"}], "b": 12,
                             "c": -3, "d": 1.5, "e": null, "f": true, "a": "second"})",
                         {"a", "b", "c", "d", "e", "f"}),
            (Members{{"a", "x"}, {"b", "12"}, {"c", "-3"}}));
  EXPECT_EQ(json_members(R"({"a": "\u00e9\n"})", {"a"}), (Members{{"a", "\xC3\xA9\n"}}));
}

TEST(JsonMember, OfABrokenTextIsWhatStandsBeforeTheBreak) {
  EXPECT_EQ(json_members(R"({"a": "x", "b": "cu)", {"a", "b"}), (Members{{"a", "x"}}));
  EXPECT_EQ(json_members(R"({"a": "x"}} rest)", {"a", "b"}), (Members{{"a", "x"}}));
  for (const char* json : {"", "{", "[\"a\", \"x\"]", "\"a\"", "7", "[[[[", "{\"a\"", "{\"a\":"}) {
    EXPECT_EQ(json_members(json, {"a"}), Members{}) << json;
  }
}

TEST(JsonMember, IsFoundBehindAnyDepth) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(json_members("{\"x\": " + deep + ", \"a\": 1}", {"a"}), (Members{{"a", "1"}}));
}

}  // namespace
}  // namespace loopscope
