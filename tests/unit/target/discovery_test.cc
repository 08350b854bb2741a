#include "target/discovery.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>

#include "support/child_process.h"
#include "support/fake_clock.h"
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
  EXPECT_EQ(reason(by_name("no process is called so")), "no process matches the name");
  EXPECT_EQ(reason(by_port(1)), "no process listens on TCP port 1");
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
