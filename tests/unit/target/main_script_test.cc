#include "target/main_script.h"

#include <gtest/gtest.h>

#include <sstream>

namespace loopscope {
namespace {

/// The script of a command line whose arguments have no blanks; "-": none.
std::string script(Interpreter interpreter, const std::string& line) {
  std::vector<std::string> arguments;
  std::istringstream in(line);
  for (std::string word; in >> word;) arguments.push_back(word);
  const auto found = main_script(interpreter, arguments);
  if (!found) return "-";
  return found->module.empty() ? found->path : "module " + found->module;
}

std::string node(const std::string& line) { return script(Interpreter::kNode, "node " + line); }
std::string python(const std::string& line) {
  return script(Interpreter::kPython, "python3 " + line);
}

TEST(MainScript, OfNodeFollowsItsOptions) {
  EXPECT_EQ(node("server.js"), "server.js");
  EXPECT_EQ(node("server.js --port 3000 -r x"), "server.js");
  EXPECT_EQ(node("--max-old-space-size=4096 --enable-source-maps dist/main.js"), "dist/main.js");
  EXPECT_EQ(node("-r dotenv/config --import ./otel.mjs --conditions dev app.mjs"), "app.mjs");
  EXPECT_EQ(node("--require=x.js app.js"), "app.js");
  EXPECT_EQ(node("--env-file .env --inspect --title t app.js"), "app.js");
  EXPECT_EQ(node("-- -odd.js"), "-odd.js");
  EXPECT_EQ(node("."), ".");
}

TEST(MainScript, NodeMayHaveNone) {
  for (const char* line : {"", "-e 1 x.js", "--eval 1", "-p 1 x.js", "-", "-i", "--test a.js",
                           "--run dev", "--inspect", "-r x.js"}) {
    EXPECT_EQ(node(line), "-") << line;
  }
}

TEST(MainScript, LoadersOfOtherLanguagesAreLookedThrough) {
  EXPECT_EQ(node("/srv/node_modules/.bin/ts-node --files src/main.ts"), "src/main.ts");
  EXPECT_EQ(node("/srv/node_modules/ts-node/dist/bin.js -r tsconfig-paths/register src/main.ts"),
            "src/main.ts");
  EXPECT_EQ(node("/usr/bin/babel-node app.js"), "app.js");
  // Its child has the script for its own.
  EXPECT_EQ(node("--require /srv/node_modules/tsx/dist/preflight.cjs --import "
                 "file:///srv/node_modules/tsx/dist/loader.mjs server.ts"),
            "server.ts");
  EXPECT_EQ(node("/srv/node_modules/.bin/ts-node"), "/srv/node_modules/.bin/ts-node");
}

TEST(MainScript, OfPython) {
  EXPECT_EQ(python("app.py --debug"), "app.py");
  EXPECT_EQ(python("-u -W ignore -X dev app.py"), "app.py");
  EXPECT_EQ(python("-m uvicorn shop:app"), "module uvicorn");
  EXPECT_EQ(python("-um http.server 80"), "module http.server");
  EXPECT_EQ(python("/venv/bin/gunicorn shop:app"), "/venv/bin/gunicorn");
  for (const char* line : {"", "-c pass x.py", "-", "-m", "-uc pass"}) {
    EXPECT_EQ(python(line), "-") << line;
  }
}

TEST(MainScript, OfBunAndDeno) {
  const auto bun = [](const std::string& line) { return script(Interpreter::kBun, "bun " + line); };
  EXPECT_EQ(bun("server.ts"), "server.ts");
  EXPECT_EQ(bun("run server.ts"), "server.ts");
  EXPECT_EQ(bun("--watch run --preload x.ts server.ts"), "server.ts");
  EXPECT_EQ(bun("-e 1"), "-");
  const auto deno = [](const std::string& line) {
    return script(Interpreter::kDeno, "deno " + line);
  };
  EXPECT_EQ(deno("run --allow-net=:80 --config d.json main.ts"), "main.ts");
  EXPECT_EQ(deno("serve -A https://example.org/main.ts"), "https://example.org/main.ts");
  EXPECT_EQ(deno("main.ts"), "main.ts");
  EXPECT_EQ(deno("task start"), "-");
  EXPECT_EQ(deno(""), "-");
}

TEST(MainScript, NothingIsKnownOfOtherPrograms) {
  EXPECT_EQ(script(Interpreter::kNone, "nginx conf.js"), "-");
}

TEST(InterpreterOf, GoesByTheExecutablesName) {
  EXPECT_EQ(interpreter_of("node"), Interpreter::kNode);
  EXPECT_EQ(interpreter_of("nodejs"), Interpreter::kNode);
  EXPECT_EQ(interpreter_of("bun"), Interpreter::kBun);
  EXPECT_EQ(interpreter_of("deno"), Interpreter::kDeno);
  EXPECT_EQ(interpreter_of("python3.11"), Interpreter::kPython);
  EXPECT_EQ(interpreter_of("python"), Interpreter::kPython);
  EXPECT_EQ(interpreter_of("pythonic"), Interpreter::kNone);
  EXPECT_EQ(interpreter_of("nginx"), Interpreter::kNone);
  EXPECT_EQ(interpreter_of(""), Interpreter::kNone);
}

TEST(LauncherName, IsThatOfAProgramThatStartsOthers) {
  EXPECT_EQ(launcher_name("/usr/lib/node_modules/npm/bin/npm-cli.js"), "npm");
  EXPECT_EQ(launcher_name("/usr/bin/npm"), "npm");
  EXPECT_EQ(launcher_name("/usr/bin/npx"), "npx");
  EXPECT_EQ(launcher_name("/srv/shop/node_modules/.bin/tsx"), "tsx");
  EXPECT_EQ(launcher_name("/srv/shop/node_modules/tsx/dist/cli.mjs"), "tsx");
  EXPECT_EQ(launcher_name("/srv/shop/node_modules/nodemon/bin/nodemon.js"), "nodemon");
  EXPECT_EQ(launcher_name("/srv/shop/node_modules/next/dist/bin/next"), "");
  EXPECT_EQ(launcher_name("/srv/shop/node_modules/@scope/tool/npm.js"), "");
  EXPECT_EQ(launcher_name("/srv/shop/server.js"), "");
  EXPECT_EQ(launcher_name("/srv/x/node_modules/@broken"), "");
}

TEST(Pm2Container, IsKnownByItsName) {
  EXPECT_TRUE(is_pm2_container("/usr/lib/node_modules/pm2/lib/ProcessContainerFork.js"));
  EXPECT_TRUE(is_pm2_container("/usr/lib/node_modules/pm2/lib/ProcessContainer.js"));
  EXPECT_FALSE(is_pm2_container("/srv/server.js"));
}

}  // namespace
}  // namespace loopscope
