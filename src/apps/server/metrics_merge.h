#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace loopscope::server {

/// Joins expositions of several processes (text format 0.0.4) into one: every family's
/// HELP and TYPE once, its samples after one another. Takes eventloop_* families only: their
/// series carry the pid, while process_* and the like would collide.
class MetricsMerge {
 public:
  void add(std::string_view exposition);
  std::string text() const;

 private:
  struct Family {
    std::string head;  ///< HELP and TYPE lines
    std::string samples;
  };
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace loopscope::server
