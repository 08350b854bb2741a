#include "export/family_builder.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace loopscope {

FamilyBuilder::FamilyBuilder() {
  for (std::size_t i = 0; i < families_.size(); ++i) {
    const MetricSpec& spec = metric_catalogue()[i];
    families_[i].name = spec.name;
    families_[i].help = spec.help;
    families_[i].type = spec.type;
  }
}

prometheus::ClientMetric& FamilyBuilder::add(MetricId id, const Labels& base,
                                             std::initializer_list<std::string_view> values) {
  const MetricSpec& spec = metric(id);
  assert(values.size() <= spec.labels.size());
  auto& series = families_[static_cast<std::size_t>(id)].metric.emplace_back();
  series.label.reserve(base.size() + values.size());
  series.label = base;
  const auto* name = spec.labels.begin();
  for (const std::string_view value : values) {
    series.label.push_back({std::string(*name++), std::string(value)});
  }
  return series;
}

void FamilyBuilder::gauge(MetricId id, const Labels& base, double value,
                          std::initializer_list<std::string_view> values) {
  add(id, base, values).gauge.value = value;
}

void FamilyBuilder::counter(MetricId id, const Labels& base, double value,
                            std::initializer_list<std::string_view> values) {
  add(id, base, values).counter.value = value;
}

void FamilyBuilder::histogram(MetricId id, const Labels& base, const HistogramSnapshot& snapshot) {
  auto& out = add(id, base, {}).histogram;
  out.bucket.reserve(snapshot.bounds.size());
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    total += snapshot.counts[i];
    if (i < snapshot.bounds.size()) out.bucket.push_back({total, snapshot.bounds[i]});
  }
  // The writers show this as the +Inf bucket and as _count: the two must agree.
  out.sample_count = total;
  out.sample_sum = snapshot.sum;
}

std::vector<prometheus::MetricFamily> FamilyBuilder::take() && {
  std::vector<prometheus::MetricFamily> out;
  out.reserve(families_.size());
  for (auto& family : families_) {
    if (!family.metric.empty()) out.push_back(std::move(family));
  }
  return out;
}

}  // namespace loopscope
