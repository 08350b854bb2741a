#include "culprit/v8/v8_heap.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kTagMask = 3;

std::uint64_t untagged(std::uint64_t word) { return word & ~kTagMask; }

}  // namespace

std::optional<V8Object> V8Heap::object(std::uint64_t tagged) const {
  if (!is_pointer(tagged)) return std::nullopt;
  V8Object object{untagged(tagged), 0};
  auto map = word(object.address);
  if (map && is_smi(*map) && is_pointer(*map | 1)) {
    object.address = untagged(*map);
    map = word(object.address);
  }
  if (!map || !is_pointer(*map)) return std::nullopt;
  const auto type = type_of_map(untagged(*map));
  if (!type) return std::nullopt;
  object.type = *type;
  return object;
}

std::optional<std::uint16_t> V8Heap::type_of_map(std::uint64_t map) const {
  const auto known = types_.find(map);
  if (known != types_.end()) return known->second;
  const auto type = memory_.read_value<std::uint16_t>(map + layout_.map_instance_type);
  if (type) types_.emplace(map, *type);
  return type;
}

std::optional<V8Object> V8Heap::object_of(std::uint64_t tagged, std::uint16_t type) const {
  const auto found = object(tagged);
  return found && found->type == type ? found : std::nullopt;
}

std::optional<V8Object> V8Heap::function(std::uint64_t tagged) const {
  const auto found = object(tagged);
  if (!found || found->type < layout_.type_js_function_first ||
      found->type > layout_.type_js_function_last) {
    return std::nullopt;
  }
  return found;
}

std::optional<std::int32_t> V8Heap::smi_field(const V8Object& object, std::uint32_t offset) const {
  const auto value = field(object, offset);
  if (!value || !is_smi(*value)) return std::nullopt;
  return smi_value(*value);
}

std::optional<std::uint32_t> V8Heap::array_length(const V8Object& array) const {
  const auto length = smi_field(array, layout_.array_length);
  if (!length || *length < 0) return std::nullopt;
  return static_cast<std::uint32_t>(*length);
}

std::optional<std::uint64_t> V8Heap::array_element(const V8Object& array,
                                                   std::uint32_t index) const {
  const auto length = array_length(array);
  if (!length || index >= *length) return std::nullopt;
  return word(array.address + layout_.array_data + std::uint64_t{index} * 8);
}

}  // namespace loopscope
