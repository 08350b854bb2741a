#include "engine/observer_log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace loopscope {
namespace {

class ObserverLogTest : public ::testing::Test {
 protected:
  ObserverLogTest() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    sink->set_pattern("%l %v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  }
  ~ObserverLogTest() override { spdlog::set_default_logger(before_); }

  std::string said() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  ObserverLog log_;

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(ObserverLogTest, TellsEachProblemOnce) {
  log_.problem(7, "procfs", "not allowed");
  EXPECT_EQ(said(), "warning pid 7: procfs: not allowed\n");
  log_.problem(7, "procfs", "not allowed");
  log_.problem(7, "uv_stack", "not allowed");
  EXPECT_EQ(said(), "") << "one reason is one thing to tell";
  log_.problem(8, "procfs", "not allowed");
  log_.problem(0, "discovery", "no descriptors");
  EXPECT_EQ(said(), "warning pid 8: procfs: not allowed\nwarning discovery: no descriptors\n");
}

TEST_F(ObserverLogTest, TellsThePodWhereItIsKnown) {
  FoundProcess process;
  process.id.pid = 9;
  process.runtime.name = "node";
  LoopLabels labels;
  labels.process = "shop";
  labels.pid = 9;
  labels.extra = {{"container", "server"}, {"namespace", "shop"}, {"pod", "cart-7d9f"}};
  log_.found(process, labels);
  log_.problem(9, "procfs", "not allowed", labels);
  log_.gone(labels);
  EXPECT_EQ(said(),
            "info target found: shop slot 0 pid 9 pod shop/cart-7d9f (server) (node)\n"
            "warning pid 9 pod shop/cart-7d9f (server): procfs: not allowed\n"
            "info target gone: shop pid 9 pod shop/cart-7d9f (server)\n");
}

TEST_F(ObserverLogTest, TellsOnOneLineWhatIsLeftOut) {
  const LeftOutProcess go{.id = {.pid = 3, .start_time = 1}, .comm = "etcd", .reason = "Go"};
  const LeftOutProcess java{.id = {.pid = 5, .start_time = 1}, .comm = "java", .reason = "Java"};
  const LeftOutProcess kubelet{
      .id = {.pid = 4, .start_time = 1}, .comm = "kubelet", .reason = "Go"};
  log_.left_out({go, kubelet, java});
  EXPECT_EQ(said(),
            "info left out, no event loop: etcd pid 3, kubelet pid 4 (Go); java pid 5 (Java)\n");
  log_.left_out({go, kubelet, java});
  EXPECT_EQ(said(), "");
  LeftOutProcess again = go;
  again.id.start_time = 2;
  log_.left_out({again, java});
  EXPECT_EQ(said(), "info left out, no event loop: etcd pid 3 (Go)\n");
}

TEST_F(ObserverLogTest, TellsOfAProgramThatNothingSelectsHowToSelectIt) {
  log_.unselected({{.pid = 3, .name = "worker.py", .runtime = "python"},
                   {.pid = 4, .name = "worker.py", .runtime = "python"}});
  EXPECT_EQ(said(),
            "info left out: worker.py pid 3 has an event loop (python) and listens on no TCP port; "
            "to watch it, select it with --pid 3 or --name\n");
}

TEST_F(ObserverLogTest, TellsOfTargetsThatComeAndGo) {
  FoundProcess process;
  process.id.pid = 9;
  process.runtime.name = "node";
  process.runtime.version = "22.23.3";
  LoopLabels labels;
  labels.process = "shop";
  labels.pid = 9;
  labels.slot = 1;
  log_.found(process, labels);
  process.runtime.version.clear();
  log_.found(process, labels);
  log_.gone(labels);
  EXPECT_EQ(said(),
            "info target found: shop slot 1 pid 9 (node 22.23.3)\n"
            "info target found: shop slot 1 pid 9 (node)\ninfo target gone: shop pid 9\n");
}

TEST_F(ObserverLogTest, ForgetsBeforeItGrowsForEver) {
  for (int i = 0; i < 4096; ++i) log_.problem(i, "procfs", "not allowed");
  said();
  log_.problem(4096, "procfs", "not allowed");
  log_.problem(1, "procfs", "not allowed");
  EXPECT_EQ(said(), "warning pid 4096: procfs: not allowed\nwarning pid 1: procfs: not allowed\n");
}

}  // namespace
}  // namespace loopscope
