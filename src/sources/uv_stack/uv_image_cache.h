#pragma once

#include <map>
#include <memory>

#include "base/result.h"
#include "target/loaded_image.h"
#include "target/uv_call_sites.h"

namespace loopscope {

/// Call sites of each image once: a cluster of forty workers is one analysis. A file that has
/// changed is another image; a handful of images is kept. Not thread-safe.
class UvImageCache {
 public:
  using Sites = std::shared_ptr<const UvCallSites>;

  Result<Sites> sites_of(const LoadedImage& image);

 private:
  static constexpr std::size_t kMaxImages = 64;

  std::map<FileStamp, Result<Sites>> known_;
};

}  // namespace loopscope
