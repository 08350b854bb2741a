#include "target/container_names.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/fake_clock.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

const std::string kWebId = "3959d7abfbd0221e5043fccbcb8040e9a1a4e6518dad483b7a33a131885e0283";
const std::string kDbId = "c269a18400e27b14085c57f8e36f5b4d5471c140eb27e8b0f632c056547555de";
const ContainerName kWeb{"shop", "web-7d4b9c6f5-x2x9z", "app"};
const std::string kWebLink = "web-7d4b9c6f5-x2x9z_shop_app-" + kWebId + ".log";

/// As kubelet makes it: what is before ".log" is cut to what a file name can hold.
std::string long_link(const std::string& pod, const std::string& id) {
  return (pod + "_" + std::string(63, 'n') + "_" + std::string(63, 'c') + "-" + id).substr(0, 251) +
         ".log";
}

TEST(ContainerLog, HasTheNamesAndTheId) {
  const auto log = parse_container_log(kWebLink);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->id, kWebId);
  EXPECT_EQ(log->name, kWeb);
  const auto dots =
      parse_container_log("kube-proxy-node.example.com_kube-system_kube-proxy-" + kWebId + ".log");
  ASSERT_TRUE(dots);
  EXPECT_EQ(dots->name,
            (ContainerName{"kube-system", "kube-proxy-node.example.com", "kube-proxy"}));
}

TEST(ContainerLog, OfALongNameHasTheBeginOfTheId) {
  // The other parts of the name take 129 bytes.
  const auto cut = parse_container_log(long_link(std::string(110, 'p'), kWebId));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->id, kWebId.substr(0, 12));
  EXPECT_EQ(cut->name.container, std::string(63, 'c'));
  EXPECT_FALSE(parse_container_log(long_link(std::string(111, 'p'), kWebId)));
  EXPECT_FALSE(parse_container_log(long_link(std::string(253, 'p'), kWebId)));
}

TEST(ContainerLog, OtherFilesAreNone) {
  for (const std::string& name : {
           std::string(),
           std::string("."),
           std::string(".log"),
           std::string("__-.log"),
           kWebLink + ".1",
           kWebLink.substr(0, kWebLink.size() - 4),
           "web_shop_app-" + kWebId.substr(1) + ".log",
           "web_shop_app-0" + kWebId + ".log",
           "web_shop_app-X" + kWebId.substr(1) + ".log",
           "web_shop_" + kWebId + ".log",
           "web_shop_-" + kWebId + ".log",
           "_shop_app-" + kWebId + ".log",
           "web__app-" + kWebId + ".log",
           "web_shop-app-" + kWebId + ".log",
           "web_shop_app_x-" + kWebId + ".log",
           "web_shop_app\n-" + kWebId + ".log",
           "Web_shop_app-" + kWebId + ".log",
           "w\"b_shop_app-" + kWebId + ".log",
           "web_sh\xC3\xB6p_app-" + kWebId + ".log",
       }) {
    EXPECT_FALSE(parse_container_log(name)) << name;
  }
}

class ContainerNamesTest : public testing::Test {
 protected:
  void link(const std::string& name) {
    std::filesystem::create_symlink("/nowhere", directory_ / name);
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  ContainerNames names_{(directory_ / "").string(), clock_};
};

TEST_F(ContainerNamesTest, AreFoundByTheId) {
  link(kWebLink);
  link("db-0_test_postgres-" + kDbId + ".log");
  std::ofstream(directory_ / "notes.txt") << "no link\n";
  EXPECT_EQ(names_.find(kWebId), kWeb);
  EXPECT_EQ(names_.find(kDbId), (ContainerName{"test", "db-0", "postgres"}));
  EXPECT_EQ(names_.find(std::string(64, '0')), std::nullopt);
  EXPECT_EQ(names_.find(std::string(64, 'f')), std::nullopt);
  EXPECT_EQ(names_.problem(), "");
}

TEST_F(ContainerNamesTest, AreFoundByTheBeginOfTheId) {
  link(long_link(std::string(100, 'p'), kWebId));
  const auto found = names_.find(kWebId);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pod, std::string(100, 'p'));
  EXPECT_EQ(names_.find(kWebId.substr(0, 20) + kDbId.substr(20)), std::nullopt);
}

TEST_F(ContainerNamesTest, AreReadAgainForANewContainerAndNotTooOften) {
  EXPECT_EQ(names_.find(kWebId), std::nullopt);
  link(kWebLink);
  clock_.advance(ContainerNames::kBetweenReads - Nanos(1));
  EXPECT_EQ(names_.find(kWebId), std::nullopt);
  clock_.advance(Nanos(1));
  EXPECT_EQ(names_.find(kWebId), kWeb);
  // What is known needs no reading.
  std::filesystem::remove(directory_ / kWebLink);
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(names_.find(kWebId), kWeb);
  EXPECT_EQ(names_.find(kDbId), std::nullopt);
  EXPECT_EQ(names_.find(kWebId), std::nullopt);
}

TEST_F(ContainerNamesTest, ADirectoryThatCannotBeListedIsNamed) {
  const std::string path = (directory_ / "absent").string();
  ContainerNames names(path, clock_);
  EXPECT_EQ(names.problem(), "");
  EXPECT_EQ(names.find(kWebId), std::nullopt);
  EXPECT_NE(names.problem().find("cannot list " + path + ": No such file"), std::string::npos)
      << names.problem();
  std::filesystem::create_directory(path);
  std::filesystem::create_symlink("/nowhere", path + "/" + kWebLink);
  clock_.advance(ContainerNames::kBetweenReads);
  EXPECT_EQ(names.find(kWebId), kWeb);
  EXPECT_EQ(names.problem(), "");
}

TEST_F(ContainerNamesTest, AFileIsNoDirectory) {
  std::ofstream(directory_ / "file") << "text\n";
  ContainerNames names((directory_ / "file").string(), clock_);
  EXPECT_EQ(names.find(kWebId), std::nullopt);
  EXPECT_NE(names.problem().find("Not a directory"), std::string::npos) << names.problem();
}

}  // namespace
}  // namespace loopscope
