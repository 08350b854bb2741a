#include "engine/pod_text.h"

#include <algorithm>

namespace loopscope {

std::string label_of(const ExtraLabels& labels, const char* name) {
  const auto found =
      std::ranges::find_if(labels, [name](const auto& label) { return label.first == name; });
  return found == labels.end() ? "" : found->second;
}

std::string pod_text(const ExtraLabels& labels) {
  const std::string pod = label_of(labels, "pod");
  if (pod.empty()) return {};
  std::string text = " pod ";
  if (const std::string space = label_of(labels, "namespace"); !space.empty()) text += space + '/';
  text += pod;
  if (const std::string container = label_of(labels, "container"); !container.empty()) {
    text += " (" + container + ")";
  }
  return text;
}

}  // namespace loopscope
