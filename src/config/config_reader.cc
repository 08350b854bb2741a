#include "config/config_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

#include "base/quoted_text.h"
#include "config/config_file.h"
#include "config/suggestion.h"
#include "config/values.h"
#include "config/yaml_tree.h"

namespace loopscope {
namespace {

Error at(const YamlNode& node, const std::string& message) {
  return Error{std::to_string(node.line) + ":" + std::to_string(node.column) + ": " + message};
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "nothing";
}

Result<void> expect(const YamlEntry& entry, YamlNode::Kind kind) {
  if (entry.value.kind == kind) return {};
  const YamlNode& where = entry.value.kind == YamlNode::Kind::kNull ? entry.key : entry.value;
  return at(where, entry.key.text + ": expected " + std::string(kind_name(kind)) + ", found " +
                       std::string(kind_name(entry.value.kind)));
}

/// Reads a scalar with one of the parsers of values.h.
template <typename Parse, typename Value, typename... Bounds>
Result<void> read_scalar(const YamlEntry& entry, Value& out, Parse parse, Bounds... bounds) {
  if (auto ok = expect(entry, YamlNode::Kind::kScalar); !ok) return ok;
  auto value = parse(entry.value.text, bounds...);
  if (!value) return at(entry.value, entry.key.text + ": " + value.error().message);
  out = *std::move(value);
  return {};
}

/// One key of a mapping and how its value gets into T.
template <typename T>
struct Field {
  std::string_view key;
  Result<void> (*read)(const YamlEntry& entry, T& out);
};

template <typename T>
Result<void> read_mapping(const YamlNode& mapping, std::span<const Field<T>> fields, T& out) {
  for (const YamlEntry& entry : mapping.entries) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field<T>& f) { return f.key == entry.key.text; });
    if (field == fields.end()) {
      std::vector<std::string_view> known;
      known.reserve(fields.size());
      for (const Field<T>& f : fields) known.push_back(f.key);
      std::string hint = did_you_mean(entry.key.text, known);
      if (hint.empty()) {
        hint = "; known here are";
        for (std::string_view key : known)
          hint += (key == known.front() ? " " : ", ") + std::string(key);
      }
      return at(entry.key, "unknown key " + quoted_text(entry.key.text) + hint);
    }
    if (auto ok = field->read(entry, out); !ok) return ok;
  }
  return {};
}

/// A key whose value is a mapping of its own.
template <typename T>
Result<void> read_section(const YamlEntry& entry, std::span<const Field<T>> fields, T& out) {
  if (auto ok = expect(entry, YamlNode::Kind::kMapping); !ok) return ok;
  return read_mapping<T>(entry.value, fields, out);
}

constexpr std::array<Field<SourceSwitches>, 3> kSourceFields = {{
    {"uv_stack",
     [](const YamlEntry& e, SourceSwitches& s) { return read_scalar(e, s.uv_stack, parse_bool); }},
    {"procfs",
     [](const YamlEntry& e, SourceSwitches& s) { return read_scalar(e, s.procfs, parse_bool); }},
    {"backlog",
     [](const YamlEntry& e, SourceSwitches& s) { return read_scalar(e, s.backlog, parse_bool); }},
}};

Result<void> read_sources(const YamlEntry& entry, Config& config) {
  SourceSwitches& sources = config.sources;
  if (auto ok = read_section<SourceSwitches>(entry, kSourceFields, sources); !ok) return ok;
  if (!sources.uv_stack && !sources.procfs && !sources.backlog) {
    return at(entry.value, "sources: all are switched off; at least one must be on");
  }
  return {};
}

constexpr std::array<Field<StackSwitches>, 4> kStackFields = {{
    {"enabled",
     [](const YamlEntry& e, StackSwitches& s) { return read_scalar(e, s.enabled, parse_bool); }},
    {"perf",
     [](const YamlEntry& e, StackSwitches& s) { return read_scalar(e, s.perf, parse_bool); }},
    {"sleeping",
     [](const YamlEntry& e, StackSwitches& s) { return read_scalar(e, s.sleeping, parse_bool); }},
    {"ptrace",
     [](const YamlEntry& e, StackSwitches& s) { return read_scalar(e, s.ptrace, parse_bool); }},
}};

Result<void> read_stacks(const YamlEntry& entry, Config& config) {
  StackSwitches& stacks = config.stacks;
  if (auto ok = read_section<StackSwitches>(entry, kStackFields, stacks); !ok) return ok;
  if (stacks.enabled && !stacks.perf && !stacks.sleeping && !stacks.ptrace) {
    return at(entry.value,
              "stacks: every way is switched off; switch one on, or all with enabled: false");
  }
  return {};
}

constexpr std::array<Field<StallLogConfig>, 3> kStallLogFields = {{
    {"file",
     [](const YamlEntry& e, StallLogConfig& s) { return read_scalar(e, s.file, parse_path); }},
    {"max_size",
     [](const YamlEntry& e, StallLogConfig& s) {
       return read_scalar(e, s.max_bytes, parse_bounded_size, kStallLogSizeBounds);
     }},
    {"keep", [](const YamlEntry& e,
                StallLogConfig& s) { return read_scalar(e, s.keep, parse_stall_log_keep); }},
}};

Result<void> read_stall_log(const YamlEntry& entry, Config& config) {
  return read_section<StallLogConfig>(entry, kStallLogFields, config.stall_log);
}

constexpr std::array<Field<CompatibilitySwitches>, 2> kCompatibilityFields = {{
    {"prom_client",
     [](const YamlEntry& e, CompatibilitySwitches& c) {
       return read_scalar(e, c.prom_client, parse_bool);
     }},
    {"opentelemetry",
     [](const YamlEntry& e, CompatibilitySwitches& c) {
       return read_scalar(e, c.opentelemetry, parse_bool);
     }},
}};

Result<void> read_compatibility(const YamlEntry& entry, Config& config) {
  return read_section<CompatibilitySwitches>(entry, kCompatibilityFields, config.compatibility);
}

constexpr std::array<Field<ContainerLabelSettings>, 2> kContainerLabelFields = {{
    {"enabled", [](const YamlEntry& e,
                   ContainerLabelSettings& c) { return read_scalar(e, c.enabled, parse_bool); }},
    {"names", [](const YamlEntry& e,
                 ContainerLabelSettings& c) { return read_scalar(e, c.names, parse_path); }},
}};

Result<void> read_container_labels(const YamlEntry& entry, Config& config) {
  return read_section<ContainerLabelSettings>(entry, kContainerLabelFields,
                                              config.container_labels);
}

Result<void> read_labels(const YamlEntry& entry, TargetConfig& target) {
  if (auto ok = expect(entry, YamlNode::Kind::kMapping); !ok) return ok;
  if (entry.value.entries.size() > kMaxLabels) {
    return at(entry.value, "labels: more than " + std::to_string(kMaxLabels) + " labels");
  }
  for (const YamlEntry& label : entry.value.entries) {
    const auto name = parse_label_name(label.key.text);
    if (!name) return at(label.key, "labels: " + name.error().message);
    std::string value;
    if (auto ok = read_scalar(label, value, parse_label_value); !ok) return ok;
    target.labels.emplace_back(*name, std::move(value));
  }
  std::sort(target.labels.begin(), target.labels.end());
  return {};
}

constexpr std::array<Field<TargetConfig>, 7> kTargetFields = {{
    {"name",
     [](const YamlEntry& e, TargetConfig& t) { return read_scalar(e, t.name, parse_label_value); }},
    {"pid", [](const YamlEntry& e, TargetConfig& t) { return read_scalar(e, t.pid, parse_pid); }},
    {"process", [](const YamlEntry& e,
                   TargetConfig& t) { return read_scalar(e, t.process, NamePattern::compile); }},
    {"port",
     [](const YamlEntry& e, TargetConfig& t) { return read_scalar(e, t.port, parse_port); }},
    {"labels", read_labels},
    {"stall_threshold",
     [](const YamlEntry& e, TargetConfig& t) {
       return read_scalar(e, t.stall_threshold, parse_bounded_duration, kStallThresholdBounds);
     }},
    {"internal_loops",
     [](const YamlEntry& e, TargetConfig& t) {
       return read_scalar(e, t.internal_loops, parse_bool);
     }},
}};

Result<void> read_targets(const YamlEntry& entry, Config& config) {
  if (auto ok = expect(entry, YamlNode::Kind::kSequence); !ok) return ok;
  if (entry.value.items.size() > kMaxTargets) {
    return at(entry.value, "targets: more than " + std::to_string(kMaxTargets) + " targets");
  }
  for (const YamlNode& item : entry.value.items) {
    if (item.kind != YamlNode::Kind::kMapping) {
      return at(item, "targets: expected a mapping such as {port: 3000}, found " +
                          std::string(kind_name(item.kind)));
    }
    TargetConfig target;
    if (auto ok = read_mapping<TargetConfig>(item, kTargetFields, target); !ok) return ok;
    if (!target.pid && !target.process && !target.port) {
      return at(item, "targets: this one selects nothing; give pid, process or port");
    }
    config.targets.push_back(std::move(target));
  }
  return {};
}

constexpr std::array<Field<Config>, 17> kConfigFields = {{
    {"listen",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.listen, parse_listen_address); }},
    {"web_config",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.web_config, parse_path); }},
    {"log_format",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.log_format, parse_log_format); }},
    {"log_level",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.log_level, parse_log_level); }},
    {"stall_threshold",
     [](const YamlEntry& e, Config& c) {
       return read_scalar(e, c.stall_threshold, parse_bounded_duration, kStallThresholdBounds);
     }},
    {"sample_interval",
     [](const YamlEntry& e, Config& c) {
       return read_scalar(e, c.sample_interval, parse_bounded_duration, kSampleIntervalBounds);
     }},
    {"backlog_interval",
     [](const YamlEntry& e, Config& c) {
       return read_scalar(e, c.backlog_interval, parse_bounded_duration, kBacklogIntervalBounds);
     }},
    {"discovery_interval",
     [](const YamlEntry& e, Config& c) {
       return read_scalar(e, c.discovery_interval, parse_bounded_duration,
                          kDiscoveryIntervalBounds);
     }},
    {"max_loops",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.max_loops, parse_max_loops); }},
    {"sources", read_sources},
    {"stacks", read_stacks},
    {"stall_log", read_stall_log},
    {"compatibility", read_compatibility},
    {"metrics", [](const YamlEntry& e,
                   Config& c) { return read_scalar(e, c.all_metrics, parse_metric_detail); }},
    {"pid_label",
     [](const YamlEntry& e, Config& c) { return read_scalar(e, c.pid_label, parse_bool); }},
    {"container_labels", read_container_labels},
    {"targets", read_targets},
}};

/// The value of `key`, else the whole mapping.
const YamlNode& value_of(const YamlNode& mapping, std::string_view key) {
  for (const YamlEntry& entry : mapping.entries) {
    if (entry.key.text == key) return entry.value;
  }
  return mapping;
}

Result<Config> read_document(std::string_view yaml) {
  const auto root = parse_yaml(yaml);
  if (!root) return root.error();
  Config config;
  if (root->kind == YamlNode::Kind::kNull) return config;
  if (root->kind != YamlNode::Kind::kMapping) {
    return at(*root, "expected settings such as \"stall_threshold: 50ms\", found " +
                         std::string(kind_name(root->kind)));
  }
  if (auto ok = read_mapping<Config>(*root, kConfigFields, config); !ok) return ok.error();
  if (auto ok = check_consistency(config); !ok) {
    // No stall threshold within bounds is too low for the default sample_interval.
    return at(value_of(*root, "sample_interval"), ok.error().message);
  }
  return config;
}

}  // namespace

Result<Config> parse_config(std::string_view yaml, const std::string& name) {
  auto config = read_document(yaml);
  if (!config) return Error{name + ":" + config.error().message};
  return config;
}

Result<Config> read_config_file(const std::string& path) {
  const auto text = read_text_file(path, kMaxYamlBytes);
  if (!text) return text.error();
  return parse_config(*text, path);
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  const auto add = [&keys](const std::string& prefix, const auto& fields) {
    for (const auto& field : fields) keys.push_back(prefix + std::string(field.key));
  };
  add("", kConfigFields);
  add("sources.", kSourceFields);
  add("stacks.", kStackFields);
  add("stall_log.", kStallLogFields);
  add("compatibility.", kCompatibilityFields);
  add("container_labels.", kContainerLabelFields);
  add("targets[].", kTargetFields);
  return keys;
}

}  // namespace loopscope
