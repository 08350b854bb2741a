#include "culprit/v8/v8_function.h"

#include "culprit/v8/v8_string.h"

namespace loopscope {
namespace {

constexpr std::uint32_t kFirstWord = 8;
constexpr std::uint32_t kSavedClassVariable = 1U << 10;
constexpr std::uint32_t kFunctionVariable = 3U << 12;
constexpr std::uint32_t kInferredName = 1U << 14;
// With more local variables their names stand in a hash table of their own.
constexpr std::uint32_t kMaxInlinedLocals = 75;
constexpr std::uint32_t kMaxLocals = 100000;
constexpr std::uint32_t kLocalCountWord = 2;
constexpr std::uint32_t kStartWord = 3;
constexpr std::uint16_t kNoTokenOffset = 0xffff;

struct ScopeFacts {
  std::string name;
  std::optional<std::uint32_t> start;
};

std::uint32_t word_offset(std::uint32_t index) { return kFirstWord + index * 8; }

/// A ScopeInfo is a row of words whose places depend on its flags and on how many local
/// variables there are.
std::optional<ScopeFacts> read_scope(const V8Heap& heap, const V8Object& scope) {
  const V8Layout& layout = heap.layout();
  const auto raw_flags = heap.field(scope, word_offset(0));
  const auto locals = heap.smi_field(scope, word_offset(kLocalCountWord));
  if (!raw_flags || !locals || *locals < 0) return std::nullopt;
  const auto count = static_cast<std::uint32_t>(*locals);
  if (count > kMaxLocals) return std::nullopt;
  const std::uint32_t flags = layout.scope_has_start_in_front
                                  ? static_cast<std::uint32_t>(*raw_flags)
                                  : static_cast<std::uint32_t>(V8Heap::smi_value(*raw_flags));
  std::uint32_t at = layout.scope_first_vars + count;
  at += count > kMaxInlinedLocals ? 1 : count;
  if ((flags & kSavedClassVariable) != 0) ++at;
  ScopeFacts facts;
  if ((flags & kFunctionVariable) != 0) {
    const auto name = heap.field(scope, word_offset(at));
    if (!name) return std::nullopt;
    // A Smi says that there is no name.
    if (!V8Heap::is_smi(*name)) {
      const auto text = read_string(heap, *name);
      if (!text) return std::nullopt;
      facts.name = *text;
    }
    at += 2;
  }
  if ((flags & kInferredName) != 0) {
    const auto name = heap.field(scope, word_offset(at));
    if (!name) return std::nullopt;
    if (facts.name.empty()) facts.name = read_string(heap, *name).value_or("");
    ++at;
  }
  const auto start =
      heap.smi_field(scope, word_offset(layout.scope_has_start_in_front ? kStartWord : at));
  if (start && *start >= 0) facts.start = static_cast<std::uint32_t>(*start);
  return facts;
}

/// The SharedFunctionInfo, where `tagged` may be a wrapper of it.
std::optional<V8Object> unwrapped(const V8Heap& heap, std::uint64_t tagged) {
  const V8Layout& layout = heap.layout();
  auto shared = heap.object(tagged);
  if (shared && layout.type_shared_function_info_wrapper != 0 &&
      shared->type == layout.type_shared_function_info_wrapper) {
    const auto inner = heap.field(*shared, layout.wrapper_shared);
    if (!inner) return std::nullopt;
    shared = heap.object(*inner);
  }
  if (!shared || shared->type != layout.type_shared_function_info) return std::nullopt;
  return shared;
}

}  // namespace

std::optional<std::uint64_t> shared_of(const V8Heap& heap, const V8Object& function) {
  return heap.field(function, heap.layout().function_shared);
}

std::optional<V8Object> bytecodes_of(const V8Heap& heap, std::uint64_t tagged_shared) {
  const V8Layout& layout = heap.layout();
  const auto shared = unwrapped(heap, tagged_shared);
  if (!shared) return std::nullopt;
  auto word = heap.field(*shared, kFirstWord);
  // A function with baseline code has that there, and that has the bytecodes.
  if (const auto code = word ? heap.object_of(*word, layout.type_code) : std::nullopt) {
    word = heap.field(*code, layout.code_deopt_data);
  }
  return word ? heap.object_of(*word, layout.type_bytecode_array) : std::nullopt;
}

std::optional<V8Function> read_function(const V8Heap& heap, std::uint64_t tagged) {
  const V8Layout& layout = heap.layout();
  const auto shared = unwrapped(heap, tagged);
  if (!shared) return std::nullopt;
  V8Function function;
  function.shared = *shared;
  const auto name = heap.field(*shared, layout.shared_name);
  const auto script = heap.field(*shared, layout.shared_script);
  if (!name || !script) return std::nullopt;
  if (!V8Heap::is_smi(*name)) {
    const auto object = heap.object(*name);
    if (!object) return std::nullopt;
    if (heap.is_string(*object)) {
      const auto text = read_string(heap, *name);
      if (!text) return std::nullopt;
      function.name = *text;
    } else if (object->type == layout.type_scope_info) {
      const auto facts = read_scope(heap, *object);
      if (!facts) return std::nullopt;
      function.name = facts->name;
      function.start = facts->start;
    } else {
      return std::nullopt;
    }
  }
  if (function.name.empty()) function.name = "<anonymous>";
  if (function.start) {
    const auto token =
        heap.memory().read_value<std::uint16_t>(shared->address + layout.shared_token_offset);
    if (token && *token != kNoTokenOffset && *token <= *function.start) *function.start -= *token;
  }
  function.script = heap.object_of(*script, layout.type_script);
  return function;
}

}  // namespace loopscope
