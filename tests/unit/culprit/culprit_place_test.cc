#include "culprit/culprit_place.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

StackFrame js(const std::string& function, const std::string& file, int line, int begins) {
  return {.kind = "js", .function = function, .file = file, .line = line, .function_line = begins};
}

/// Blames the first of the frames that has a file outside of Node.
ResolvedStack stack_of(std::vector<StackFrame> frames) {
  ResolvedStack stack;
  stack.frames = std::move(frames);
  for (const StackFrame& frame : stack.frames) {
    if (frame.file.empty() || frame.file.starts_with("node:")) continue;
    stack.function = frame.function;
    stack.file = frame.file;
    stack.line = frame.line;
    break;
  }
  return stack;
}

TEST(CulpritPlaceTest, PackageIsTheInnermostFolderOfNodeModules) {
  EXPECT_EQ(package_of("/srv/app.js"), "");
  EXPECT_EQ(package_of("/srv/node_modules/lodash/lodash.js"), "lodash");
  EXPECT_EQ(package_of("/srv/node_modules/@babel/core/lib/index.js"), "@babel/core");
  EXPECT_EQ(package_of("/srv/node_modules/a/node_modules/b/index.js"), "b");
  EXPECT_EQ(package_of("/srv/node_modules/.pnpm/ejs@3.1.9/node_modules/ejs/lib/ejs.js"), "ejs");
  EXPECT_EQ(package_of("/srv/my_node_modules/x/y.js"), "");
  EXPECT_EQ(package_of("/srv/node_modules/loose.js"), "");
  EXPECT_EQ(package_of("/srv/node_modules/@scope/loose.js"), "");
  EXPECT_EQ(package_of("/srv/node_modules/"), "");
  EXPECT_EQ(package_of("node:internal/fs"), "");
}

TEST(CulpritPlaceTest, EveryLineOfAFunctionIsOneKey) {
  const CulpritKey first = culprit_key_of(stack_of({js("flat", "/srv/app.js", 140, 132)}));
  const CulpritKey second = culprit_key_of(stack_of({js("flat", "/srv/app.js", 251, 132)}));
  EXPECT_EQ(first, second);
  EXPECT_EQ(first, (CulpritKey{"flat", "/srv/app.js", 132, ""}));
}

TEST(CulpritPlaceTest, WithoutTheBeginningOfAFunctionItsLinesAreOneKeyStill) {
  const CulpritKey first = culprit_key_of(stack_of({js("flat", "/srv/app.js", 140, 0)}));
  EXPECT_EQ(first, culprit_key_of(stack_of({js("flat", "/srv/app.js", 251, 0)})));
  EXPECT_EQ(first.line, 0);
}

TEST(CulpritPlaceTest, FunctionsWithoutANameAreToldApartByWhereTheyBegin) {
  EXPECT_NE(culprit_key_of(stack_of({js("<anonymous>", "/srv/app.js", 4, 3)})),
            culprit_key_of(stack_of({js("<anonymous>", "/srv/app.js", 9, 8)})));
}

TEST(CulpritPlaceTest, TheApplicationAnswersForItsDependency) {
  const CulpritKey key = culprit_key_of(stack_of({
      js("sort", "", 0, 0),
      js("baseSort", "/srv/node_modules/lodash/_baseSort.js", 17, 12),
      js("forEach", "node:internal/util", 5, 1),
      js("each", "/srv/node_modules/async/each.js", 3, 1),
      js("report", "/srv/src/report.js", 44, 40),
      js("main", "/srv/src/main.js", 2, 1),
  }));
  EXPECT_EQ(key, (CulpritKey{"report", "/srv/src/report.js", 40, "lodash"}));
}

TEST(CulpritPlaceTest, WhereAllIsADependencyTheInnermostAnswers) {
  const CulpritKey key = culprit_key_of(stack_of({
      js("inner", "/usr/lib/node_modules/tool/lib/a.js", 17, 12),
      js("outer", "/usr/lib/node_modules/tool/bin/tool.js", 3, 1),
  }));
  EXPECT_EQ(key, (CulpritKey{"inner", "/usr/lib/node_modules/tool/lib/a.js", 12, "tool"}));
}

TEST(CulpritPlaceTest, NativeFunctionsAnswerForThemselves) {
  ResolvedStack stack;
  stack.function = "spin";
  stack.file = "tool";
  stack.frames = {{.kind = "native", .function = "spin", .file = "tool"},
                  js("main", "/srv/app.js", 1, 1)};
  EXPECT_EQ(culprit_key_of(stack), (CulpritKey{"spin", "tool", 0, ""}));
}

TEST(CulpritPlaceTest, OfALongPathTheEndIsKept) {
  const std::string file = "/" + std::string(300, 'd') + "/\xC3\xA9t\xC3\xA9.js";
  const CulpritKey key = culprit_key_of(stack_of({js("f", file, 1, 1)}));
  EXPECT_LE(key.file.size(), 256U);
  EXPECT_TRUE(key.file.ends_with("d/\xC3\xA9t\xC3\xA9.js"));
}

}  // namespace
}  // namespace loopscope
