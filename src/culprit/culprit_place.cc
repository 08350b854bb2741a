#include "culprit/culprit_place.h"

#include <algorithm>

#include "base/kept_end.h"

namespace loopscope {
namespace {

/// A label value is not longer; names that are the same as labels must be one key.
constexpr std::size_t kLongestName = 256;

bool continues_character(char byte) { return (byte & 0xC0) == 0x80; }  // UTF-8

std::string with_its_beginning(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  std::size_t end = kLongestName;
  while (end > 0 && continues_character(name[end])) --end;
  return name.substr(0, end);
}

bool is_of_application(const StackFrame& frame) {
  return frame.kind == "js" && !frame.function.empty() && !frame.file.empty() &&
         !frame.file.starts_with("node:") && package_of(frame.file).empty();
}

const StackFrame* application_frame(const ResolvedStack& stack, const StackFrame* blamed) {
  if (blamed == nullptr || blamed->kind != "js") return blamed;
  const StackFrame* const end = stack.frames.data() + stack.frames.size();
  const StackFrame* const found = std::find_if(blamed, end, is_of_application);
  return found == end ? blamed : found;
}

}  // namespace

std::string_view package_of(std::string_view file) {
  constexpr std::string_view kFolder = "/node_modules/";
  const std::size_t at = file.rfind(kFolder);
  if (at == std::string_view::npos) return {};
  const std::string_view inside = file.substr(at + kFolder.size());
  std::size_t end = inside.find('/');
  if (end != std::string_view::npos && inside.starts_with('@')) end = inside.find('/', end + 1);
  // A file right in node_modules is of no package.
  return end == std::string_view::npos ? std::string_view() : inside.substr(0, end);
}

const StackFrame* blamed_frame(const ResolvedStack& stack) {
  if (!stack.has_name()) return nullptr;
  const auto found = std::ranges::find_if(stack.frames, [&](const StackFrame& frame) {
    return frame.function == stack.function && frame.file == stack.file && frame.line == stack.line;
  });
  return found == stack.frames.end() ? nullptr : &*found;
}

CulpritKey culprit_key_of(const ResolvedStack& stack) {
  CulpritKey key;
  key.package = with_its_beginning(std::string(package_of(stack.file)));
  if (const StackFrame* frame = application_frame(stack, blamed_frame(stack))) {
    key.function = with_its_beginning(frame->function);
    key.file = kept_end(frame->file, kLongestName);
    key.line = frame->function_line;
  } else {
    key.function = with_its_beginning(stack.function);
    key.file = kept_end(stack.file, kLongestName);
  }
  return key;
}

}  // namespace loopscope
