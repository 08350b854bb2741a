#include "apps/loopscope/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace loopscope {
namespace {

using testing::HasSubstr;

constexpr char kOneUser[] =
    "basic_auth_users:\n"
    "  a: $2y$10$N9qo8uLOickgx2ZMRZoMye7hLCKuEIm4BcKHuoCJsBy/5Q0NErxWS\n";

class SettingsReaderTest : public testing::Test {
 protected:
  RunOptions options(bool wait = true) const {
    RunOptions options;
    options.config_file = write("loopscope.yaml", "log_level: info\n");
    options.web_config_file = web_config();
    options.wait_for_web_config = wait;
    return options;
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  std::string web_config() const { return directory_ / "web.yml"; }

  TemporaryDirectory directory_;
};

bool changes_at_the_second_look(SettingsReader& reader) {
  return !reader.have_changed() && reader.have_changed() && !reader.have_changed();
}

TEST_F(SettingsReaderTest, AMissingFileOfUsersIsAnError) {
  SettingsReader reader(options(false));
  const auto settings = reader.read();
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr("web.yml: cannot be opened: No such file"));
}

TEST_F(SettingsReaderTest, OrIsWaitedFor) {
  SettingsReader reader(options());
  auto settings = reader.read();
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_TRUE(settings->closed);
  EXPECT_TRUE(reader.read()->closed);

  write("web.yml", kOneUser);
  EXPECT_TRUE(changes_at_the_second_look(reader));
  settings = reader.read();
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_FALSE(settings->closed);
  EXPECT_EQ(settings->users.size(), 1U);

  std::filesystem::remove(web_config());
  EXPECT_TRUE(changes_at_the_second_look(reader));
  EXPECT_FALSE(reader.read().ok()) << "the users it had are to stay";
}

TEST_F(SettingsReaderTest, OnlyAMissingFileIsWaitedFor) {
  for (const char* text : {"", "basic_auth_users:\n  a: x\n"}) {
    SettingsReader reader(options());
    write("web.yml", text);
    EXPECT_FALSE(reader.read().ok()) << text;
  }
  std::filesystem::remove(web_config());
  std::filesystem::create_directory(web_config());
  EXPECT_FALSE(SettingsReader(options()).read().ok());
}

TEST_F(SettingsReaderTest, WatchesWhatTheConfigurationNames) {
  RunOptions options;
  options.config_file = write("loopscope.yaml", "log_level: info\n");
  SettingsReader reader(options);
  ASSERT_TRUE(reader.read().ok());
  EXPECT_FALSE(reader.have_changed());
  write("loopscope.yaml", "web_config: " + web_config() + "\n");
  EXPECT_TRUE(changes_at_the_second_look(reader));
  EXPECT_FALSE(reader.read().ok());  // refused, and mended by the file it names
  EXPECT_FALSE(reader.have_changed());
  write("web.yml", kOneUser);
  EXPECT_TRUE(changes_at_the_second_look(reader));
  ASSERT_TRUE(reader.read().ok());
  EXPECT_FALSE(reader.have_changed());
}

}  // namespace
}  // namespace loopscope
