#include "culprit/v8/v8_code_map.h"

#include <optional>

namespace loopscope {

V8CodeKind V8CodeMap::kind(std::uint64_t pc, const MemoryMap& map) const {
  const Mapping* mapping = map.find(pc);
  if (mapping == nullptr || !mapping->executable) return V8CodeKind::kNone;
  if (!mapping->is_file()) {
    const bool anonymous = mapping->path.empty() || mapping->path.starts_with("[anon");
    return anonymous ? V8CodeKind::kJit : V8CodeKind::kNative;
  }
  if (image_.contains(pc)) {
    const V8Builtins& builtins = builtins_of(map);
    const std::uint64_t vaddr = image_.to_vaddr(pc);
    const bool in_builtins = vaddr >= builtins.start && vaddr < builtins.end;
    return in_builtins ? V8CodeKind::kBuiltins : V8CodeKind::kNative;
  }
  return is_second_mapping(*mapping) ? V8CodeKind::kBuiltins : V8CodeKind::kNative;
}

bool V8CodeMap::is_second_mapping(const Mapping& mapping) const {
  if (mapping.path != image_.path || !image_.elf) return false;
  const auto vaddr = image_.elf->offset_to_vaddr(mapping.offset);
  return vaddr && image_.to_runtime(*vaddr) != mapping.start;
}

const V8Builtins& V8CodeMap::builtins_of(const MemoryMap& map) const {
  if (builtins_.end == 0) {
    const Mapping* second = find_second_mapping(image_, map);
    const auto found = second != nullptr ? builtins_of_mapping(image_, *second) : std::nullopt;
    if (found) builtins_ = *found;
  }
  return builtins_;
}

bool V8CodeMap::is_handler(std::uint64_t pc, const MemoryMap& map) const {
  if (handlers_start_ == 0 || kind(pc, map) != V8CodeKind::kBuiltins) return false;
  std::optional<std::uint64_t> vaddr = image_.to_vaddr(pc);
  if (!image_.contains(pc)) {
    const Mapping* mapping = map.find(pc);
    vaddr = image_.elf->offset_to_vaddr(mapping->offset + (pc - mapping->start));
  }
  return vaddr && *vaddr >= handlers_start_ && *vaddr < builtins_of(map).end;
}

bool V8CodeMap::knows_builtins(const MemoryMap& map) const { return builtins_of(map).end != 0; }

}  // namespace loopscope
