#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sources/uv_stack/uv_image_cache.h"
#include "target/memory_reader.h"
#include "target/process_id.h"
#include "target/runtime_info.h"

namespace loopscope {

/// Where one loop's words stand in its process (DESIGN §7). Addresses are the target's;
/// 0 means "not known".
struct UvLoopLocation {
  std::uint64_t run_word = 0;    ///< just below uv_run's frame: names the phase
  std::uint64_t io_word = 0;     ///< just below uv__io_poll's frame: waiting or not
  std::uint64_t loop = 0;        ///< uv_loop_t
  std::uint64_t loop_count = 0;  ///< libuv >= 1.45: counts turns
  std::uint64_t poll_base = 0;   ///< libuv < 1.45: loop->time when the poll was entered
};

/// A process with libuv in it: its memory and the call sites of its uv_run.
/// Shared by the sources of all its loops; immutable.
class UvProcess {
 public:
  /// Analyzes the image that holds uv_run. Errors: no access to the process, no uv_run,
  /// an image whose phases cannot be read.
  static Result<std::shared_ptr<const UvProcess>> open(const ProcessId& id,
                                                       const RuntimeInfo& runtime,
                                                       UvImageCache& cache);
  /// For tests: any memory, sites already relocated by `bias`.
  UvProcess(std::shared_ptr<const MemoryReader> memory, UvImageCache::Sites sites,
            std::uint64_t bias);

  const MemoryReader& memory() const { return *memory_; }
  const UvCallSites& sites() const { return *sites_; }
  bool counts_turns() const;

  std::optional<Phase> phase_of(std::uint64_t word) const { return sites_->phase_of(word - bias_); }
  bool is_wait_site(std::uint64_t word) const { return sites_->is_wait_site(word - bias_); }

  /// Finds the outermost uv_run in the stack words [low, high): the highest address that
  /// holds one of its sites and has a uv_loop_t near by; else the highest that holds a site.
  std::optional<UvLoopLocation> locate(std::uint64_t low, std::uint64_t high) const;
  /// Completes a location whose loop is not known yet. False: still not.
  bool find_loop(UvLoopLocation& location) const;
  /// Types (uv_handle_type) of the loop's handles, the first 256. Nothing: they could not all
  /// be read, as they change while the loop runs.
  std::optional<std::vector<int>> handle_types(std::uint64_t loop) const;
  /// The loop still exists and has something to wait for (as uv_loop_alive()).
  bool is_alive(std::uint64_t loop) const;
  /// Its epoll descriptor.
  std::optional<int> backend_fd(std::uint64_t loop) const;

 private:
  bool looks_like_loop(std::uint64_t address) const;

  std::shared_ptr<const MemoryReader> memory_;
  UvImageCache::Sites sites_;
  std::uint64_t bias_ = 0;
};

}  // namespace loopscope
