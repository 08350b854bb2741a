#include "export/json_api.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "unit/export/sample_snapshot.h"

namespace loopscope {
namespace {

using nlohmann::json;

constexpr std::chrono::system_clock::time_point kTakenAt{std::chrono::milliseconds(1700000000250)};

TEST(StallsJson, HasTheFieldsOfTheContract) {
  EXPECT_EQ(json::parse(stalls_json({test::sample_stall()})), json::parse(R"([{
    "id": 9, "process": "shop", "slot": 3, "pid": 42, "loop": "main", "labels": {"pod": "shop-0"},
    "started_at": "2023-11-14T22:13:20.007Z", "duration_seconds": 1.5, "in_progress": true,
    "phase": "poll", "cause": "cpu",
    "causes": {"cpu": 1.4, "gc": 0.1, "blocked": 0.0, "starved": 0.0, "stopped": 0.0,
               "unknown": 0.0},
    "function": "compute", "file": "/srv/app.js", "line": 10, "generated_line": null,
    "detail": "read /tmp/fifo",
    "stack": [{"kind": "js", "function": "compute", "file": "/srv/app.js", "line": 10,
               "function_line": 7, "generated_line": null},
              {"kind": "unknown", "function": null, "file": null, "line": null,
               "function_line": null, "generated_line": null}]}])"));
}

TEST(StallsJson, ALineOfGeneratedTextIsGivenApart) {
  StallRecord stall = test::sample_stall();
  stall.line = 0;
  stall.generated_line = 31;
  const json told = json::parse(stall_json(stall));
  EXPECT_TRUE(told["line"].is_null());
  EXPECT_EQ(told["generated_line"], 31);
}

TEST(StallsJson, OneStallIsOneLineOfTheSameForm) {
  StallRecord stall = test::sample_stall();
  stall.function = "two\nlines";
  const std::string line = stall_json(stall);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ("[" + line + "]", stalls_json({stall}));
}

TEST(StallsJson, WhatIsNotKnownIsNull) {
  const json parsed = json::parse(stall_json({}));
  for (const char* field : {"function", "file", "line", "detail"}) {
    EXPECT_TRUE(parsed.at(field).is_null()) << field;
  }
  EXPECT_EQ(parsed["stack"], json::array());
}

TEST(StallsJson, KeepsTheOrderAndIsAnArrayWhenEmpty) {
  EXPECT_EQ(stalls_json({}), "[]");
  StallRecord second = test::sample_stall();
  second.id = 8;
  const json parsed = json::parse(stalls_json({test::sample_stall(), second}));
  EXPECT_EQ(parsed[0]["id"], 9);
  EXPECT_EQ(parsed[1]["id"], 8);
}

TEST(StallsJson, TimesBeforeTheEpochAreStillTimes) {
  StallRecord stall = test::sample_stall();
  stall.started_at = std::chrono::system_clock::time_point(std::chrono::milliseconds(-1));
  EXPECT_EQ(json::parse(stalls_json({stall}))[0]["started_at"], "1969-12-31T23:59:59.999Z");
}

TEST(LoopsJson, ShowsLoopsListenersAndSources) {
  const json parsed = json::parse(loops_json(test::sample_snapshot(), kTakenAt));
  EXPECT_EQ(parsed["time"], "2023-11-14T22:13:20.250Z");
  EXPECT_EQ(parsed["targets"], 2);
  const json& loop = parsed["loops"][0];
  EXPECT_EQ(loop["process"], "shop");
  EXPECT_EQ(loop["pid"], 42);
  EXPECT_EQ(loop["slot"], 0);
  EXPECT_EQ(loop["loop"], "main");
  EXPECT_EQ(loop["labels"], json({{"team", "checkout"}}));
  EXPECT_EQ(loop["source"], "uv_stack");
  EXPECT_EQ(loop["phase"], "poll");
  EXPECT_EQ(loop["blocked_seconds"], 0.3);
  EXPECT_EQ(loop["stall_threshold_seconds"], 0.05);
  EXPECT_EQ(loop["lag_max_seconds"], 0.5);
  EXPECT_TRUE(parsed["loops"][1]["blocked_seconds"].is_null()) << "not known";
  EXPECT_TRUE(parsed["loops"][1]["lag_max_seconds"].is_null()) << "not known";
  // Of the sample's buckets (.1, .25] has 50 and (10, inf) one; (.05, .1] is not late.
  EXPECT_EQ(loop["lag"], json({{"sum_seconds", 22.5}, {"count", 976}, {"over_100ms", 51}}));
  EXPECT_EQ(parsed["loops"][1]["lag"]["over_100ms"], 0);
  EXPECT_EQ(loop["active_seconds"], 0.673);
  EXPECT_EQ(loop["idle_seconds"], 9.0);
  EXPECT_EQ(loop["phase_seconds"].size(), kPhaseCount);
  EXPECT_EQ(loop["phase_seconds"]["poll"], 0.4);
  EXPECT_EQ(loop["iterations"], 12345);
  EXPECT_EQ(loop["stalls"], 3);
  EXPECT_EQ(loop["stall_seconds"], 2.2);
  EXPECT_TRUE(loop["note"].is_null());
  EXPECT_TRUE(parsed["loops"][1]["iterations"].is_null());
  EXPECT_EQ(parsed["loops"][1]["note"], "no uv_run in the image");
  EXPECT_EQ(parsed["listeners"][0]["listener"], "127.0.0.1:3000");
  EXPECT_EQ(parsed["listeners"][0]["depth"], 512);
  EXPECT_EQ(parsed["listeners"][0]["limit"], 511);
  EXPECT_TRUE(parsed["listeners"][0]["unread"].is_null());
  EXPECT_EQ(parsed["sources"][1]["success"], false);
  EXPECT_EQ(parsed["sources"][1]["reason"], "netlink: Operation not permitted");
}

TEST(LoopsJson, AnEmptySnapshotHasEmptyArrays) {
  EXPECT_EQ(
      loops_json({}, kTakenAt),
      R"({"time":"2023-11-14T22:13:20.250Z","targets":0,"loops":[],"listeners":[],"sources":[]})");
}

TEST(Json, HostileStringsComeOutAsValidJson) {
  Snapshot snapshot = test::sample_snapshot();
  snapshot.loops[0].labels.process = "</script>\"\n\xFF\xC3";
  snapshot.loops[0].labels.extra = {{"\xFF", "\x80"}};
  EXPECT_EQ(json::parse(loops_json(snapshot, kTakenAt))["loops"][0]["process"],
            "</script>\"\n\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(error_json("\xFE"), "{\"error\":\"\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace loopscope
