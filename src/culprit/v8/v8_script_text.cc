#include "culprit/v8/v8_script_text.h"

#include <algorithm>
#include <span>
#include <vector>

namespace loopscope {

std::optional<V8ScriptText> script_text_of(const V8Heap& heap, std::uint64_t script_address) {
  const V8Layout& layout = heap.layout();
  const auto script = heap.object_of(script_address + 1, layout.type_script);
  const auto source = script ? heap.field(*script, layout.script_source) : std::nullopt;
  const auto characters = source ? flat_characters(heap, *source) : std::nullopt;
  if (!characters) return std::nullopt;
  return V8ScriptText{heap.smi_field(*script, layout.script_id).value_or(-1), *characters};
}

std::optional<std::u16string> read_units(const MemoryReader& memory, const V8Characters& characters,
                                         std::size_t limit) {
  std::u16string units(std::min<std::size_t>(characters.length, limit), u'\0');
  if (units.empty()) return units;
  if (!characters.one_byte) {
    if (!memory.read(characters.address, std::as_writable_bytes(std::span(units)))) {
      return std::nullopt;
    }
    return units;
  }
  std::vector<std::byte> bytes(units.size());
  if (!memory.read(characters.address, bytes)) return std::nullopt;
  std::transform(bytes.begin(), bytes.end(), units.begin(),
                 [](std::byte byte) { return std::to_integer<char16_t>(byte); });
  return units;
}

}  // namespace loopscope
