#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "culprit/native/cfi_row.h"
#include "culprit/native/eh_frame.h"
#include "culprit/native/native_class.h"
#include "target/loaded_image.h"

namespace loopscope {

/// An image of a process with what stacks need of it. Symbol tables are not kept: each batch
/// of unknown addresses streams through them once (1-6 ms in Node 22's 3.2 MB), and the
/// functions found are remembered, at most kMaxFunctions.
class NativeImage {
 public:
  static constexpr std::size_t kMaxFunctions = 2048;

  struct Function {
    std::uint64_t end = 0;  ///< vaddr
    std::string name;       ///< for people; empty: no symbol covers the address
    NativeRole role = NativeRole::kProgram;
  };

  NativeImage(LoadedImage image, std::string base_name);

  const std::string& base_name() const { return base_name_; }
  const std::string& path() const { return image_.path; }
  /// Looks all these runtime addresses up that are not known yet. False: there were none.
  bool learn(std::span<const std::uint64_t> addresses);
  /// What learn() found for this address; a symbol inside another may be reported as the outer
  /// one. Valid until the next learn().
  const Function* find(std::uint64_t address) const;
  /// How to unwind at a runtime address; function_begin is a vaddr.
  std::optional<CfiRow> row_at(std::uint64_t address) const;
  /// frame_size_by_prologue() of the function a row belongs to, for a frame at `address`.
  std::optional<std::uint64_t> frame_size(const CfiRow& row, std::uint64_t address) const;

 private:
  LoadedImage image_;
  std::string base_name_;
  NativeRole role_;
  EhFrame eh_frame_;
  std::map<std::uint64_t, Function> functions_;  ///< by vaddr
};

}  // namespace loopscope
