#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loopscope {

struct YamlEntry;

/// One value of a YAML document and where it stands.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  int line = 1;  ///< of its first character, from 1
  int column = 1;
  std::string text;                ///< of a scalar, quotes removed
  std::vector<YamlNode> items;     ///< of a sequence
  std::vector<YamlEntry> entries;  ///< of a mapping, in the order of the document
};

struct YamlEntry {
  YamlNode key;  ///< a scalar, unique in its mapping
  YamlNode value;
};

inline constexpr std::size_t kMaxYamlBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxYamlNodes = 20'000;  ///< with every alias written out
inline constexpr std::size_t kMaxYamlDepth = 16;

/// Reads one YAML document; aliases are replaced by what they stand for. An empty
/// document is a null node. Never throws. Errors begin with "LINE:COLUMN: ": not UTF-8
/// text, bad syntax, duplicate or non-scalar keys, tags, a second document, more bytes,
/// nodes or levels than the limits above.
Result<YamlNode> parse_yaml(std::string_view text);

/// "NAME:LINE:COLUMN: MESSAGE", `name` standing for the file and the place being the node's.
Error error_at(const std::string& name, const YamlNode& node, const std::string& message);

}  // namespace loopscope
