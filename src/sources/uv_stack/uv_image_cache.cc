#include "sources/uv_stack/uv_image_cache.h"

#include "target/uv_code_image.h"

namespace loopscope {

Result<UvImageCache::Sites> UvImageCache::sites_of(const LoadedImage& image) {
  const FileStamp key = image.elf->stamp();
  if (const auto it = known_.find(key); it != known_.end()) return it->second;
  if (known_.size() >= kMaxImages) known_.clear();
  auto sites = analyze_uv_call_sites(*image.elf);
  Result<Sites> entry = sites
                            ? Result<Sites>(std::make_shared<const UvCallSites>(std::move(*sites)))
                            : Result<Sites>(sites.error());
  return known_.emplace(key, std::move(entry)).first->second;
}

}  // namespace loopscope
