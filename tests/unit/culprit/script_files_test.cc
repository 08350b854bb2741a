#include "culprit/script_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "support/fake_v8.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

using Verdict = ScriptFiles::Verdict;

/// Scripts of a made-up heap and files of this process's own.
class ScriptFilesTest : public ::testing::Test {
 protected:
  std::string file(const std::string& content) {
    const std::string path = (directory_ / "app.ts").string();
    std::ofstream(path) << content;
    return path;
  }
  Verdict compare(const std::string& path, std::uint64_t script) {
    return files_.compare(
        path, [&] { return script_text_of(V8Heap(v8_.layout, v8_.memory), script - 1); },
        v8_.memory);
  }
  std::uint64_t script(std::string_view text) {
    return v8_.script(v8_.string("/any"), v8_.string(text), ++id_);
  }

  TemporaryDirectory directory_;
  FakeV8 v8_;
  ScriptFiles files_{::getpid()};
  std::int32_t id_ = 0;
};

TEST_F(ScriptFilesTest, TellsWhetherTheFileHasTheText) {
  const std::string path = file("let a;\nlet b;\n");
  EXPECT_EQ(compare(path, script("let a;\nlet b;\n")), Verdict::kSame);
  EXPECT_EQ(compare(path, script("let a;let b;\n")), Verdict::kOther);
  const std::uint64_t wide = v8_.script(v8_.string("/any"), v8_.string(u"let \u20ac;\n"), ++id_);
  EXPECT_EQ(compare(file("let \u20ac;\n"), wide), Verdict::kSame);
}

TEST_F(ScriptFilesTest, ComparesAScriptOnce) {
  const std::string path = file("let a;\n");
  const std::uint64_t made = script("let a;\n");
  EXPECT_EQ(compare(path, made), Verdict::kSame);
  file("\n\nlet another;\n");
  EXPECT_EQ(compare(path, made), Verdict::kSame);
  files_.clear();
  EXPECT_EQ(compare(path, made), Verdict::kOther);
}

TEST_F(ScriptFilesTest, DoesNotKnowWhatItCannotRead) {
  const std::uint64_t made = script("let a;\n");
  EXPECT_EQ(compare((directory_ / "gone.ts").string(), made), Verdict::kUnknown);
  EXPECT_EQ(compare("webpack://shop/./a.js", made), Verdict::kUnknown);
  EXPECT_EQ(compare((directory_ / ".").string(), made), Verdict::kUnknown);
  // A script of the snapshot has no text.
  EXPECT_EQ(compare(file("let a;\n"), v8_.script(v8_.string("/any"), FakeV8::smi(0))),
            Verdict::kUnknown);
}

}  // namespace
}  // namespace loopscope
