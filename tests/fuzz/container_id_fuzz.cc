#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target/container_id.h"
#include "target/container_names.h"

namespace {

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Whatever a cgroup file or a link's name says, what is found in it has the form of an ID, of
// a UID, of names, and stands there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto found = loopscope::container_of(loopscope::parse_cgroup_membership(text))) {
    expect(found->id.size() == 64 && is_hex(found->id));
    expect(text.find(found->id) != std::string_view::npos);
    expect(found->pod_uid.empty() || found->pod_uid.size() == 32 || found->pod_uid.size() == 36);
    expect(found->pod_uid.find_first_not_of("0123456789abcdef-") == std::string::npos);
  }
  if (const auto log = loopscope::parse_container_log(text)) {
    expect(log->id.size() >= 12 && log->id.size() <= 64 && is_hex(log->id));
    expect(text == log->name.pod + "_" + log->name.pod_namespace + "_" + log->name.container + "-" +
                       log->id + ".log");
  }
  return 0;
}
