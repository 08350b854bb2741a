#include "target/discovery.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/fake_clock.h"
#include "support/overlay_process.h"
#include "support/own_capabilities.h"
#include "support/temporary_directory.h"
#include "target/loaded_image.h"

namespace loopscope {
namespace {

using Kind = SelectEntry::Kind;

// What Node's inspector says of itself; read back by the test of find_node_version.
[[gnu::used]] const char kVersionMark[] = "node.js/v91.82.73";

std::string unique_name() { return "lt" + std::to_string(::getpid()); }

/// Binds to a free port of the loopback address and tells it.
int bind_and_tell(const ChildProcess::Channel& parent) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket, generic, size) != 0 || ::getsockname(socket, generic, &size) != 0) {
    ::_exit(9);
  }
  const std::uint16_t port = ntohs(address.sin_port);
  parent.say(static_cast<char>(port >> 8));
  parent.say(static_cast<char>(port & 255));
  return socket;
}

/// Listens and waits in epoll.
void serve(const ChildProcess::Channel& parent) {
  ::prctl(PR_SET_NAME, ("lt" + std::to_string(::getppid())).c_str());
  if (::listen(bind_and_tell(parent), 8) != 0) ::_exit(9);
  parent.say('r');
  const int epoll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, parent.in, &event);
  ::epoll_wait(epoll, &event, 1, -1);
}

/// Listens, waits in epoll until told something, and is blocked from then on.
void serve_and_block(const ChildProcess::Channel& parent) {
  serve(parent);
  parent.hear();
  parent.say('b');
  ::pause();
}

/// A program without an event loop. (This test's own image may well have uv_run.)
class Idler {
 public:
  Idler() : program_(directory_ / unique_name()), child_(start(program_)) {
    std::filesystem::copy_file("/bin/sleep", program_);
    child_.tell('g');
    const std::string link = "/proc/" + std::to_string(child_.pid()) + "/exe";
    std::error_code error;
    is_running_ =
        eventually([&] { return std::filesystem::read_symlink(link, error) == program_; });
  }
  int pid() const { return child_.pid(); }
  bool is_running() const { return is_running_; }

 private:
  static std::function<void(const ChildProcess::Channel&)> start(const std::string& program) {
    return [program](const ChildProcess::Channel& parent) {
      parent.hear();
      ::execl(program.c_str(), program.c_str(), "1000", nullptr);
    };
  }

  TemporaryDirectory directory_;
  std::string program_;
  ChildProcess child_;
  bool is_running_ = false;
};

std::uint16_t bound_port(const ChildProcess& server) {
  const auto high = static_cast<unsigned char>(server.hear());
  const auto low = static_cast<unsigned char>(server.hear());
  return static_cast<std::uint16_t>(high << 8 | low);
}

/// The port of a child that runs serve(), once it listens.
std::uint16_t port_of(const ChildProcess& server) {
  const std::uint16_t port = bound_port(server);
  EXPECT_EQ(server.hear(), 'r');
  return port;
}

Selection only(SelectEntry entry) {
  Selection selection;
  selection.entries.push_back(std::move(entry));
  return selection;
}

SelectEntry by_pid(int pid) {
  SelectEntry entry;
  entry.kind = Kind::kPid;
  entry.pid = pid;
  return entry;
}

SelectEntry by_port(std::uint16_t port) {
  SelectEntry entry;
  entry.kind = Kind::kPort;
  entry.port = port;
  return entry;
}

SelectEntry by_descent(int pid) {
  SelectEntry entry;
  entry.kind = Kind::kChild;
  entry.pid = pid;
  return entry;
}

SelectEntry by_name(const std::string& name) {
  SelectEntry entry;
  entry.kind = Kind::kName;
  entry.name_matches = [name](std::string_view text) { return text == name; };
  entry.pattern = name;
  return entry;
}

const FoundProcess* find(const DiscoveryResult& result, int pid) {
  const auto found = std::find_if(result.found.begin(), result.found.end(),
                                  [pid](const FoundProcess& p) { return p.id.pid == pid; });
  return found != result.found.end() ? &*found : nullptr;
}

TEST(Discovery, FindsAProcessByEachSelector) {
  ChildProcess server(serve);
  const std::uint16_t port = port_of(server);
  const FakeClock clock;
  for (const SelectEntry& entry :
       {by_pid(server.pid()), by_name(unique_name()), by_port(port), by_descent(::getpid())}) {
    Discovery discovery(only(entry), clock);
    const DiscoveryResult result = discovery.scan();
    ASSERT_EQ(result.found.size(), 1U) << static_cast<int>(entry.kind);
    const FoundProcess& process = result.found[0];
    EXPECT_EQ(process.id.pid, server.pid());
    EXPECT_TRUE(is_alive(process.id));
    EXPECT_EQ(process.comm, unique_name());
    EXPECT_EQ(process.label, unique_name());
    EXPECT_TRUE(result.skipped.empty());
  }
}

TEST(Discovery, FindsEverythingThatListensAndLoops) {
  ChildProcess server(serve);
  port_of(server);
  const Idler idler;
  ASSERT_TRUE(idler.is_running());
  FakeClock clock;
  Discovery discovery({}, clock);
  // It may be on its way into epoll_wait at the first looks.
  ASSERT_TRUE(eventually([&] {
    clock.advance(std::chrono::seconds(20));
    return find(discovery.scan(), server.pid()) != nullptr;
  }));
  const DiscoveryResult result = discovery.scan();
  EXPECT_EQ(find(result, idler.pid()), nullptr);
  EXPECT_EQ(find(result, ::getpid()), nullptr);
  EXPECT_TRUE(result.skipped.empty());
}

TEST(Discovery, SaysWhyNot) {
  const Idler idler;
  ASSERT_TRUE(idler.is_running());
  const FakeClock clock;
  const auto reason = [&](SelectEntry entry) {
    const DiscoveryResult result = Discovery(only(std::move(entry)), clock).scan();
    EXPECT_TRUE(result.found.empty());
    return result.skipped.size() == 1 ? result.skipped[0].reason : std::string();
  };
  const std::string pid = std::to_string(idler.pid());
  EXPECT_EQ(reason(by_pid(idler.pid())),
            "process " + pid + " (" + unique_name() +
                ") has no event loop: no image in it has uv_run, and it has no epoll descriptor");
  EXPECT_EQ(reason(by_pid(2147483647)), "no process has pid 2147483647");
  EXPECT_EQ(reason(by_pid(::getpid())),
            "process " + std::to_string(::getpid()) + " is Loopscope itself");
  EXPECT_EQ(reason(by_name("nobody")), "no process matches the name \"nobody\"");
  EXPECT_EQ(reason(by_port(1)), "no process listens on TCP port 1");
}

TEST(Discovery, NeverSelectsTheSupervisor) {
  ChildProcess server(serve);
  port_of(server);
  const FakeClock clock;
  Selection selection;
  selection.entries = {by_pid(server.pid()), by_name(unique_name())};
  EXPECT_EQ(Discovery(selection, clock).scan().found.size(), 1U);
  selection.supervisor_pid = server.pid();
  const DiscoveryResult result = Discovery(selection, clock).scan();
  EXPECT_EQ(find(result, server.pid()), nullptr);
  ASSERT_FALSE(result.skipped.empty());
  EXPECT_EQ(result.skipped[0].reason,
            "process " + std::to_string(server.pid()) + " is Loopscope itself");
}

TEST(Discovery, GivesEachProcessToTheFirstEntryThatChoosesIt) {
  ChildProcess server(serve);
  port_of(server);
  Selection selection;
  selection.entries = {by_pid(2147483647), by_name(unique_name()), by_pid(server.pid())};
  selection.entries[1].label = "shop";
  const FakeClock clock;
  Discovery discovery(std::move(selection), clock);
  const DiscoveryResult result = discovery.scan();
  ASSERT_EQ(result.found.size(), 1U);
  EXPECT_EQ(result.found[0].entry, 1U);
  EXPECT_EQ(result.found[0].label, "shop");
  ASSERT_EQ(result.skipped.size(), 1U);
  EXPECT_EQ(result.skipped[0].entry, 0U);
}

TEST(Discovery, ForgetsTheDead) {
  ChildProcess server(serve);
  port_of(server);
  const FakeClock clock;
  Discovery discovery(only(by_pid(server.pid())), clock);
  ASSERT_EQ(discovery.scan().found.size(), 1U);
  server.kill();  // a zombie now
  EXPECT_TRUE(discovery.scan().found.empty());
  server.wait();
  const DiscoveryResult result = discovery.scan();
  EXPECT_TRUE(result.found.empty());
  ASSERT_EQ(result.skipped.size(), 1U);
  EXPECT_EQ(result.skipped[0].reason, "no process has pid " + std::to_string(server.pid()));
}

TEST(Discovery, SeesThatAProcessBecameAnotherProgram) {
  ChildProcess server([](const ChildProcess::Channel& parent) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    parent.say(epoll >= 0 ? 'r' : 'x');
    parent.hear();
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
  });
  ASSERT_EQ(server.hear(), 'r');
  const FakeClock clock;
  Discovery discovery(only(by_pid(server.pid())), clock);
  ASSERT_EQ(discovery.scan().found.size(), 1U);
  server.tell('x');
  EXPECT_TRUE(eventually([&] { return discovery.scan().found.empty(); }));
}

TEST(Discovery, LooksAgainAtWhatItLeftOut) {
  ChildProcess late([](const ChildProcess::Channel& parent) {
    const int socket = bind_and_tell(parent);
    const int epoll = ::epoll_create1(0);
    parent.hear();
    parent.say(epoll >= 0 && ::listen(socket, 8) == 0 ? 'l' : 'x');
    parent.hear();
  });
  FakeClock clock;
  Discovery discovery(only(by_port(bound_port(late))), clock);
  EXPECT_TRUE(discovery.scan().found.empty());
  late.tell('x');
  ASSERT_EQ(late.hear(), 'l');
  EXPECT_TRUE(discovery.scan().found.empty());  // the verdict is remembered
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(discovery.scan().found.size(), 1U);
}

TEST(Discovery, FollowsAChangedSelection) {
  ChildProcess first(serve);
  ChildProcess second(serve);
  port_of(first);
  port_of(second);
  const FakeClock clock;
  Discovery discovery(only(by_pid(first.pid())), clock);
  EXPECT_NE(find(discovery.scan(), first.pid()), nullptr);
  discovery.set_selection(only(by_pid(second.pid())));
  const DiscoveryResult result = discovery.scan();
  EXPECT_EQ(find(result, first.pid()), nullptr);
  EXPECT_NE(find(result, second.pid()), nullptr);
}

/// A server that has started a worker: its child waits in epoll and listens nowhere.
class Cluster {
 public:
  Cluster() : primary_(run) {
    port_ = port_of(primary_);
    for (int shift = 24; shift >= 0; shift -= 8) {
      worker_ |= static_cast<unsigned char>(primary_.hear()) << shift;
    }
  }
  int primary() const { return primary_.pid(); }
  int worker() const { return worker_; }
  std::uint16_t port() const { return port_; }

 private:
  static void run(const ChildProcess::Channel& parent) {
    ::prctl(PR_SET_NAME, ("lt" + std::to_string(::getppid())).c_str());
    const int socket = bind_and_tell(parent);
    if (::listen(socket, 8) != 0) ::_exit(9);
    parent.say('r');
    const int primary = ::getpid();
    const int worker = ::fork();
    if (worker == 0) {
      ::close(socket);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != primary) ::_exit(9);
      ::prctl(PR_SET_NAME, "lt worker");
    } else {
      for (int shift = 24; shift >= 0; shift -= 8) parent.say(static_cast<char>(worker >> shift));
    }
    const int epoll = ::epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    if (worker != 0) ::epoll_ctl(epoll, EPOLL_CTL_ADD, parent.in, &event);
    ::epoll_wait(epoll, &event, 1, -1);
  }

  ChildProcess primary_;
  std::uint16_t port_ = 0;
  int worker_ = 0;
};

TEST(Discovery, WhoSelectsAProcessSelectsWhatItHasStarted) {
  const Cluster cluster;
  ChildProcess stranger(serve);
  port_of(stranger);
  FakeClock clock;
  SelectEntry named = by_pid(cluster.primary());
  named.label = "shop";
  for (const SelectEntry& entry : {named, by_port(cluster.port())}) {
    Discovery discovery(only(entry), clock);
    DiscoveryResult result;
    // It may be on its way into epoll_wait at the first looks.
    ASSERT_TRUE(eventually([&] {
      clock.advance(std::chrono::seconds(20));
      result = discovery.scan();
      return find(result, cluster.worker()) != nullptr;
    }));
    EXPECT_EQ(result.found.size(), 2U);
    ASSERT_NE(find(result, cluster.primary()), nullptr);
    EXPECT_FALSE(find(result, cluster.primary())->by_descent);
    const FoundProcess& worker = *find(result, cluster.worker());
    EXPECT_TRUE(worker.by_descent);
    EXPECT_EQ(worker.entry, 0U);
    EXPECT_EQ(worker.label, entry.label.empty() ? "lt worker" : "shop");
    EXPECT_TRUE(result.skipped.empty());
  }
}

TEST(Discovery, AnEntryOfItsOwnGoesBeforeDescent) {
  const Cluster cluster;
  FakeClock clock;
  Selection selection;
  selection.entries = {by_pid(cluster.primary()), by_pid(cluster.worker())};
  Discovery discovery(std::move(selection), clock);
  const DiscoveryResult result = discovery.scan();
  ASSERT_NE(find(result, cluster.worker()), nullptr);
  EXPECT_EQ(find(result, cluster.worker())->entry, 1U);
  EXPECT_FALSE(find(result, cluster.worker())->by_descent);
}

TEST(Discovery, WithoutASelectionAForkOfAServerIsTakenIn) {
  const Cluster cluster;
  FakeClock clock;
  Discovery discovery({}, clock);
  EXPECT_TRUE(eventually([&] {
    clock.advance(std::chrono::seconds(20));
    const DiscoveryResult result = discovery.scan();
    return find(result, cluster.primary()) != nullptr && find(result, cluster.worker()) != nullptr;
  }));
}

TEST(Discovery, AProgramIsReadOnceForEachExec) {
  ChildProcess child([](const ChildProcess::Channel& parent) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    ::prctl(PR_SET_NAME, "first name");
    parent.say(epoll >= 0 ? 'r' : 'x');
    parent.hear();
    ::prctl(PR_SET_NAME, "second name");
    parent.say('r');
    parent.hear();
  });
  ASSERT_EQ(child.hear(), 'r');
  FakeClock clock;
  Discovery discovery(only(by_pid(child.pid())), clock);
  DiscoveryResult result = discovery.scan();
  ASSERT_EQ(result.found.size(), 1U);
  EXPECT_EQ(result.found[0].program.name, "first name");
  child.tell('x');
  ASSERT_EQ(child.hear(), 'r');
  for (int look = 0; look < 3; ++look) {
    discovery.doubt(child.pid());
    clock.advance(std::chrono::seconds(20));
    result = discovery.scan();
    ASSERT_EQ(result.found.size(), 1U);
    EXPECT_EQ(result.found[0].program.name, "first name");
    EXPECT_EQ(result.found[0].label, "first name");
  }
}

TEST(Discovery, FindsByNameWhatItMustNotLookInto) {
  if (::getuid() != 0) GTEST_SKIP() << "must be root to give up rights";
  ChildProcess server(serve);
  const std::uint16_t port = port_of(server);
  const std::string name = unique_name();
  EXPECT_TRUE(true_in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return false;
    const FakeClock clock;
    const auto named = Discovery(only(by_name(name)), clock).scan();
    if (find(named, server.pid()) == nullptr) return false;
    const auto listening = Discovery(only(by_port(port)), clock).scan();
    return listening.found.empty() && listening.skipped.size() == 1 &&
           listening.skipped[0].reason.find("CAP_SYS_PTRACE") != std::string::npos;
  }));
}

const LeftOutProcess* find_left_out(const DiscoveryResult& result, int pid) {
  const auto found = std::find_if(result.left_out.begin(), result.left_out.end(),
                                  [pid](const LeftOutProcess& p) { return p.id.pid == pid; });
  return found != result.left_out.end() ? &*found : nullptr;
}

TEST(Discovery, ABlockedLoopStaysFoundWhenTheSelectionChanges) {
  ChildProcess server(serve_and_block);
  port_of(server);
  FakeClock clock;
  Discovery discovery({}, clock);
  ASSERT_TRUE(eventually([&] {
    clock.advance(std::chrono::seconds(20));
    return find(discovery.scan(), server.pid()) != nullptr;
  }));
  server.tell('b');
  ASSERT_EQ(server.hear(), 'b');
  discovery.set_selection({});
  EXPECT_NE(find(discovery.scan(), server.pid()), nullptr);
}

TEST(Discovery, WhatIsRejectedStaysOut) {
  ChildProcess server(serve);
  port_of(server);
  FakeClock clock;
  Discovery discovery({}, clock);
  ASSERT_TRUE(eventually([&] {
    clock.advance(std::chrono::seconds(20));
    return find(discovery.scan(), server.pid()) != nullptr;
  }));
  discovery.reject(server.pid(), "it is none");
  for (int scan = 0; scan < 3; ++scan) {
    const DiscoveryResult result = discovery.scan();
    EXPECT_EQ(find(result, server.pid()), nullptr);
    const LeftOutProcess* left_out = find_left_out(result, server.pid());
    ASSERT_NE(left_out, nullptr);
    EXPECT_EQ(left_out->reason, "it is none");
    clock.advance(std::chrono::seconds(20));
    discovery.set_selection({});
  }
}

TEST(Discovery, DoesNotLoseWhatItCannotLookAt) {
  ChildProcess server(serve);
  port_of(server);
  EXPECT_TRUE(true_in_child([&] {
    FakeClock clock;
    Discovery discovery(only(by_pid(server.pid())), clock);
    if (find(discovery.scan(), server.pid()) == nullptr) return false;
    std::vector<UniqueFd> all;
    while (true) {
      all.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!all.back().valid()) break;
    }
    for (int left = 0; left <= 10; ++left) {
      const DiscoveryResult short_of_files = discovery.scan();
      clock.advance(std::chrono::seconds(20));
      if (find(short_of_files, server.pid()) == nullptr || !short_of_files.skipped.empty()) {
        return false;
      }
      const bool has_said_so =
          short_of_files.problem.find("Too many open files") != std::string::npos;
      if (has_said_so != (left < 10)) return false;
      all.pop_back();
    }
    return true;
  }));
}

/// What the next test runs; ends by a signal.
TEST(RuntimeInfo, DISABLED_Waits) { ::pause(); }

/// Writes this program to `path`, as a Node of another version.
void write_version(const std::filesystem::path& path, char last_digit) {
  std::ifstream own("/proc/self/exe", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(own), std::istreambuf_iterator<char>()};
  const std::string mark = kVersionMark;
  for (auto at = bytes.find(mark); at != std::string::npos; at = bytes.find(mark, at + 1)) {
    bytes[at + mark.size() - 1] = last_digit;
  }
  std::ofstream(path, std::ios::binary) << bytes;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST(RuntimeInfo, LooksAgainAtAFileThatHasChanged) {
  const TemporaryDirectory directory;
  // By that name it has Node's version, whether it has libuv or not.
  const std::filesystem::path program = directory / "libnode.so.1";
  RuntimeProbe probe;
  for (const char digit : {'3', '4'}) {
    write_version(program, digit);  // in place: the inode stays
    const ChildProcess child([&program](const ChildProcess::Channel&) {
      ::execl(program.c_str(), program.c_str(), "--gtest_filter=RuntimeInfo.DISABLED_Waits",
              "--gtest_also_run_disabled_tests", nullptr);
    });
    const std::string right = std::string("91.82.7") + digit;
    EXPECT_TRUE(eventually([&] {
      const auto info = probe.probe(child.pid());
      return info && info->version == right;
    })) << right;
  }
}

TEST(RuntimeInfo, SaysThatALibraryOfLibuvsNameCannotBeRead) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  const int pid = process.pid();
  const auto is_said = [pid](const std::string& part) {
    return true_in_child([&] {
      RuntimeProbe probe;
      if (!without_capabilities({CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE})) return false;
      const auto info = probe.probe(pid);
      return info && (part.empty() ? info->unreadable.empty()
                                   : info->unreadable.find(part) != std::string::npos);
    });
  };
  EXPECT_TRUE(is_said(""));
  const std::filesystem::path library = process.root() / "app/libuv.so.1";
  std::filesystem::copy_file("/bin/true", library.string() + ".new");
  std::filesystem::rename(library.string() + ".new", library);
  EXPECT_TRUE(is_said("deleted or replaced"));
}

TEST(RuntimeInfo, TellsNodesVersion) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const auto image = load_main_image(::getpid(), *map);
  ASSERT_TRUE(image);
  EXPECT_EQ(find_node_version(*image->elf), std::string(kVersionMark + std::strlen("node.js/v")));
}

TEST(RuntimeInfo, OfAnEndedProcessIsAnError) {
  RuntimeProbe probe;
  EXPECT_FALSE(probe.probe(2147483647).ok());
  const auto own = probe.probe(::getpid());
  ASSERT_TRUE(own);
  EXPECT_TRUE(own->version.empty() || own->name == "node");
}

}  // namespace
}  // namespace loopscope
