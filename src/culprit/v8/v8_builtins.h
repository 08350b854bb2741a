#pragma once

#include <cstdint>
#include <optional>

#include "target/loaded_image.h"
#include "target/memory_map.h"
#include "target/memory_reader.h"

namespace loopscope {

/// Where the embedded builtins stand in V8's image, as link-time addresses.
struct V8Builtins {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

/// From the image's symbols; those of a stripped image that still exports the functions which
/// return the address and the size (Node 18 and 19, Debian's libnode) tell it by their code, which
/// reads words that are taken from `memory` (nullptr: from the file, where they need no
/// relocation).
std::optional<V8Builtins> find_builtins(const LoadedImage& image, const MemoryReader* memory);

/// The executable mapping of the image's file that is not the image's own: from Node 20 on, and
/// where there is memory enough, V8 maps its builtins once more, near the JIT code. nullptr:
/// there is none.
const Mapping* find_second_mapping(const LoadedImage& image, const MemoryMap& map);
/// The same range in the image itself.
std::optional<V8Builtins> builtins_of_mapping(const LoadedImage& image, const Mapping& second);

/// Where isolates keep the frames that left JavaScript, from the root (r13).
struct V8RootSlots {
  std::int32_t c_entry_fp = 0;
  std::int32_t fast_call_fp = 0;
};

/// By the builtins' own code. `mov [r13+x], rbp` occurs with two operands: some thousand times
/// with fast_call_fp, where C functions are called directly, and a dozen times with c_entry_fp.
/// Absent: anything else than that was found.
std::optional<V8RootSlots> find_root_slots(const ElfImage& elf, const V8Builtins& builtins);

}  // namespace loopscope
