#include "target/package_name.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace loopscope {
namespace {

std::string name_in(std::string_view json) { return package_name_in(json).value_or("-"); }

TEST(PackageName, IsTheOutermostObjectsName) {
  EXPECT_EQ(name_in(R"({"name": "shop"})"), "shop");
  EXPECT_EQ(name_in("\xEF\xBB\xBF { \"name\" :\n\"@org/shop\" }"), "@org/shop");
  EXPECT_EQ(name_in(R"({"version": "1", "bin": {"name": "no", "x": ["}", {"name": "no"}]},
                        "private": true, "n": -1.5e3, "author": null, "name": "yes"})"),
            "yes");
  EXPECT_EQ(name_in(R"({"description": "say \"name\": \"no\" \\", "name": "yes"})"), "yes");
  EXPECT_EQ(name_in(R"({"name": "a\/b"})"), "a/b");
  EXPECT_EQ(name_in(R"({"name": 1})"), "1");
}

TEST(PackageName, WhatIsNoneIsNone) {
  for (const char* json :
       {"", "{", "[]", "null", "{}", R"({"name"})", R"({"name": ""})", R"({"name": "cut)",
        R"({"name": "cut\)", R"({"x": "y" "name": "z"})", R"({"x": {"name": "z"}})",
        R"("name": "z")", "{\"name\": \"a\nb\"}", R"({"x":[[[[)"}) {
    EXPECT_EQ(name_in(json), "-") << json;
  }
  EXPECT_EQ(name_in("{\"name\": \"" + std::string(215, 'x') + "\"}"), "-");
  EXPECT_EQ(name_in("{\"x\": " + std::string(100'000, '[') + std::string(100'000, ']') +
                    ", \"name\": \"deep\"}"),
            "deep");
}

class NearestPackage : public testing::Test {
 protected:
  std::string of(const std::string& path) {
    return nearest_package_name(path,
                                [this](const std::string& file) -> std::optional<std::string> {
                                  asked_.push_back(file);
                                  const auto found = files_.find(file);
                                  if (found == files_.end()) return std::nullopt;
                                  return found->second;
                                })
        .value_or("-");
  }

  std::map<std::string, std::string> files_;
  std::vector<std::string> asked_;
};

TEST_F(NearestPackage, IsAboveTheScript) {
  files_["/srv/shop/package.json"] = R"({"name": "shop"})";
  files_["/srv/package.json"] = R"({"name": "outer"})";
  EXPECT_EQ(of("/srv/shop/src/server.js"), "shop");
  EXPECT_EQ(of("/srv/other/server.js"), "outer");
  EXPECT_EQ(of("/home/server.js"), "-");
  EXPECT_EQ(of("/srv/shop/"), "shop");
}

TEST_F(NearestPackage, OneWithoutNameIsPassedOver) {
  files_["/srv/shop/dist/package.json"] = R"({"type": "module"})";
  files_["/srv/shop/package.json"] = R"({"name": "shop"})";
  EXPECT_EQ(of("/srv/shop/dist/main.js"), "shop");
}

TEST_F(NearestPackage, ADependencysProgramBelongsToWhoHasIt) {
  files_["/srv/shop/node_modules/next/package.json"] = R"({"name": "next"})";
  files_["/srv/shop/package.json"] = R"({"name": "shop"})";
  EXPECT_EQ(of("/srv/shop/node_modules/next/dist/bin/next"), "shop");
  files_.erase("/srv/shop/package.json");
  EXPECT_EQ(of("/srv/shop/node_modules/next/dist/bin/next"), "next");
}

TEST_F(NearestPackage, LooksInAFewFoldersOnly) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "/d";
  EXPECT_EQ(of(deep + "/x.js"), "-");
  EXPECT_LE(asked_.size(), 64U);
}

}  // namespace
}  // namespace loopscope
