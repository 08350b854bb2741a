#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loopscope/phase.h"

namespace loopscope {

/// What the call-site analysis asks of an executable image. Addresses are the
/// image's own (before relocation).
class CodeImage {
 public:
  struct Function {
    std::uint64_t address = 0;
    std::uint64_t size = 0;  ///< 0: not known
  };

  virtual ~CodeImage() = default;
  virtual std::optional<Function> find_function(std::string_view name) const = 0;
  /// Names of the functions that start exactly at the given addresses, where known.
  virtual std::map<std::uint64_t, std::string> function_names(
      std::span<const std::uint64_t> addresses) const = 0;
  /// Reads up to out.size() bytes of the image at `address`; returns how many.
  virtual std::size_t read_at(std::uint64_t address, std::span<std::byte> out) const = 0;
  /// Name of the imported function whose address the dynamic linker puts into `slot`.
  virtual std::optional<std::string> import_in_slot(std::uint64_t slot) const = 0;
};

/// How to read one image's event loop from its stack words (DESIGN §7).
///
/// uv_run calls each phase from its own place, so the return address that stands just
/// below uv_run's frame names the phase; within uv__io_poll the word below its frame
/// tells the wait (return site of the epoll call) from callbacks. x86-64 only.
struct UvCallSites {
  struct RunSite {
    std::uint64_t return_address = 0;
    Phase phase = Phase::kUnknown;  ///< kPoll: in uv__io_poll, ask the second word
  };

  std::vector<RunSite> run_sites;         ///< sorted by return_address
  std::vector<std::uint64_t> wait_sites;  ///< sorted; in uv__io_poll after an epoll wait
  /// Distance from the run word down to uv__io_poll's word, when its prologue tells.
  std::optional<std::uint64_t> io_word_offset;
  /// Distance from the run word down to uv__io_poll's copy of loop->time at its entry:
  /// names the turn where libuv keeps no loop_count (< 1.45).
  std::optional<std::uint64_t> poll_base_offset;
  unsigned version = 0;  ///< uv_version(): major << 16 | minor << 8 | patch; 0: not known

  std::optional<Phase> phase_of(std::uint64_t return_address) const;
  bool is_wait_site(std::uint64_t return_address) const;
  std::string version_string() const;
};

/// Finds uv_run in the image and classifies every call in it: by the callee's symbol,
/// else by the uv_loop_t fields the callee touches, else by its place in the turn.
/// Errors: no uv_run, not x86-64 code, no poll or no epoll wait found (for example
/// because uv__io_poll was inlined).
Result<UvCallSites> analyze_uv_call_sites(const CodeImage& image);

}  // namespace loopscope
