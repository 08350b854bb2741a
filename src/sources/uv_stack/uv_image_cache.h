#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>

#include "base/result.h"
#include "target/loaded_image.h"
#include "target/uv_call_sites.h"

namespace loopscope {

/// Call sites of each image once: a cluster of forty workers is one analysis. Keyed by
/// the file's device and inode; a handful of images is kept. Not thread-safe.
class UvImageCache {
 public:
  using Sites = std::shared_ptr<const UvCallSites>;

  Result<Sites> sites_of(const LoadedImage& image, const Mapping& mapping);

 private:
  struct Key {
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint64_t inode = 0;
    std::string build_id;
    auto operator<=>(const Key&) const = default;
  };
  static constexpr std::size_t kMaxImages = 64;

  std::map<Key, Result<Sites>> known_;
};

}  // namespace loopscope
