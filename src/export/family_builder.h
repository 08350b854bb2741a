#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <array>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/snapshot.h"
#include "export/metric_catalogue.h"

namespace loopscope {

/// Collects series and hands them out as families in catalogue order, each name once.
class FamilyBuilder {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  FamilyBuilder();

  /// One series: `base` labels, then the metric's own, whose `values` stand in
  /// catalogue order and must be clean already.
  void gauge(MetricId id, const Labels& base, double value,
             std::initializer_list<std::string_view> values = {});
  void counter(MetricId id, const Labels& base, double value,
               std::initializer_list<std::string_view> values = {});
  void histogram(MetricId id, const Labels& base, const HistogramSnapshot& snapshot);

  /// The families that have series.
  std::vector<prometheus::MetricFamily> take() &&;

 private:
  prometheus::ClientMetric& add(MetricId id, const Labels& base,
                                std::initializer_list<std::string_view> values);

  std::array<prometheus::MetricFamily, kMetricCount> families_;
};

}  // namespace loopscope
