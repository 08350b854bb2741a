#include "sources/uv_stack/uv_process.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "target/loaded_image.h"
#include "target/memory_map.h"
#include "target/remote_memory.h"
#include "target/uv_layout.h"

namespace loopscope {
namespace {

constexpr std::uint64_t kWordSize = sizeof(std::uint64_t);
constexpr std::uint64_t kScanChunk = 64 * 1024;
constexpr std::uint64_t kUserSpaceEnd = std::uint64_t{1} << 47;
// Callee-saved registers pushed by what uv_run calls stand right below its word, its own
// spilled locals right above.
constexpr std::uint64_t kLoopSearchBelow = 64;
constexpr std::uint64_t kLoopSearchAbove = 256;
// uv__io_poll keeps 1024 epoll_events (12 KiB) and, since 1.45, prepared io_uring data.
constexpr std::uint64_t kMaxPollFrame = 32 * 1024;
constexpr std::size_t kMaxUnprovenCandidates = 16;
constexpr std::size_t kMaxHandles = 256;
constexpr int kMaxDescriptor = 1 << 24;

bool plausible_pointer(std::uint64_t value) {
  return value >= 0x1000 && value < kUserSpaceEnd && value % kWordSize == 0;
}

}  // namespace

Result<std::shared_ptr<const UvProcess>> UvProcess::open(const ProcessId& id,
                                                         const RuntimeInfo& runtime,
                                                         UvImageCache& cache) {
  const auto map = read_memory_map(id.pid);
  if (!map) return map.error();
  const Mapping* mapping = map->find(runtime.uv_mapping_start);
  if (mapping == nullptr) return Error{"no image with uv_run is mapped"};
  const auto image = load_image(id.pid, *map, *mapping);
  if (!image) return image.error();
  auto sites = cache.sites_of(*image);
  if (!sites) return sites.error();
  auto memory = std::make_shared<RemoteMemory>(id.pid);
  // Images and maps are less protected than memory.
  std::byte probe{};
  if (const auto got = memory->read(mapping->start, {&probe, 1}); !got) return got.error();
  return std::shared_ptr<const UvProcess>(
      std::make_shared<UvProcess>(std::move(memory), std::move(*sites), image->bias));
}

UvProcess::UvProcess(std::shared_ptr<const MemoryReader> memory, UvImageCache::Sites sites,
                     std::uint64_t bias)
    : memory_(std::move(memory)), sites_(std::move(sites)), bias_(bias) {}

bool UvProcess::counts_turns() const { return sites_->version >= uv_layout::kVersionWithLoopCount; }

std::optional<UvLoopLocation> UvProcess::locate(std::uint64_t low, std::uint64_t high) const {
  low = (low + kWordSize - 1) / kWordSize * kWordSize;
  high = high / kWordSize * kWordSize;
  std::optional<UvLoopLocation> unproven;
  std::size_t candidates = 0;
  std::vector<std::uint64_t> words(kScanChunk / kWordSize);
  for (std::uint64_t top = high; top > low;) {
    const std::uint64_t bottom = top - low > kScanChunk ? top - kScanChunk : low;
    const auto count = static_cast<std::size_t>((top - bottom) / kWordSize);
    const auto bytes = std::as_writable_bytes(std::span(words.data(), count));
    if (!memory_->read(bottom, bytes)) return unproven;
    for (std::size_t i = count; i-- > 0;) {
      if (!phase_of(words[i])) continue;
      UvLoopLocation found{.run_word = bottom + i * kWordSize};
      if (find_loop(found)) return found;
      if (!unproven) unproven = found;
      if (++candidates == kMaxUnprovenCandidates) return unproven;
    }
    top = bottom;
  }
  return unproven;
}

bool UvProcess::find_loop(UvLoopLocation& location) const {
  if (sites_->io_word_offset) {
    location.io_word = location.run_word - *sites_->io_word_offset;
  } else if (location.io_word == 0) {
    // An unusual prologue: look for the word while the thread waits there.
    std::vector<std::uint64_t> words(kMaxPollFrame / kWordSize);
    const std::uint64_t bottom = location.run_word - kMaxPollFrame;
    if (!memory_->read(bottom, std::as_writable_bytes(std::span(words)))) return false;
    for (std::size_t i = words.size(); i-- > 0 && location.io_word == 0;) {
      if (is_wait_site(words[i])) location.io_word = bottom + i * kWordSize;
    }
    if (location.io_word == 0) return false;
  }
  if (!counts_turns() && sites_->poll_base_offset) {
    location.poll_base = location.run_word - *sites_->poll_base_offset;
  }

  std::array<std::uint64_t, (kLoopSearchBelow + kLoopSearchAbove) / kWordSize> words{};
  const auto bytes = std::as_writable_bytes(std::span(words));
  if (memory_->read_some(location.run_word - kLoopSearchBelow, bytes) == 0) return false;
  for (const std::uint64_t word : words) {
    if (!plausible_pointer(word) || !looks_like_loop(word)) continue;
    location.loop = word;
    if (counts_turns()) {
      const auto internal =
          memory_->read_value<std::uint64_t>(word + uv_layout::kLoopInternalFields);
      if (!internal || !plausible_pointer(*internal)) return false;
      location.loop_count = *internal + uv_layout::kInternalLoopCount;
    }
    return true;
  }
  return false;
}

// uv_loop_t begins with rings: the neighbours of each list head point back at it. Three
// rings and a descriptor number do not come together by chance.
bool UvProcess::looks_like_loop(std::uint64_t address) const {
  std::array<std::byte, uv_layout::kLoopWatcherQueue + 2 * kWordSize> head{};
  if (!memory_->read(address, head)) return false;
  const auto word_at = [&head](std::uint64_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, head.data() + offset, sizeof value);
    return value;
  };
  std::int32_t backend_fd = -1;
  std::memcpy(&backend_fd, head.data() + uv_layout::kLoopBackendFd, sizeof backend_fd);
  if (backend_fd < 0 || backend_fd > kMaxDescriptor) return false;
  for (const std::uint64_t ring :
       {uv_layout::kLoopHandleQueue, uv_layout::kLoopPendingQueue, uv_layout::kLoopWatcherQueue}) {
    const std::uint64_t next = word_at(ring);
    const std::uint64_t previous = word_at(ring + kWordSize);
    if (!plausible_pointer(next) || !plausible_pointer(previous)) return false;
    if (memory_->read_value<std::uint64_t>(next + kWordSize) != address + ring) return false;
    if (memory_->read_value<std::uint64_t>(previous) != address + ring) return false;
  }
  return true;
}

std::optional<std::vector<int>> UvProcess::handle_types(std::uint64_t loop) const {
  std::vector<int> types;
  const std::uint64_t head = loop + uv_layout::kLoopHandleQueue;
  auto node = memory_->read_value<std::uint64_t>(head);
  while (node && *node != head && types.size() < kMaxHandles) {
    if (!plausible_pointer(*node)) return std::nullopt;
    const std::uint64_t handle = *node - uv_layout::kHandleQueue;
    const auto type = memory_->read_value<std::int32_t>(handle + uv_layout::kHandleType);
    if (!type) return std::nullopt;
    types.push_back(*type);
    node = memory_->read_value<std::uint64_t>(*node);
  }
  if (!node) return std::nullopt;
  return types;
}

bool UvProcess::is_alive(std::uint64_t loop) const {
  const auto handles = memory_->read_value<std::uint32_t>(loop + uv_layout::kLoopActiveHandles);
  const auto requests = memory_->read_value<std::uint32_t>(loop + uv_layout::kLoopActiveRequests);
  const auto closing = memory_->read_value<std::uint64_t>(loop + uv_layout::kLoopClosingHandles);
  if (!handles || !requests || !closing) return false;
  return (*handles != 0 || *requests != 0 || *closing != 0) && looks_like_loop(loop);
}

std::optional<int> UvProcess::backend_fd(std::uint64_t loop) const {
  const auto fd = memory_->read_value<std::int32_t>(loop + uv_layout::kLoopBackendFd);
  return fd && *fd >= 0 ? std::optional<int>(*fd) : std::nullopt;
}

}  // namespace loopscope
