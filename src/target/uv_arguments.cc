#include "target/uv_arguments.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "target/loaded_image.h"
#include "target/memory_map.h"
#include "target/remote_memory.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kMaxArguments = 1024;
constexpr std::size_t kMaxBytes = 65536;
constexpr std::uint64_t kPointer = sizeof(std::uint64_t);

}  // namespace

std::optional<std::vector<std::string>> read_uv_arguments(const MemoryReader& memory,
                                                          std::uint64_t holder) {
  const auto block = memory.read_value<std::uint64_t>(holder);
  if (!block || *block == 0 || *block % kPointer != 0) return std::nullopt;
  const auto first = memory.read_value<std::uint64_t>(*block);
  // The first string stands behind the pointers, so it tells how many there are.
  if (!first || *first <= *block || (*first - *block) % kPointer != 0) return std::nullopt;
  const std::uint64_t slots = (*first - *block) / kPointer;
  if (slots < 2 || slots > kMaxArguments + 1) return std::nullopt;

  std::vector<std::uint64_t> pointers(slots);
  if (!memory.read(*block, std::as_writable_bytes(std::span(pointers)))) return std::nullopt;
  const std::uint64_t count = slots - 1;
  if (pointers[count] != 0) return std::nullopt;
  std::vector<char> text(kMaxBytes);
  text.resize(memory.read_some(*first, std::as_writable_bytes(std::span(text))));

  std::vector<std::string> arguments;
  std::uint64_t expected = *first;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (pointers[i] != expected) return std::nullopt;
    const std::size_t at = static_cast<std::size_t>(pointers[i] - *first);
    if (at >= text.size()) return std::nullopt;
    const void* const end = std::memchr(text.data() + at, '\0', text.size() - at);
    if (end == nullptr) return std::nullopt;
    arguments.emplace_back(text.data() + at);
    expected += arguments.back().size() + 1;
  }
  return arguments;
}

std::optional<std::vector<std::string>> read_uv_arguments(int pid) {
  const auto map = read_memory_map(pid);
  if (!map) return std::nullopt;
  const auto image = load_main_image(pid, *map);
  if (!image) return std::nullopt;
  const auto holder = image->elf->find_symbol("args_mem");
  if (!holder) return std::nullopt;
  return read_uv_arguments(RemoteMemory(pid), image->to_runtime(holder->address));
}

}  // namespace loopscope
