#include "target/runtime_info.h"

#include <array>
#include <string_view>

#include "target/base_name.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

constexpr std::string_view kNodeMark = "node.js/v";

/// Runtimes known by their executables' names alone.
std::string_view runtime_of_executable(std::string_view name) {
  constexpr std::array<std::string_view, 4> kKnown = {"deno", "bun", "nginx", "redis"};
  for (const std::string_view known : kKnown) {
    // "redis-server", "redis-check-rdb": one image under several names.
    if (name == known || (known == "redis" && name.starts_with("redis-"))) return known;
  }
  return {};
}

bool is_version(std::string_view text) {
  int dots = 0;
  char before = '.';
  for (const char c : text) {
    if (c == '.' && before == '.') return false;
    if (c == '.') ++dots;
    if (c != '.' && (c < '0' || c > '9')) return false;
    before = c;
  }
  return dots == 2 && before != '.';
}

}  // namespace

std::string find_node_version(const ElfImage& elf) {
  std::uint64_t from = 0;
  // The words can stand elsewhere too, as in a program's documentation.
  for (int attempt = 0; attempt < 16; ++attempt) {
    const auto place = elf.find_bytes(".rodata", kNodeMark, from);
    if (!place) return {};
    std::array<char, 24> text{};
    const std::size_t got =
        elf.read_some_at_vaddr(*place + kNodeMark.size(), std::as_writable_bytes(std::span(text)));
    std::string_view version(text.data(), got);
    const std::size_t end = version.find('\0');
    if (end != std::string_view::npos && is_version(version.substr(0, end))) {
      return std::string(version.substr(0, end));
    }
    from = *place + 1;
  }
  return {};
}

const RuntimeProbe::ImageFacts& RuntimeProbe::facts_of(int pid, const Mapping& mapping) {
  if (images_.size() >= kMaxImages) images_.clear();
  const ImageKey key{mapping.dev_major, mapping.dev_minor, mapping.inode, mapping.path};
  const auto [entry, is_new] = images_.try_emplace(key);
  if (!is_new) return entry->second;
  auto file = open_mapped_file(pid, mapping);
  if (!file) return entry->second;
  const auto elf = ElfImage::open(std::move(*file), mapping.path);
  if (!elf) return entry->second;
  entry->second.has_uv_run = elf->find_symbol("uv_run").has_value();
  // Node itself, or the libnode.so of a distribution, which uses a separate libuv.
  if (entry->second.has_uv_run || base_name(mapping.path).starts_with("libnode.so")) {
    entry->second.node_version = find_node_version(*elf);
  }
  return entry->second;
}

Result<RuntimeInfo> RuntimeProbe::probe(int pid) {
  const auto map = read_memory_map(pid);
  if (!map) return map.error();
  const auto executable = executable_path(pid);
  const std::string name = executable ? base_name(*executable) : std::string();
  const std::string_view known = runtime_of_executable(name);

  RuntimeInfo info;
  for (const Mapping* mapping : executable_files(*map)) {
    const ImageFacts& facts = facts_of(pid, *mapping);
    if (facts.has_uv_run && !info.has_uv_run) {
      info.has_uv_run = true;
      info.uv_mapping_start = mapping->start;
    }
    if (!facts.node_version.empty()) info.version = facts.node_version;
  }
  // Bun exports functions of libuv's names for native add-ons and has no uv loop.
  if (known == "bun") {
    info.has_uv_run = false;
    info.uv_mapping_start = 0;
  }
  if (!known.empty()) {
    info.name = known;
    info.version.clear();
  } else if (!info.version.empty() || ((name == "node" || name == "nodejs") && info.has_uv_run)) {
    info.name = "node";
  } else if (info.has_uv_run) {
    info.name = "libuv";
  }
  return info;
}

}  // namespace loopscope
