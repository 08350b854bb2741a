#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "support/child_process.h"
#include "target/cgroup_directory.h"
#include "target/proc_file.h"

namespace loopscope {

/// A control group made for a test and removed with this object, which must outlive the
/// processes in it.
class TestCgroup {
 public:
  /// Directly below the mount point of a hierarchy of this version that has `controller`.
  /// nullptr: there is none that can be written.
  static std::unique_ptr<TestCgroup> make(const std::string& controller, bool is_version2) {
    const auto mountinfo = read_proc_file("/proc/self/mountinfo", std::size_t{1} << 20);
    if (!mountinfo) return nullptr;
    for (const CgroupMount& mount : parse_cgroup_mounts(*mountinfo)) {
      if (mount.is_version2 != is_version2) continue;
      if (is_version2 && controller != "freezer") {
        write(mount.mount_point + "/cgroup.subtree_control", "+" + controller);
      } else if (!is_version2 &&
                 ("," + mount.options + ",").find("," + controller + ",") == std::string::npos) {
        continue;
      }
      std::string path = mount.mount_point + "/loopscope-test-" + std::to_string(::getpid());
      auto group = in(std::move(path), is_version2);
      const std::string file = controller == "freezer"
                                   ? (is_version2 ? "cgroup.freeze" : "freezer.state")
                                   : (is_version2 ? "cpu.max" : "cpu.cfs_quota_us");
      if (group && std::filesystem::exists(group->path() + "/" + file)) return group;
    }
    return nullptr;
  }

  /// A group below this one.
  std::unique_ptr<TestCgroup> below(const std::string& name) const {
    return in(path_ + "/" + name, is_version2_);
  }

  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;
  ~TestCgroup() {
    // A process that was killed leaves the group a moment later.
    eventually([&] { return ::rmdir(path_.c_str()) == 0; });
  }

  const std::string& path() const { return path_; }
  bool add(int pid) const { return write(path_ + "/cgroup.procs", std::to_string(pid)); }
  bool limit_cpu(int quota_us, int period_us) const {
    const std::string quota = std::to_string(quota_us);
    const std::string period = std::to_string(period_us);
    if (is_version2_) return write(path_ + "/cpu.max", quota + " " + period);
    return write(path_ + "/cpu.cfs_period_us", period) && write(path_ + "/cpu.cfs_quota_us", quota);
  }
  bool freeze(bool frozen) const {
    if (is_version2_) return write(path_ + "/cgroup.freeze", frozen ? "1" : "0");
    return write(path_ + "/freezer.state", frozen ? "FROZEN" : "THAWED");
  }

 private:
  TestCgroup(std::string path, bool is_version2)
      : path_(std::move(path)), is_version2_(is_version2) {}

  static std::unique_ptr<TestCgroup> in(std::string path, bool is_version2) {
    std::error_code failure;
    if (!std::filesystem::create_directory(path, failure)) return nullptr;
    return std::unique_ptr<TestCgroup>(new TestCgroup(std::move(path), is_version2));
  }
  static bool write(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    return file.good();
  }

  std::string path_;
  bool is_version2_;
};

/// A child that computes until it is killed; it has said so.
class SpinningChild {
 public:
  SpinningChild()
      : child_([](const ChildProcess::Channel& parent) {
          parent.say('s');
          volatile unsigned spins = 0;
          while (true) spins = spins + 1;
        }) {
    started_ = child_.hear() == 's';
  }
  bool started() const { return started_; }
  int pid() const { return child_.pid(); }

 private:
  ChildProcess child_;
  bool started_ = false;
};

}  // namespace loopscope
