#include "culprit/v8/v8_builtins.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

namespace loopscope {
namespace {

constexpr std::uint64_t kMinSize = std::uint64_t{256} << 10;
constexpr std::uint64_t kMaxSize = std::uint64_t{16} << 20;
// How often each operand has to occur.
constexpr std::size_t kManyUses = 200;
constexpr std::size_t kFewUses = 4;
constexpr std::size_t kMostFewUses = 60;

bool is_plausible(const ElfImage& elf, const V8Builtins& builtins) {
  if (builtins.end < builtins.start || builtins.end - builtins.start < kMinSize ||
      builtins.end - builtins.start > kMaxSize) {
    return false;
  }
  const auto segment = elf.executable_segment(builtins.start);
  return segment && builtins.end <= segment->address + segment->file_size;
}

template <typename T>
std::optional<T> value_at(const LoadedImage& image, std::uint64_t vaddr,
                          const MemoryReader* memory) {
  if (memory != nullptr) return memory->read_value<T>(image.to_runtime(vaddr));
  T value{};
  if (image.elf->read_some_at_vaddr(vaddr, std::as_writable_bytes(std::span(&value, 1))) <
      sizeof value) {
    return std::nullopt;
  }
  return value;
}

/// What a function returns whose code is `mov eax, constant`, `mov rax, [rip+x]` or
/// `lea rax, [rip+x]; mov rax, [rax]`, and the same with eax. T: of what it returns.
template <typename T>
std::optional<T> returned_by(const LoadedImage& image, std::uint64_t function,
                             const MemoryReader* memory) {
  using namespace std::string_view_literals;
  std::array<char, 16> code{};
  const auto bytes = std::as_writable_bytes(std::span(code));
  if (image.elf->read_some_at_vaddr(function, bytes) < code.size()) return std::nullopt;
  std::string_view text(code.data(), code.size());
  if (text.starts_with("\xf3\x0f\x1e\xfa"sv)) text.remove_prefix(4);  // endbr64
  const auto number = [&](std::size_t at) {
    std::int32_t value = 0;
    std::memcpy(&value, text.data() + at, sizeof value);
    return value;
  };
  const auto after = [&](std::size_t size) {
    const auto skipped = static_cast<std::uint64_t>(text.data() - code.data());
    return function + skipped + size + static_cast<std::uint64_t>(std::int64_t{number(size - 4)});
  };
  if (text.starts_with('\xb8')) return static_cast<T>(static_cast<std::uint32_t>(number(1)));
  if (text.starts_with("\x48\x8b\x05"sv)) return value_at<T>(image, after(7), memory);
  if (text.starts_with("\x8b\x05"sv)) return value_at<T>(image, after(6), memory);
  if (text.starts_with("\x48\x8d\x05"sv)) {
    const std::string_view rest = text.substr(7);
    if (rest.starts_with("\x48\x8b\x00"sv) || rest.starts_with("\x8b\x00"sv)) {
      return value_at<T>(image, after(7), memory);
    }
  }
  return std::nullopt;
}

std::optional<V8Builtins> builtins_by_symbols(const ElfImage& elf) {
  // 18 names the code "..._data_" and a pointer to it without.
  constexpr std::array<std::string_view, 3> kNames{"v8_Default_embedded_blob_code_data_",
                                                   "v8_Default_embedded_blob_code_",
                                                   "v8_Default_embedded_blob_code_size_"};
  const auto symbols = elf.find_symbols(kNames);
  const auto& start = symbols[0] ? symbols[0] : symbols[1];
  if (!start || !symbols[2]) return std::nullopt;
  std::uint32_t size = 0;
  elf.read_some_at_vaddr(symbols[2]->address, std::as_writable_bytes(std::span(&size, 1)));
  return V8Builtins{start->address, start->address + size};
}

}  // namespace

std::optional<V8Builtins> find_builtins(const LoadedImage& image, const MemoryReader* memory) {
  if (const auto found = builtins_by_symbols(*image.elf);
      found && is_plausible(*image.elf, *found)) {
    return found;
  }
  constexpr std::array<std::string_view, 2> kFunctions{
      "_ZN2v88internal23DefaultEmbeddedBlobCodeEv",
      "_ZN2v88internal27DefaultEmbeddedBlobCodeSizeEv"};
  const auto functions = image.elf->find_symbols(kFunctions);
  if (!functions[0] || !functions[1]) return std::nullopt;
  const auto start = returned_by<std::uint64_t>(image, functions[0]->address, memory);
  const auto size = returned_by<std::uint32_t>(image, functions[1]->address, memory);
  if (!start || !size) return std::nullopt;
  // Read from memory it is a runtime address; so is a constant, as only fixed images have one.
  const std::uint64_t vaddr = memory != nullptr ? image.to_vaddr(*start) : *start;
  const V8Builtins builtins{vaddr, vaddr + *size};
  if (!is_plausible(*image.elf, builtins)) return std::nullopt;
  return builtins;
}

const Mapping* find_second_mapping(const LoadedImage& image, const MemoryMap& map) {
  if (!image.elf) return nullptr;
  for (const Mapping& mapping : map.mappings()) {
    if (!mapping.executable || !mapping.is_file() || mapping.path != image.path ||
        image.contains(mapping.start)) {
      continue;
    }
    const auto vaddr = image.elf->offset_to_vaddr(mapping.offset);
    if (vaddr && image.to_runtime(*vaddr) != mapping.start) return &mapping;
  }
  return nullptr;
}

std::optional<V8Builtins> builtins_of_mapping(const LoadedImage& image, const Mapping& second) {
  const auto start = image.elf->offset_to_vaddr(second.offset);
  if (!start) return std::nullopt;
  return V8Builtins{*start, *start + second.size()};
}

std::optional<V8RootSlots> find_root_slots(const ElfImage& elf, const V8Builtins& builtins) {
  constexpr std::size_t kLongest = 7;
  const std::uint64_t size = std::min(builtins.end - builtins.start, kMaxSize);
  const auto code = elf.read_at_vaddr(builtins.start, size);
  if (!code) return std::nullopt;
  std::map<std::int32_t, std::size_t> uses;
  for (std::size_t i = 0; i + kLongest <= code->size(); ++i) {
    const auto* const at = code->data() + i;
    if (at[0] != std::byte{0x49} || at[1] != std::byte{0x89}) continue;
    if (at[2] == std::byte{0x6d}) {
      ++uses[static_cast<std::int8_t>(at[3])];
    } else if (at[2] == std::byte{0xad}) {
      std::int32_t operand = 0;
      std::memcpy(&operand, at + 3, sizeof operand);
      ++uses[operand];
    }
  }
  V8RootSlots slots;
  int many = 0;
  int few = 0;
  for (const auto& [operand, count] : uses) {
    if (count >= kManyUses) {
      slots.fast_call_fp = operand;
      ++many;
    } else if (count >= kFewUses && count <= kMostFewUses) {
      slots.c_entry_fp = operand;
      ++few;
    }
  }
  if (many != 1 || few != 1) return std::nullopt;
  return slots;
}

}  // namespace loopscope
