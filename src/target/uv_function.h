#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "target/uv_call_sites.h"
#include "target/uv_disassembler.h"

namespace loopscope {

/// One disassembled function of an image and the ways through it.
class UvFunction {
 public:
  /// Reads and disassembles the function at `address`; with size 0 its end is where
  /// nothing before it jumps any further. At most 64 KiB are looked at.
  static Result<UvFunction> load(const CodeImage& image, CodeImage::Function where);

  const std::vector<CodeInstruction>& code() const { return code_; }
  std::vector<const CodeInstruction*> calls() const;
  bool has_indirect_call() const;
  /// True if any instruction addresses memory at `displacement` from a register.
  bool touches(std::uint64_t displacement) const;

  /// Visits the calls that control can reach from `address` without passing through a
  /// call for which `visit` returns false.
  void walk_calls(std::uint64_t address,
                  const std::function<bool(const CodeInstruction&)>& visit) const;

  /// Bytes from the return address down to the lowest word of the frame once the
  /// prologue is done: pushes and stack allocation. Absent if the prologue is unusual.
  std::optional<std::uint64_t> frame_size() const;
  /// Where, below the return address, the value loaded from [reg + displacement] is
  /// spilled right after the load; absent if it stays in a register.
  std::optional<std::uint64_t> spill_of_field(std::uint64_t displacement) const;

 private:
  void trim_to_own_end();
  std::vector<std::uint64_t> successors(const CodeImage& image, std::size_t index) const;
  std::vector<std::uint64_t> jump_table(const CodeImage& image, std::size_t index) const;

  std::vector<CodeInstruction> code_;
  std::map<std::uint64_t, std::size_t> index_;
  std::vector<std::vector<std::uint64_t>> successors_;
};

/// The imported function that a call goes to, through a PLT stub or a GOT slot.
std::optional<std::string> imported_callee(const CodeImage& image, const CodeInstruction& call);

}  // namespace loopscope
