#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/byte_size.h"
#include "base/duration.h"
#include "config/config_reader.h"
#include "config/values.h"

// Keeps docs/configuration.md and examples/loopscope.yaml true.

namespace loopscope {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

std::string read(const std::string& name) {
  std::ifstream in(std::string(LOOPSCOPE_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The cells of every row of the table of keys.
std::vector<std::vector<std::string>> key_rows() {
  std::istringstream doc(read("docs/configuration.md"));
  std::vector<std::vector<std::string>> rows;
  bool in_table = false;
  for (std::string line; std::getline(doc, line);) {
    if (line.starts_with("| key |")) in_table = true;
    if (!line.starts_with("|")) in_table = false;
    if (!in_table || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(2));
    for (std::string cell; std::getline(row, cell, '|');) {
      cells.push_back(cell.substr(0, cell.find_last_not_of(' ') + 1));
      row.get();
    }
    rows.push_back(cells);
  }
  return rows;
}

std::string unquoted(const std::string& cell) { return cell.substr(1, cell.rfind('`') - 1); }

std::string bounds_text(DurationBounds bounds) {
  return "`" + format_duration(bounds.min) + "` to `" + format_duration(bounds.max) + "`";
}

TEST(ConfigurationDocs, TableHasExactlyTheKeysOfTheReader) {
  std::vector<std::string> documented;
  for (const auto& row : key_rows()) documented.push_back(unquoted(row.at(0)));
  EXPECT_THAT(documented, UnorderedElementsAreArray(config_keys()));
}

TEST(ConfigurationDocs, TableStatesTheRealDefaultsAndBounds) {
  std::string defaults;
  for (const auto& row : key_rows()) {
    const std::string key = unquoted(row.at(0));
    if (key.find('.') != std::string::npos || row.at(1).front() != '`') continue;
    defaults += key + ": " + unquoted(row.at(1)) + "\n";
  }
  EXPECT_THAT(defaults, HasSubstr("max_loops: 1000\n"));
  const auto config = parse_config(defaults, "docs");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(*config, Config{});

  const std::vector<std::pair<std::string, DurationBounds>> bounds = {
      {"stall_threshold", kStallThresholdBounds},
      {"sample_interval", kSampleIntervalBounds},
      {"backlog_interval", kBacklogIntervalBounds},
      {"discovery_interval", kDiscoveryIntervalBounds},
      {"targets[].stall_threshold", kStallThresholdBounds}};
  for (const auto& row : key_rows()) {
    for (const auto& [key, range] : bounds) {
      if (unquoted(row.at(0)) != key) continue;
      EXPECT_THAT(row.at(2), HasSubstr(bounds_text(range))) << key;
    }
  }
  for (const auto& row : key_rows()) {
    const StallLogConfig stall_log;
    if (unquoted(row.at(0)) == "stall_log.max_size") {
      EXPECT_EQ(unquoted(row.at(1)), format_byte_size(stall_log.max_bytes));
      EXPECT_EQ(row.at(2), "`" + format_byte_size(kStallLogSizeBounds.min) + "` to `" +
                               format_byte_size(kStallLogSizeBounds.max) + "`");
    }
    if (unquoted(row.at(0)) == "stall_log.keep") {
      EXPECT_EQ(unquoted(row.at(1)), std::to_string(stall_log.keep));
      EXPECT_EQ(row.at(2), "1 to " + std::to_string(kMaxStallLogKeep));
    }
  }
}

TEST(ConfigurationDocs, TheQuotedErrorIsReal) {
  const auto refused = parse_config("\n\n\nstall_threshold: 50\n", "loopscope.yaml");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(read("docs/configuration.md"), HasSubstr("    " + refused.error().message + "\n"));
}

TEST(ConfigurationDocs, TheExampleIsValidAndShowsTheDefaults) {
  const auto example =
      read_config_file(std::string(LOOPSCOPE_SOURCE_DIR) + "/examples/loopscope.yaml");
  ASSERT_TRUE(example.ok()) << example.error().message;
  ASSERT_EQ(example->targets.size(), 3U);
  EXPECT_EQ(example->targets[0].labels.size(), 2U);
  EXPECT_TRUE(example->targets[1].process->matches("node --inspect dist/worker.js"));
  Config rest = *example;
  rest.targets.clear();
  EXPECT_EQ(rest, Config{});
}

TEST(ConfigurationDocs, TheExampleMentionsEveryKey) {
  const std::string example = read("examples/loopscope.yaml");
  for (const std::string& key : config_keys()) {
    EXPECT_THAT(example, HasSubstr(key.substr(key.rfind('.') + 1) + ":")) << key;
  }
}

}  // namespace
}  // namespace loopscope
