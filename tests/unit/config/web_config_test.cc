#include "config/web_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_directory.h"

namespace loopscope {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kUserHash = "$2y$10$N9qo8uLOickgx2ZMRZoMye7hLCKuEIm4BcKHuoCJsBy/5Q0NErxWS";

std::string web_refusal(const std::string& yaml) {
  const auto users = parse_web_config(yaml, "web.yml");
  return users ? "accepted" : users.error().message;
}

TEST(WebConfigTest, ReadsUsersPlainAndQuoted) {
  const auto users =
      parse_web_config("# who\nbasic_auth_users:\n  alice: " + kUserHash + "\n  'björn smith': \"" +
                           kUserHash + "\"\n  42: " + kUserHash + "\n",
                       "web.yml");
  ASSERT_TRUE(users.ok()) << users.error().message;
  ASSERT_EQ(users->size(), 3U);
  EXPECT_EQ(users->at("alice").text(), kUserHash);
  EXPECT_EQ(users->at("alice").cost(), 10);
  EXPECT_TRUE(users->contains("björn smith"));
  EXPECT_TRUE(users->contains("42"));
}

TEST(WebConfigTest, AFileWithoutUsersOpensNothing) {
  EXPECT_EQ(web_refusal(""),
            "web.yml:1:1: nobody could log in: expected basic_auth_users with at least one user");
  EXPECT_THAT(web_refusal("{}"), StartsWith("web.yml:1:1: nobody could log in"));
  EXPECT_THAT(web_refusal("[]"), StartsWith("web.yml:1:1: nobody could log in"));
  EXPECT_THAT(web_refusal("on"), StartsWith("web.yml:1:1: nobody could log in"));
  EXPECT_EQ(web_refusal("\nbasic_auth_users:\n"),
            "web.yml:2:1: basic_auth_users: expected at least one user, as NAME: HASH");
  EXPECT_THAT(web_refusal("basic_auth_users: {}\n"), StartsWith("web.yml:1:19: basic_auth_users:"));
  EXPECT_THAT(web_refusal("basic_auth_users: [a]\n"), StartsWith("web.yml:1:19: basic_auth_users"));
  EXPECT_THAT(web_refusal("basic_auth_users: no\n"), StartsWith("web.yml:1:19: basic_auth_users"));
}

TEST(WebConfigTest, OtherKeysAreRefusedAtTheirPlace) {
  const std::string users = "basic_auth_users: {a: " + kUserHash + "}\n";
  EXPECT_EQ(web_refusal(users + "tls_server_config: {}\n"),
            "web.yml:2:1: tls_server_config is not supported; for TLS put a proxy in front and "
            "leave this key out");
  EXPECT_EQ(web_refusal("http_server_config:\n  http2: true\n" + users),
            "web.yml:1:1: http_server_config is not supported; for HTTP/2 and headers put a proxy "
            "in front and leave this key out");
  EXPECT_EQ(web_refusal("basic_auth_user: {a: " + kUserHash + "}\n"),
            "web.yml:1:1: unknown key \"basic_auth_user\"; did you mean basic_auth_users?");
  EXPECT_EQ(web_refusal(users + "listen: 1\n"),
            "web.yml:2:1: unknown key \"listen\"; known is basic_auth_users");
}

TEST(WebConfigTest, WrongHashesAreNamedByUserAndNotRepeated) {
  const std::string line = "basic_auth_users:\n  good: " + kUserHash + "\n  alice: ";
  const std::string plain = web_refusal(line + "hunter2secret\n");
  EXPECT_THAT(plain, StartsWith("web.yml:3:10: \"alice\": not a bcrypt hash; expected 60"));
  EXPECT_THAT(plain, Not(HasSubstr("hunter2")));
  EXPECT_EQ(web_refusal(line + "$2y$03" + kUserHash.substr(6) + "\n"),
            "web.yml:3:10: \"alice\": a bcrypt hash of cost 3; allowed are 4 to 14");
  EXPECT_EQ(web_refusal(line + "$2y$15" + kUserHash.substr(6) + "\n"),
            "web.yml:3:10: \"alice\": a bcrypt hash of cost 15; allowed are 4 to 14");
  EXPECT_THAT(web_refusal(line + "\n"), StartsWith("web.yml:3:3: \"alice\": not a bcrypt hash"));
  EXPECT_THAT(web_refusal(line + "[" + kUserHash + "]\n"),
              StartsWith("web.yml:3:10: \"alice\": not a"));
  EXPECT_THAT(web_refusal(line + "{x: y}\n"), StartsWith("web.yml:3:10: \"alice\": not a"));
}

TEST(WebConfigTest, UserNamesThatCannotBeSentAreRefused) {
  EXPECT_EQ(web_refusal("basic_auth_users: {\"\": " + kUserHash + "}\n"),
            "web.yml:1:20: basic_auth_users: a user name must not be empty");
  EXPECT_EQ(web_refusal("basic_auth_users: {\"a:b\": " + kUserHash + "}\n"),
            "web.yml:1:20: basic_auth_users: \"a:b\": a user name has no colon and no control "
            "characters");
  EXPECT_THAT(web_refusal("basic_auth_users: {\"a\\nb\": " + kUserHash + "}\n"),
              HasSubstr("no control characters"));
  EXPECT_THAT(web_refusal("basic_auth_users: {\"a\\0b\": " + kUserHash + "}\n"),
              HasSubstr("no control characters"));
  EXPECT_THAT(web_refusal("basic_auth_users: {" + std::string(257, 'a') + ": " + kUserHash + "}\n"),
              HasSubstr("is longer than 256 bytes"));
  EXPECT_EQ(web_refusal("basic_auth_users:\n  a: " + kUserHash + "\n  a: " + kUserHash + "\n"),
            "web.yml:3:3: \"a\" is given twice; first in line 2");
}

TEST(WebConfigTest, TooManyUsersAndBadYamlAreRefused) {
  std::string yaml = "basic_auth_users:\n";
  for (std::size_t i = 0; i < kMaxUsers; ++i) {
    yaml += "  u" + std::to_string(i) + ": " + kUserHash + "\n";
  }
  EXPECT_EQ(web_refusal(yaml), "accepted");
  EXPECT_EQ(web_refusal(yaml + "  last: " + kUserHash + "\n"),
            "web.yml:2:3: basic_auth_users: more than 256 users");
  EXPECT_THAT(web_refusal("basic_auth_users: {"), StartsWith("web.yml:1:"));
  EXPECT_THAT(web_refusal("\xFF"), StartsWith("web.yml:1:1: this is not a text file"));
}

TEST(WebConfigTest, ReadsAFileAndNamesOneThatIsMissing) {
  const TemporaryDirectory directory;
  const std::string path = directory / "web.yml";
  std::ofstream(path) << "basic_auth_users: {a: " << kUserHash << "}\n";
  const auto users = read_web_config_file(path);
  ASSERT_TRUE(users.ok()) << users.error().message;
  EXPECT_EQ(users->size(), 1U);
  const auto missing = read_web_config_file(path + ".no");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message, path + ".no: cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace loopscope
