#include "apps/server/server_config.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(ServerConfigTest, ReadsEverySetting) {
  const auto config = parse_server_config(
      "listen: 0.0.0.0:8080\nmetrics_listen: \"[::1]:0\"\ncluster: 4\n", "server.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listen, (ListenAddress{"0.0.0.0", 8080}));
  EXPECT_EQ(config->metrics_listen, (ListenAddress{"::1", 0}));
  EXPECT_EQ(config->cluster, 4U);
}

TEST(ServerConfigTest, EmptyFileGivesTheDefaults) {
  const auto config = parse_server_config("# nothing\n", "server.yaml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(*config, ServerConfig{});
}

TEST(ServerConfigTest, ErrorsNameTheirPlace) {
  const auto message = [](const char* yaml) {
    const auto config = parse_server_config(yaml, "f");
    return config ? std::string("no error") : config.error().message;
  };
  EXPECT_TRUE(message("listen: 127.0.0.1:1\nclutser: 2\n").starts_with("f:2:1: unknown key"));
  EXPECT_NE(message("clutser: 2\n").find("cluster"), std::string::npos);
  EXPECT_TRUE(message("cluster: 257\n").starts_with("f:1:10: cluster:"));
  EXPECT_TRUE(message("cluster: -1\n").starts_with("f:1:10: cluster:"));
  EXPECT_TRUE(message("listen: here\n").starts_with("f:1:9: listen:"));
  EXPECT_TRUE(message("listen: [a]\n").starts_with("f:1:9: listen:"));
  EXPECT_TRUE(message("listen:\n").starts_with("f:1:1: listen:"));
  EXPECT_TRUE(message("- listen\n").starts_with("f:1:1: "));
  EXPECT_TRUE(message("listen: {\n").starts_with("f:"));
}

}  // namespace
}  // namespace loopscope
