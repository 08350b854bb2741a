#include "culprit/v8/v8_scripts.h"

#include <gtest/gtest.h>

#include "support/fake_v8.h"

namespace loopscope {
namespace {

class V8ScriptsTest : public ::testing::Test {
 protected:
  V8Object script(std::uint64_t name, std::uint64_t source, std::int32_t id = 1) {
    const std::uint64_t made = v8_.script(name, source, id);
    last_ = made;
    return {made - 1, v8_.layout.type_script};
  }
  int line(const V8Object& script, std::uint32_t position) {
    return scripts_.line_of(V8Heap(v8_.layout, v8_.memory), script, position);
  }
  std::string file(std::string_view name) {
    return V8Scripts::name_of(V8Heap(v8_.layout, v8_.memory), script(v8_.string(name), 0)).file;
  }
  /// Of a script whose name is undefined, with a sourceURL if `url` is not empty.
  V8Scripts::Name name_by_url(std::string_view url) {
    const V8Object made = script(FakeV8::smi(0), 0);
    if (!url.empty()) v8_.set(last_, v8_.layout.script_source_url, v8_.string(url));
    return V8Scripts::name_of(V8Heap(v8_.layout, v8_.memory), made);
  }
  FakeV8 v8_;
  V8Scripts scripts_;
  std::uint64_t last_ = 0;
};

TEST_F(V8ScriptsTest, FileUrlsBecomePaths) {
  EXPECT_EQ(file("/srv/app.js"), "/srv/app.js");
  EXPECT_EQ(file("file:///srv/my%20app/%C3%A9.mjs"), "/srv/my app/\u00e9.mjs");
  EXPECT_EQ(file("file:///100%/a%zz%0a"), "/100%/a%zz%0a");
  EXPECT_EQ(file("node:internal/timers"), "node:internal/timers");
}

TEST_F(V8ScriptsTest, CodeWithoutAFileHasNone) { EXPECT_EQ(name_by_url("").file, ""); }

TEST_F(V8ScriptsTest, CodeWithoutANameHasThatOfItsSourceUrl) {
  EXPECT_EQ(name_by_url("/srv/views/list.ejs").file, "/srv/views/list.ejs");
  EXPECT_TRUE(name_by_url("/srv/views/list.ejs").is_by_url);
  EXPECT_EQ(name_by_url("\"/srv/views/list.ejs\"").file, "/srv/views/list.ejs");
  EXPECT_EQ(name_by_url("webpack://shop/./src/orders.js").file, "webpack://shop/./src/orders.js");
  EXPECT_EQ(name_by_url("node:internal/timers").file, "") << "it is none of Node's";
}

TEST_F(V8ScriptsTest, ANameComesBeforeASourceUrl) {
  const V8Object made = script(v8_.string("/srv/app.js"), 0);
  v8_.set(last_, v8_.layout.script_source_url, v8_.string("/elsewhere.js"));
  const auto name = V8Scripts::name_of(V8Heap(v8_.layout, v8_.memory), made);
  EXPECT_EQ(name.file, "/srv/app.js");
  EXPECT_FALSE(name.is_by_url);
}

TEST_F(V8ScriptsTest, OfALongNameTheEndIsKept) {
  const std::string found = file("/" + std::string(3000, 'd') + "/app.js");
  EXPECT_TRUE(found.starts_with("\u2026d"));
  EXPECT_TRUE(found.ends_with("d/app.js"));
}

TEST_F(V8ScriptsTest, AFileWhoseNameCannotBeReadIsStillOne) {
  const std::uint64_t name = v8_.string_of(0x21, 1U << 30, 0, v8_.string("x"));
  v8_.set(name, v8_.layout.string_payload, name);
  EXPECT_EQ(V8Scripts::name_of(V8Heap(v8_.layout, v8_.memory), script(name, 0)).file,
            "<unreadable>");
}

TEST_F(V8ScriptsTest, NodesOwnFilesAreTold) {
  EXPECT_TRUE(V8Scripts::is_internal("node:internal/timers"));
  EXPECT_TRUE(V8Scripts::is_internal("node:fs"));
  EXPECT_FALSE(V8Scripts::is_internal("/srv/node:fs.js"));
  EXPECT_FALSE(V8Scripts::is_internal("[eval]"));
}

TEST_F(V8ScriptsTest, CountsLinesInTheSource) {
  const V8Object made = script(v8_.string("/a.js"), v8_.string("ab\ncd\r\ne\rf\n"));
  EXPECT_EQ(line(made, 9), 4);  // the later one first: what was counted is kept
  EXPECT_EQ(line(made, 0), 1);
  EXPECT_EQ(line(made, 2), 1);
  EXPECT_EQ(line(made, 3), 2);
  EXPECT_EQ(line(made, 6), 2);
  EXPECT_EQ(line(made, 7), 3);
  EXPECT_EQ(line(made, 11), 5);
  EXPECT_EQ(line(made, 12), 0);
}

TEST_F(V8ScriptsTest, CountsLinesOfTwoByteSources) {
  const V8Object made = script(v8_.string("/a.js"), v8_.string(u"\u51fd\n\u2028x"));
  EXPECT_EQ(line(made, 1), 1);
  EXPECT_EQ(line(made, 2), 2);
  EXPECT_EQ(line(made, 3), 3);
}

TEST_F(V8ScriptsTest, CountsAcrossThePiecesItReads) {
  std::string source(65535, 'x');
  source += "\r\n\nlast";
  const V8Object made = script(v8_.string("/a.js"), v8_.string(source));
  EXPECT_EQ(line(made, 65539), 3);
}

TEST_F(V8ScriptsTest, UsesTheLineTableIfThereIsOne) {
  const V8Object made = script(v8_.string("/a.js"), v8_.string("no matter"));
  v8_.set(last_, v8_.layout.script_line_ends,
          v8_.array({FakeV8::smi(10), FakeV8::smi(20), FakeV8::smi(30)}));
  EXPECT_EQ(line(made, 0), 1);
  EXPECT_EQ(line(made, 10), 1);
  EXPECT_EQ(line(made, 11), 2);
  EXPECT_EQ(line(made, 31), 4);
  v8_.set(last_, v8_.layout.script_line_offset, FakeV8::smi(5));
  EXPECT_EQ(line(made, 11), 7);
}

TEST_F(V8ScriptsTest, LyingTablesGiveNoLine) {
  const V8Object made = script(v8_.string("/a.js"), v8_.string("a\nb"));
  const std::uint64_t table = v8_.array({FakeV8::smi(10)});
  v8_.set(last_, v8_.layout.script_line_ends, table);
  v8_.set(table, 8, FakeV8::smi(1 << 30));
  EXPECT_EQ(line(made, 5), 0);
  const V8Object offset = script(v8_.string("/b.js"), v8_.string("a\nb"), 2);
  v8_.set(last_, v8_.layout.script_line_offset, FakeV8::smi(-100));
  EXPECT_EQ(line(offset, 0), 0);
}

}  // namespace
}  // namespace loopscope
