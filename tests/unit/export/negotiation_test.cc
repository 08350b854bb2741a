#include "export/negotiation.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(PrefersOpenMetrics, OnlyWhenAskedFor) {
  EXPECT_FALSE(prefers_open_metrics(""));
  EXPECT_FALSE(prefers_open_metrics("*/*"));
  EXPECT_FALSE(prefers_open_metrics("text/html,application/xhtml+xml,*/*;q=0.8"));
  EXPECT_TRUE(prefers_open_metrics("application/openmetrics-text"));
  EXPECT_TRUE(prefers_open_metrics("Application/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8"));
  EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text; version=2.0.0"));
}

TEST(PrefersOpenMetrics, UnderstandsPrometheus) {
  EXPECT_TRUE(prefers_open_metrics(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
      "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  EXPECT_FALSE(prefers_open_metrics("text/plain;version=0.0.4;q=1,*/*;q=0.1"));
}

TEST(PrefersOpenMetrics, GoesByWeight) {
  EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0.5,text/plain"));
  EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0"));
  EXPECT_TRUE(prefers_open_metrics("text/*;q=0.2, application/openmetrics-text;q=0.3"));
  EXPECT_TRUE(prefers_open_metrics("text/plain;q=0.123, application/openmetrics-text;q=0.124"));
}

TEST(PrefersOpenMetrics, GarbageIsTheTextFormat) {
  for (const char* garbage : {",,;;=", "application/openmetrics-text;q=x",
                              "application/openmetrics-text;q=-1", ";q=1", "q"}) {
    EXPECT_FALSE(prefers_open_metrics(garbage)) << garbage;
  }
}

TEST(AcceptsGzip, FollowsTheHeader) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, GZIP;q=0.5"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("*;q=1, gzip;q=0.0"));
  EXPECT_FALSE(accepts_gzip("gzippy"));
}

}  // namespace
}  // namespace loopscope
