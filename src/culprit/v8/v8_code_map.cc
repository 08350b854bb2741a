#include "culprit/v8/v8_code_map.h"

#include <algorithm>

namespace loopscope {

bool V8CodeMap::is_second_mapping(const Mapping& mapping) const {
  if (!mapping.executable || !mapping.is_file() || mapping.path != image_.path || !image_.elf) {
    return false;
  }
  if (image_.contains(mapping.start)) return false;
  const auto vaddr = image_.elf->offset_to_vaddr(mapping.offset);
  return vaddr && image_.to_runtime(*vaddr) != mapping.start;
}

V8CodeKind V8CodeMap::kind(std::uint64_t pc, const MemoryMap& map) const {
  const Mapping* mapping = map.find(pc);
  if (mapping == nullptr || !mapping->executable) return V8CodeKind::kNone;
  if (!mapping->is_file()) {
    const bool anonymous = mapping->path.empty() || mapping->path.starts_with("[anon");
    return anonymous ? V8CodeKind::kJit : V8CodeKind::kNative;
  }
  if (layout_.builtins_end != 0 && image_.contains(pc)) {
    const std::uint64_t vaddr = image_.to_vaddr(pc);
    if (vaddr >= layout_.builtins_start && vaddr < layout_.builtins_end) {
      return V8CodeKind::kBuiltins;
    }
  }
  return is_second_mapping(*mapping) ? V8CodeKind::kBuiltins : V8CodeKind::kNative;
}

bool V8CodeMap::knows_builtins(const MemoryMap& map) const {
  return layout_.builtins_end != 0 ||
         std::any_of(map.mappings().begin(), map.mappings().end(),
                     [&](const Mapping& mapping) { return is_second_mapping(mapping); });
}

}  // namespace loopscope
