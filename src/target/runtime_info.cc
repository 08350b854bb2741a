#include "target/runtime_info.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "target/base_name.h"
#include "target/process_info.h"

namespace loopscope {
namespace {

constexpr std::string_view kNodeMark = "node.js/v";

/// Runtimes known by their executables' names alone.
std::string_view runtime_of_executable(std::string_view name) {
  constexpr std::array<std::string_view, 6> kKnown = {"deno",  "bun",     "nginx",
                                                      "redis", "haproxy", "memcached"};
  for (const std::string_view known : kKnown) {
    // "redis-server", "redis-check-rdb": one image under several names.
    if (name == known || (known == "redis" && name.starts_with("redis-"))) return known;
  }
  if (name.starts_with("python")) return "python";
  if (name == "beam.smp") return "erlang";
  return {};
}

/// Runtimes known by a shared library of theirs.
std::string_view runtime_of_library(std::string_view name) {
  if (name == "libjvm.so") return "java";
  if (name == "libcoreclr.so") return "dotnet";
  return {};
}

/// Runtimes known by a section that every program of theirs has, stripped or not: Go's linker
/// makes the first two, GraalVM's native-image the third, Bun (since 1.2.21) the last.
std::string_view runtime_of_sections(const ElfImage& elf) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kMarks = {{
      {".go.buildinfo", "go"},
      {".gopclntab", "go"},
      {".svm_heap", "java"},
      {"__DATA,__jsc_opcodes", "bun"},
  }};
  for (const auto& [section, runtime] : kMarks) {
    if (elf.section(section)) return runtime;
  }
  return {};
}

struct HandingRuntime {
  std::string_view name;
  std::string_view reason;
};
constexpr std::array<HandingRuntime, 4> kHandingRuntimes = {{
    {"go", "Go programs hand polling from thread to thread"},
    {"java", "Java virtual machines hand polling and work from thread to thread"},
    {"dotnet", ".NET hands what it polled to a pool of threads"},
    {"erlang", "Erlang's schedulers hand polling from thread to thread"},
}};

bool may_be_libuv(const std::string& path) {
  const std::string name = base_name(path);
  return name.starts_with("libuv.so") || name.starts_with("libnode.so") || name == "node" ||
         name == "nodejs";
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

/// By its path, without a comparison of contents; for files that have been opened before.
std::optional<FileStamp> stamp_in_place(int pid, const std::string& path) {
  struct stat status {};
  const std::string place = "/proc/" + std::to_string(pid) + "/root" + path;
  if (::stat(place.c_str(), &status) != 0) return std::nullopt;
  return FileStamp::of(status);
}

}  // namespace

std::string why_no_event_loop(const RuntimeInfo& runtime) {
  for (const HandingRuntime& handing : kHandingRuntimes) {
    if (runtime.name == handing.name) return std::string(handing.reason);
  }
  return {};
}

bool main_thread_is_loop(const RuntimeInfo& runtime) {
  constexpr std::array<std::string_view, 7> kLoops = {"deno",  "bun",     "python",   "nginx",
                                                      "redis", "haproxy", "memcached"};
  return std::find(kLoops.begin(), kLoops.end(), runtime.name) != kLoops.end();
}

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

Result<RuntimeProbe::ImageFacts> RuntimeProbe::facts_of(int pid, const MemoryMap& map,
                                                        const Mapping& mapping) {
  if (images_.size() >= kMaxImages) images_.clear();
  const ImageKey key{mapping.dev_major, mapping.dev_minor, mapping.inode, mapping.path};
  const auto known = images_.find(key);
  if (known != images_.end() && stamp_in_place(pid, mapping.path) == known->second.stamp) {
    return known->second;
  }
  const auto elf = open_image(pid, map, mapping);
  if (!elf) return elf.error();
  if (known != images_.end() && elf->stamp() == known->second.stamp) return known->second;
  ImageFacts facts;
  facts.stamp = elf->stamp();
  facts.has_uv_run = elf->find_symbol("uv_run").has_value();
  facts.marked_runtime = runtime_of_sections(*elf);
  // Node itself, or the libnode.so of a distribution, which uses a separate libuv.
  if (facts.has_uv_run || base_name(mapping.path).starts_with("libnode.so")) {
    facts.node_version = find_node_version(*elf);
  }
  images_[key] = facts;
  return facts;
}

RuntimeInfo RuntimeProbe::probe_executable(int pid) {
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  struct stat status {};
  if (::stat(link.c_str(), &status) != 0) return {};
  const FileKey key{status.st_dev, status.st_ino,
                    status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
  if (executables_.size() >= kMaxImages) executables_.clear();
  const auto [entry, is_new] = executables_.try_emplace(key);
  RuntimeInfo& info = entry->second;
  if (!is_new) return info;
  const auto path = executable_path(pid);
  const std::string name = path ? base_name(*path) : std::string();
  if (name == "node" || name == "nodejs") {
    info.name = "node";  // libuv may be a library of it
  } else if (const auto known = runtime_of_executable(name); !known.empty()) {
    info.name = known;
  } else if (UniqueFd file(::open(link.c_str(), O_RDONLY | O_CLOEXEC)); file.valid()) {
    const auto elf = ElfImage::open(std::move(file), link);
    info.has_uv_run = elf.ok() && elf->find_symbol("uv_run").has_value();
    if (info.has_uv_run) {
      info.version = find_node_version(*elf);
      info.name = info.version.empty() ? "libuv" : "node";
    }
  }
  return info;
}

Result<RuntimeInfo> RuntimeProbe::probe(int pid) {
  const auto map = read_memory_map(pid);
  if (!map) return map.error();
  const auto executable = executable_path(pid);
  const std::string name = executable ? base_name(*executable) : std::string();
  std::string known(runtime_of_executable(name));
  std::string_view by_library;

  RuntimeInfo info;
  for (const Mapping* mapping : executable_files(*map)) {
    const auto found = facts_of(pid, *map, *mapping);
    if (!found && info.unreadable.empty() && may_be_libuv(mapping->path)) {
      info.unreadable = found.error().message;
    }
    const ImageFacts facts = found ? *found : ImageFacts();
    if (facts.has_uv_run && !info.has_uv_run) {
      info.has_uv_run = true;
      info.uv_mapping_start = mapping->start;
    }
    if (!facts.node_version.empty()) info.version = facts.node_version;
    const std::string file = base_name(mapping->path);
    // A library written in Go makes no Go program; the file may be deleted by now.
    if (known.empty() && !name.empty() && file.starts_with(name)) known = facts.marked_runtime;
    if (by_library.empty()) by_library = runtime_of_library(file);
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
  } else if (!by_library.empty()) {
    info.name = by_library;
  } else if (info.has_uv_run) {
    info.name = "libuv";
  }
  return info;
}

}  // namespace loopscope
