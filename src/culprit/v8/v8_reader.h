#pragma once

#include <cstdint>
#include <optional>

#include "culprit/v8/v8_code.h"
#include "culprit/v8/v8_code_map.h"
#include "culprit/v8/v8_isolate.h"
#include "culprit/v8/v8_layout.h"
#include "culprit/v8/v8_scripts.h"
#include "culprit/v8/v8_stack.h"
#include "target/loaded_image.h"

namespace loopscope {

/// The reader of a known layout. V8Stack::open() reads the layout from the image; tests make
/// one up, and may leave image.elf empty (then no builtins are mapped a second time).
class V8Reader final : public V8Stack {
 public:
  V8Reader(V8Layout layout, LoadedImage image);

  V8Walk walk(const StackSample& sample, const MemoryReader& memory, const MemoryMap& map,
              V8Thread& thread) override;
  V8Walk walk_from(const GeneratedFrame& entry, const StackSample& sample,
                   const MemoryReader& memory, const MemoryMap& map, V8Thread& thread) override;
  bool is_generated_code(std::uint64_t pc, const MemoryMap& map) const override;
  bool learn_isolate(std::uint64_t stack_low, std::uint64_t stack_high, const MemoryReader& memory,
                     V8Thread& thread) override;
  std::optional<V8ScriptText> script_text(std::uint64_t script,
                                          const MemoryReader& memory) const override;
  std::optional<V8StateWord> state_word(const V8Thread& thread,
                                        const MemoryReader& memory) const override;

 private:
  void learn_root(const StackSample& sample, const MemoryReader& memory, const MemoryMap& map,
                  V8Thread& thread) const;

  const V8Layout layout_;
  const LoadedImage image_;
  const V8CodeMap code_map_;
  const V8Isolates isolates_;
  V8CodeFinder codes_;
  V8Scripts scripts_;
};

}  // namespace loopscope
