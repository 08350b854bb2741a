#include "export/exposition.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "export/metric_catalogue.h"

namespace loopscope {
namespace {

constexpr std::string_view kTotal = "_total";

enum class Format { kText, kOpenMetrics };

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

// The shortest text that reads back as the same number; whole ones without exponent.
void append_number(std::string& out, double value) {
  constexpr double kWhole = 1e15;
  if (value >= 0 && value < kWhole && value == std::floor(value)) {
    append_number(out, static_cast<std::uint64_t>(value));
  } else if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
  } else {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out.append(buffer.data(), end);
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

/// Writes one family.
class FamilyWriter {
 public:
  FamilyWriter(std::string& out, Format format, const prometheus::MetricFamily& family)
      : out_(out), format_(format), family_(family), name_(family.name) {
    const bool counter = family.type == prometheus::MetricType::Counter;
    if (format == Format::kOpenMetrics && counter && name_.ends_with(kTotal)) {
      name_.remove_suffix(kTotal.size());
      value_suffix_ = kTotal;
    }
  }

  void write() {
    header();
    for (const auto& series : family_.metric) {
      render_labels(series);
      switch (family_.type) {
        case prometheus::MetricType::Counter:
          line(value_suffix_, series.counter.value);
          break;
        case prometheus::MetricType::Histogram:
          histogram(series.histogram);
          break;
        default:  // the catalogue has nothing but gauges beside these
          line(value_suffix_, series.gauge.value);
      }
    }
  }

 private:
  void header() {
    // Help texts are ours and plain: nothing in them to escape.
    metadata("HELP", family_.help);
    switch (family_.type) {
      case prometheus::MetricType::Counter:
        metadata("TYPE", "counter");
        break;
      case prometheus::MetricType::Histogram:
        metadata("TYPE", "histogram");
        break;
      default:
        metadata("TYPE", "gauge");
    }
    if (format_ != Format::kOpenMetrics) return;
    for (const MetricSpec& spec : metric_catalogue()) {
      if (spec.name == family_.name && !spec.unit.empty()) metadata("UNIT", spec.unit);
    }
  }

  void metadata(std::string_view keyword, std::string_view text) {
    out_.append("# ").append(keyword).append(1, ' ').append(name_).append(1, ' ');
    out_.append(text).append(1, '\n');
  }

  void render_labels(const prometheus::ClientMetric& series) {
    labels_.clear();
    for (const auto& label : series.label) {
      labels_ += labels_.empty() ? '{' : ',';
      labels_.append(label.name).append("=\"");
      append_escaped(labels_, label.value);
      labels_ += '"';
    }
  }

  template <typename Number>
  void line(std::string_view suffix, Number value, const double* le = nullptr) {
    out_.append(name_).append(suffix).append(labels_);
    if (le != nullptr) {
      out_.append(labels_.empty() ? "{le=\"" : ",le=\"");
      bound(*le);
      out_ += '"';
    }
    out_.append(labels_.empty() && le == nullptr ? " " : "} ");
    append_number(out_, value);
    out_ += '\n';
  }

  void bound(double value) {
    const std::size_t start = out_.size();
    append_number(out_, value);
    // OpenMetrics writes every bound as a float, so that equal ones look equal.
    if (format_ != Format::kOpenMetrics) return;
    if (out_.find_first_of(".eIN", start) == std::string::npos) out_ += ".0";
  }

  void histogram(const prometheus::ClientMetric::Histogram& histogram) {
    line("_count", histogram.sample_count);
    line("_sum", histogram.sample_sum);
    for (const auto& bucket : histogram.bucket) {
      line("_bucket", bucket.cumulative_count, &bucket.upper_bound);
    }
    const double infinity = HUGE_VAL;
    line("_bucket", histogram.sample_count, &infinity);
  }

  std::string& out_;
  Format format_;
  const prometheus::MetricFamily& family_;
  std::string_view name_;          ///< of the family, as this format has it
  std::string_view value_suffix_;  ///< of a series with one value
  std::string labels_;             ///< of the current series, without the closing brace
};

// Growing a text of a megabyte step by step costs as much as writing it.
std::size_t expected_size(const std::vector<prometheus::MetricFamily>& families) {
  constexpr std::size_t kLine = 150;
  std::size_t lines = 0;
  for (const auto& family : families) {
    lines += 3;
    for (const auto& series : family.metric) lines += 1 + series.histogram.bucket.size();
  }
  return lines * kLine;
}

std::string exposition(Format format, const std::vector<prometheus::MetricFamily>& families) {
  std::string out;
  out.reserve(expected_size(families));
  for (const auto& family : families) FamilyWriter(out, format, family).write();
  return out;
}

}  // namespace

std::string text_exposition(const std::vector<prometheus::MetricFamily>& families) {
  return exposition(Format::kText, families);
}

std::string open_metrics_exposition(const std::vector<prometheus::MetricFamily>& families) {
  return exposition(Format::kOpenMetrics, families) + "# EOF\n";
}

}  // namespace loopscope
