#include "apps/loopscope/watch_options.h"

#include "apps/loopscope/cli_options.h"
#include "base/whole_number.h"

namespace loopscope {
namespace {

using namespace std::chrono_literals;

constexpr DurationBounds kTopIntervalBounds{100ms, 1h};
constexpr long kMaxTables = 1'000'000'000;

constexpr char kTopFooter[] =
    "Measures like run, in this process, without serving anything. On a terminal it shows a\n"
    "live table:\n"
    "  l u b s B n                       sort by lag, utilization, backlog, stalls, blocked, name\n"
    "  r                                 reverse the order\n"
    "  arrows, PageUp/Down, Home, End    scroll\n"
    "  space                             pause\n"
    "  ?                                 what letters and columns mean\n"
    "  q, Ctrl-C                         quit\n"
    "Elsewhere, with --plain or TERM=dumb, it prints a line per loop and interval; times are in\n"
    "milliseconds, - is unknown. NO_COLOR is respected.\n"
    "\n"
    "PHASES is where the time since the last look went, a letter per phase: T timers, P pending,\n"
    "I idle/prepare, O poll (I/O), C check, X closing, ? unknown, . waiting. Lag and stalls are\n"
    "those of the last minute. A program after -- has no terminal while the table is shown.\n"
    "\n"
    "Examples:\n"
    "  loopscope top                       every listening event loop\n"
    "  loopscope top --name 'server\\.js'\n"
    "  loopscope top --pid 4242 --plain --interval 5s --count 12 > table.txt";

Result<long> parse_count(const std::string& text) {
  return parse_whole_number(text, "number of tables", 1, kMaxTables);
}

}  // namespace

void add_watch_options(CLI::App& app, RunOptions& options) {
  constexpr bool kRepeatable = true;
  add_option(app, "--pid", "N", "Watch this process (repeatable)", collect(options.pids, parse_pid),
             kRepeatable);
  add_option(app, "--name", "REGEX",
             "Watch processes whose name or command line matches (repeatable)",
             collect(options.names, NamePattern::compile), kRepeatable);
  add_option(app, "--port", "N", "Watch processes that listen on this TCP port (repeatable)",
             collect(options.ports, parse_port), kRepeatable);
  add_option(app, "--config", "FILE", "Read settings from this YAML file",
             keep(options.config_file, parse_path));
  add_option(app, "--stall-threshold", "DURATION",
             "A loop busy for this long is stalled (default 50ms)",
             keep(options.stall_threshold, parse_bounded_duration, kStallThresholdBounds));
  add_option(app, "--sample-interval", "DURATION",
             "The fastest rate of looking at a loop (default 1ms)",
             keep(options.sample_interval, parse_bounded_duration, kSampleIntervalBounds));
  add_switch(app, "--no-stacks", "Do not look at stacks: stalls will not name functions",
             options.no_stacks);
}

CLI::App* add_top(CLI::App& app, TopOptions& options) {
  CLI::App* top = app.add_subcommand("top", "Show event loops in a live table at the terminal");
  top->footer(kTopFooter);
  add_watch_options(*top, options.watch);
  add_option(*top, "--interval", "DURATION", "A table so often (default 1s)",
             keep(options.interval, parse_bounded_duration, kTopIntervalBounds));
  add_option(*top, "--count", "N", "End after so many tables", keep(options.count, parse_count));
  add_switch(*top, "--plain", "Print lines, even at a terminal", options.plain);
  return top;
}

}  // namespace loopscope
