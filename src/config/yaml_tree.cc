#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/quoted_text.h"

namespace loopscope {
namespace {

Error at(int line, int column, const std::string& message) {
  return Error{std::to_string(line) + ":" + std::to_string(column) + ": " + message};
}

/// Length of the well-formed UTF-8 sequence `text` starts with; 0: not UTF-8.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates and code points beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

/// yaml-cpp guesses other encodings and takes most control characters; neither belongs
/// into a configuration file.
std::optional<Error> not_text(std::string_view text) {
  int line = 1;
  int column = 1;
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte == 0x7F || (byte < 0x20 && c != '\n' && c != '\t' && c != '\r');
    if (length == 0 || control) {
      return at(line, column, "this is not a text file: expected UTF-8 without control characters");
    }
    text.remove_prefix(length);
    column = c == '\n' ? 1 : column + 1;
    if (c == '\n') ++line;
  }
  return std::nullopt;
}

/// Builds the tree from yaml-cpp's events. Its way to stop the parser is the parser's
/// own exception, caught in parse_yaml().
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail(mark, "a second document; only one is allowed");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(mark, YamlNode::Kind::kNull), anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node = make(mark, YamlNode::Kind::kScalar);
    node.text = value;
    add(std::move(node), anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) fail(mark, "an alias inside what it stands for");
    const std::size_t copied = count(known->second);
    if (nodes_ + copied > kMaxYamlNodes) fail_too_many(mark);
    if (depth(known->second) + open_.size() > kMaxYamlDepth) fail_too_deep(mark);
    nodes_ += copied;
    attach(YamlNode(known->second), mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    std::optional<YamlNode> key;  ///< of a mapping: read, its value not yet
  };

  [[noreturn]] static void fail(const YAML::Mark& mark, const std::string& message) {
    throw YAML::ParserException(mark, message);
  }
  [[noreturn]] static void fail_too_many(const YAML::Mark& mark) {
    fail(mark, "too much: more than " + std::to_string(kMaxYamlNodes) + " values");
  }
  [[noreturn]] static void fail_too_deep(const YAML::Mark& mark) {
    fail(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are yaml-cpp's words for plain and quoted.
    if (!tag.empty() && tag != "?" && tag != "!") {
      fail(mark, "tags such as " + quoted_text(tag) + " are not supported");
    }
  }
  static std::size_t count(const YamlNode& node) {
    std::size_t total = 1;
    for (const YamlNode& item : node.items) total += count(item);
    for (const YamlEntry& entry : node.entries) total += 1 + count(entry.value);
    return total;
  }
  static std::size_t depth(const YamlNode& node) {
    std::size_t deepest = 0;
    for (const YamlNode& item : node.items) deepest = std::max(deepest, depth(item));
    for (const YamlEntry& entry : node.entries) deepest = std::max(deepest, depth(entry.value));
    return deepest + 1;
  }

  YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kMaxYamlNodes) fail_too_many(mark);
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    refuse_tag(mark, tag);
    if (open_.size() >= kMaxYamlDepth) fail_too_deep(mark);
    open_.push_back({make(mark, kind), anchor, mark, std::nullopt});
  }

  void close() {
    Open finished = std::move(open_.back());
    open_.pop_back();
    add(std::move(finished.node), finished.anchor, finished.mark);
  }

  void add(YamlNode node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    attach(std::move(node), mark);
  }

  void attach(YamlNode node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key) {
      parent.node.entries.push_back({std::move(*parent.key), std::move(node)});
      parent.key.reset();
    } else {
      check_key(parent.node, node, mark);
      parent.key = std::move(node);
    }
  }

  static void check_key(const YamlNode& mapping, const YamlNode& key, const YAML::Mark& mark) {
    if (key.kind != YamlNode::Kind::kScalar) fail(mark, "a key must be a plain word");
    for (const YamlEntry& entry : mapping.entries) {
      if (entry.key.text != key.text) continue;
      fail(mark, quoted_text(key.text) + " is given twice; first in line " +
                     std::to_string(entry.key.line));
    }
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

}  // namespace

Error error_at(const std::string& name, const YamlNode& node, const std::string& message) {
  return Error{name + ":" + at(node.line, node.column, message).message};
}

Result<YamlNode> parse_yaml(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return at(1, 1, "larger than " + std::to_string(kMaxYamlBytes) + " bytes");
  }
  if (auto error = not_text(text)) return *error;
  // yaml-cpp 0.7 accepts a quote left open when the text ends with a line break.
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_root();
  } catch (const YAML::Exception& error) {
    const int line = std::max(error.mark.line, 0) + 1;
    const int column = std::max(error.mark.column, 0) + 1;
    return at(line, column, error.msg);
  } catch (const std::exception& error) {
    return at(1, 1, std::string("cannot be read as YAML: ") + error.what());
  }
}

}  // namespace loopscope
