#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "support/child_process.h"
#include "support/temporary_directory.h"
#include "target/memory_map.h"

namespace loopscope {

/// `sleep` as /app/program on an overlay in a mount namespace of its own, its C library and a
/// library called libuv.so.1 there, too: what a container runtime makes. Not running where the
/// right to mount is missing.
class OverlayProcess {
 public:
  enum class Root { kPivoted, kChroot };

  explicit OverlayProcess(Root kind = Root::kPivoted)
      : child_([this, kind](const ChildProcess::Channel&) { become_it(kind); }) {}

  int pid() const { return child_.pid(); }

  /// Waits until its loader has done its work.
  bool is_running() const {
    return eventually([this] {
             return has_ended() || (find("/app/program") && find("libuv.so") && find("libc.so"));
           }) &&
           !has_ended();
  }

  /// Its executable mapping of the file whose path has `part` in it.
  Mapping mapping_of(const std::string& part) const { return find(part).value_or(Mapping()); }

  /// Its root directory, for changes while it runs.
  std::filesystem::path root() const { return "/proc/" + std::to_string(pid()) + "/root"; }

 private:
#if defined(__x86_64__)
  static constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";
  static constexpr const char* kLibrary = "/lib/x86_64-linux-gnu/libc.so.6";
  static constexpr const char* kOther = "/lib/x86_64-linux-gnu/libm.so.6";
#else
  static constexpr const char* kLoader = "/lib/ld-linux-aarch64.so.1";
  static constexpr const char* kLibrary = "/lib/aarch64-linux-gnu/libc.so.6";
  static constexpr const char* kOther = "/lib/aarch64-linux-gnu/libm.so.6";
#endif

  std::optional<Mapping> find(const std::string& part) const {
    const auto map = read_memory_map(pid());
    if (!map) return std::nullopt;
    for (const Mapping& mapping : map->mappings()) {
      const bool is_it = mapping.path.find(part) != std::string::npos;
      if (mapping.executable && is_it) return mapping;
    }
    return std::nullopt;
  }

  bool has_ended() const {
    siginfo_t info{};
    constexpr int kLook = WEXITED | WNOWAIT | WNOHANG;
    return ::waitid(P_PID, static_cast<id_t>(pid()), &info, kLook) != 0 || info.si_pid != 0;
  }

  void become_it(Root kind) const {
    namespace fs = std::filesystem;
    const fs::path place = directory_ / "";
    if (::unshare(CLONE_NEWNS) != 0) return;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    if (::mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr) != 0) return;
    fs::current_path(place);
    for (const char* name : {"up", "work", "root", "low/app"}) fs::create_directories(name);
    copy("/bin/sleep", "/app/program");
    copy(kLoader, kLoader);
    copy(kLibrary, kLibrary);
    copy(kOther, "/app/libuv.so.1");
    constexpr const char* kLayers = "lowerdir=low,upperdir=up,workdir=work";
    if (::mount("overlay", "root", "overlay", 0, kLayers) != 0) return;
    fs::current_path("root");
    if (kind == Root::kPivoted) {
      if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0) return;
    } else if (::chroot(".") != 0) {
      return;
    }
    const char* const environment[] = {"LD_PRELOAD=/app/libuv.so.1", nullptr};
    ::execle("/app/program", "program", "1000", nullptr, environment);
  }

  static void copy(const char* from, const char* to) {
    const std::filesystem::path path = std::string("low") + to;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::copy_file(std::filesystem::canonical(from), path);
  }

  TemporaryDirectory directory_;
  ChildProcess child_;
};

}  // namespace loopscope
