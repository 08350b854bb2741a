#!/usr/bin/env python3
"""`loopscope top`: lines for a pipe, a live table in a real terminal (tmux)."""

import os
import re
import signal
import subprocess
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.tmux import Tmux

NODE = "22"
COLUMNS = ["TIME", "PROCESS", "PID", "LOOP", "PHASES", "UTIL%", "LAG_P99_MS", "LAG_MAX_MS",
           "BLOCKED_MS", "STALLS/MIN", "BACKLOG", "SLOT", "LAST_STALL"]
STALL_MS = 400


def rows(lines, *names):
    """The names of the processes shown, from the top."""
    found = (line.split(" ")[0] for line in lines)
    return [name for name in found if name in names]


def headers(lines):
    return [line for line in lines if line.startswith("PROCESS")]


class TopCase(EndToEndCase):
    def target(self, package=None, *, script=None):
        """A process that is called after its package, else after its script."""
        path = self.called("top_target.js", script=script, package=package)
        return self.node(NODE, path, name=f"node {NODE} top_target.js")


class PlainTest(TopCase):
    def plain(self, *arguments):
        return self.spawn(env.loopscope(), "top", *arguments, name="loopscope top")

    def test_a_stall_shows_in_lines(self):
        target = self.target("plain-target")
        # Not on a terminal: --plain need not be said.
        top = self.plain("--pid", target.pid, "--interval", "250ms")
        top.wait_line(rf"plain-target +{target.pid} main ", timeout=20)
        target.ask(f"spin {STALL_MS}")
        # A row that was begun after it: a loop not blocked now, and who was to blame.
        top.wait_line(r" 0\.0 +1 +- +0 computeTotals .*top_target\.js:\d+$", timeout=20)
        top.signal(signal.SIGTERM)
        self.assertEqual(top.wait(), 0)

        self.assertEqual(top.lines()[0].split(), COLUMNS)
        table = [line.split(None, len(COLUMNS) - 1) for line in top.lines()[1:]]
        last = dict(zip(COLUMNS, table[-1]))
        self.assertEqual(last["STALLS/MIN"], "1")
        self.assertGreaterEqual(float(last["LAG_MAX_MS"]), STALL_MS * 0.9)
        self.assertLess(float(last["LAG_MAX_MS"]), STALL_MS * 5)
        self.assertGreater(max(float(row[5]) for row in table if row[5] != "-"), 20, "UTIL%")
        self.assertTrue(any("T" in row[4] for row in table), "the stall was in a timer")
        for line in top.lines():
            self.assertNotRegex(line, r"[\x00-\x1f\x7f-\x9f]")

    def test_count_ends_it(self):
        target = self.target("counted")
        top = self.plain("--plain", "--pid", target.pid, "--interval", "200ms", "--count", "3")
        self.assertEqual(top.wait(30), 0)
        self.assertEqual(len(top.lines()), 4, "a header and three rows")

    def test_a_program_of_its_own(self):
        top = self.plain("--interval", "200ms", "--", env.node(NODE), "-e",
                         "console.log('its output'); setTimeout(() => process.exit(0), 3000)")
        top.wait_line(r" main +\.+ ", timeout=20)
        self.assertEqual(top.wait(30), 0)
        self.assertIn("its output", top.text("stderr"))
        self.assertNotIn("its output", top.text("stdout"))

    def test_a_process_that_is_not_there(self):
        top = self.plain("--pid", 4194304)
        self.assertEqual(top.wait(), 1)
        self.assertIn("4194304", top.text())

    def test_a_reader_that_leaves(self):
        target = self.target("piped")
        command = f"{env.loopscope()} top --pid {target.pid} --interval 100ms | head -n 1"
        done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=30, check=False)
        self.assertEqual(done.stdout.split(), [word.encode() for word in COLUMNS])
        self.assertEqual(done.stderr, b"")


class TerminalTest(TopCase):
    def top(self, *arguments, **options):
        terminal = Tmux([env.loopscope(), "top", *arguments], self.temporary_directory(),
                        **options)
        self.addCleanup(terminal.close)
        return terminal

    def watch(self, target, *arguments, **options):
        """A terminal that shows the target's row."""
        options_ = ("--pid", target.pid, "--interval", "250ms", *arguments)
        terminal = self.top(*options_, **options)
        terminal.shows(lambda lines: any(f" {target.pid} " in line for line in lines), "row")
        return terminal

    def assert_left_clean(self, terminal, code=0):
        self.assertEqual(terminal.exit_code(), code)
        before, after = terminal.modes()
        self.assertEqual(after, before, "stty")
        self.assertEqual(terminal.state("alternate_on"), "0")
        self.assertEqual(terminal.state("cursor_flag"), "1")
        self.assertEqual(terminal.state("keypad_flag"), "0")
        self.assertEqual(terminal.state("keypad_cursor_flag"), "0")
        self.assertEqual([line for line in terminal.screen() if line], [], "the old screen")

    def test_columns_and_a_block_while_it_lasts(self):
        target = self.target("watched")
        terminal = self.watch(target)
        lines = terminal.screen()
        self.assertEqual(len(headers(lines)), 1)
        self.assertEqual(
            headers(lines)[0].split(),
            ["PROCESS", "PID", "LOOP", "PHASES", "UTIL", "LAGP99", "LAGMAX", "BLOCKED", "ST/MIN",
             "BACKLOG", "SLOT", "LAST", "STALL"],
        )
        self.assertIn("1 loop in 1 process", lines[0])
        self.assertIn("q quit", lines[-1])
        target.send("spin 4000")
        blocked = terminal.shows(
            lambda lines: "1 blocked" in lines[0]
            and any(re.search(r"^watched .*T{20} +100% .* \d+(\.\d+)?m?s ", line)
                    for line in lines),
            "row of a loop that is blocked",
        )
        self.assertTrue(blocked)
        terminal.shows(
            lambda lines: any(re.search(r"computeTotals top_target\.js:\d+$", line)
                              for line in lines),
            "function to blame",
        )
        terminal.type("q")
        self.assert_left_clean(terminal)

    def test_sort_keys_scrolling_and_pause(self):
        names = ("aaa", "mmm", "zzz")
        targets = [self.target("aaa"), self.target(script="mmm"), self.target("zzz")]
        pids = [word for target in targets for word in ("--pid", target.pid)]
        terminal = self.top(*pids, "--interval", "250ms")
        terminal.shows(lambda lines: len(rows(lines, *names)) == 3, "three rows")
        targets[1].ask(f"spin {STALL_MS}")

        def order(*expected):
            terminal.shows(lambda lines: rows(lines, *names) == list(expected), f"{expected}")

        terminal.type("l")
        terminal.shows(lambda lines: rows(lines, *names)[:1] == ["mmm"], "the late one on top")
        terminal.type("n")
        order("aaa", "mmm", "zzz")
        terminal.type("r")
        order("zzz", "mmm", "aaa")
        terminal.type("s")
        order("mmm", "aaa", "zzz")
        terminal.type("n", "?")
        terminal.shows(lambda lines: any("T timers" in line for line in lines), "legend")
        terminal.type("?")
        terminal.shows(lambda lines: not any("T timers" in line for line in lines), "less help")

        terminal.resize(140, 4)  # a header and three rows
        order("aaa", "mmm", "zzz")
        terminal.resize(140, 3)
        order("aaa", "mmm")
        for key, expected in (("End", ("mmm", "zzz")), ("Home", ("aaa", "mmm")),
                              ("Down", ("mmm", "zzz")), ("Up", ("aaa", "mmm")),
                              ("PageDown", ("mmm", "zzz")), ("PageUp", ("aaa", "mmm"))):
            terminal.type(key)
            order(*expected)
        terminal.resize(140, 24)
        order("aaa", "mmm", "zzz")

        terminal.type("Space")
        terminal.shows(lambda lines: lines[0].startswith("PAUSED"), "pause")
        targets[0].kill()
        targets[2].ask(f"spin {STALL_MS}")
        self.assertEqual(rows(terminal.screen(), *names), list(names))
        terminal.type("Space")
        order("mmm", "zzz")
        terminal.type("q")
        self.assert_left_clean(terminal)

    def test_resize_relays_out_at_once(self):
        # No table comes within the test: what is drawn is drawn because of the resize.
        terminal = self.top("--pid", os.getpid(), "--interval", "1h")
        terminal.shows(lambda lines: "looking for" in "".join(lines), "first screen")
        for columns, height in ((80, 20), (40, 10), (200, 50), (20, 5), (10, 2), (140, 24)):
            terminal.resize(columns, height)
            lines = terminal.shows(
                lambda lines: len(lines) == height
                and len(headers(lines)) == 1
                and ("LAGP99" in headers(lines)[0]) == (columns >= 110)
                and (height < 8 or lines[-1].startswith("q quit"[:columns])),
                f"layout of {columns} by {height}",
            )
            self.assertEqual(sum("q quit" in line for line in lines), int(height >= 8))
            self.assertLessEqual(len(headers(lines)[0]), columns)
        terminal.type("q")
        self.assert_left_clean(terminal)

    def check_hostile_target(self, target, shown):
        """`shown`: what stands for its name, as a pattern."""
        terminal = self.watch(target)
        title = terminal.state("pane_title")
        target.ask(f"evil {STALL_MS}")
        lines = terminal.shows(
            lambda lines: any("]0;owned" in line for line in lines), "hostile function"
        )
        row = next(line for line in lines if "]0;owned" in line)
        self.assertRegex(row, rf"^{shown} +{target.pid} main ")
        self.assertIn("LAST STALL", headers(lines)[0])
        self.assertIn("1 loop in 1 process", lines[0])
        self.assertEqual(row.index("]0;owned"), headers(lines)[0].index("LAST STALL") + 1)
        self.assertNotIn("owned", terminal.state("pane_title"))
        self.assertEqual(terminal.state("pane_title"), title)
        self.assertNotRegex("".join(lines), "[\x00-\x1f\x7f-\x9f\u202e]")
        terminal.type("q")
        self.assert_left_clean(terminal)

    def test_hostile_names_stay_text(self):
        with self.subTest("script"):
            name = "\x1b[2J\x1b]0;bad\x07\u202e\x9bm"
            self.check_hostile_target(self.target(script=name), r"[?]\[2J[?]\]0;bad[?]..m")
        with self.subTest("package"):
            # With one of ASCII's control characters it would be no name.
            name = "\u202e\x9b2Jbad"
            self.check_hostile_target(self.target(name), r"..2Jbad")

    def test_every_way_to_leave(self):
        target = self.target("left")
        ways = {
            "Ctrl-C": lambda terminal: terminal.type("C-c"),
            "SIGINT": lambda terminal: os.kill(terminal.pid(), signal.SIGINT),
            "SIGTERM": lambda terminal: os.kill(terminal.pid(), signal.SIGTERM),
            "SIGHUP": lambda terminal: os.kill(terminal.pid(), signal.SIGHUP),
        }
        for name, leave in ways.items():
            with self.subTest(way=name):
                terminal = self.watch(target)
                leave(terminal)
                self.assert_left_clean(terminal)
        with self.subTest(way="--count"):
            terminal = self.top("--pid", target.pid, "--interval", "200ms", "--count", "2")
            self.assert_left_clean(terminal)

    def test_terminals_of_all_kinds(self):
        target = self.target("anywhere")
        for term in ("xterm-256color", "screen-256color", "tmux-256color", "screen", "linux",
                     "vt100"):
            with self.subTest(term=term):
                terminal = self.watch(target, term=term)
                self.assertEqual(terminal.state("alternate_on"),
                                 "0" if term in ("linux", "vt100") else "1")
                terminal.type("q")
                self.assertEqual(terminal.exit_code(), 0)
                self.assertEqual(*terminal.modes())

    def test_no_colour_and_no_utf8(self):
        target = self.target("gr\u00f6\u00dfe")
        colour = re.compile(r"\x1b\[[0-9;]*\b3[0-7]m")

        def coloured(**environment):
            terminal = self.watch(target, environment=environment)
            target.ask("spin 700")  # makes a figure that is coloured where colours are
            terminal.shows(lambda lines: any("computeTotals" in line for line in lines), "stall")
            found = bool(colour.search(terminal.raw_screen()))
            terminal.close()
            return found

        self.assertTrue(coloured())
        self.assertTrue(coloured(NO_COLOR=""))
        self.assertFalse(coloured(NO_COLOR="1"))
        terminal = self.watch(target, environment={"LC_ALL": "C"})
        self.assertEqual([line.split()[0] for line in terminal.screen() if f" {target.pid} " in line],
                         ["gr??e"])

    def test_a_terminal_that_can_nothing(self):
        target = self.target("dumb")
        terminal = self.watch(target, term="dumb", columns=250)
        self.assertEqual(terminal.state("alternate_on"), "0")
        self.assertEqual(terminal.screen()[0].split(), COLUMNS)
        terminal.type("C-c")
        self.assertEqual(terminal.exit_code(), 0)

    def test_ctrl_z_gives_the_terminal_back_and_takes_it_again(self):
        target = self.target("stopped")
        terminal = self.watch(target)
        terminal.type("C-z")
        terminal.shows(lambda _: terminal.state("alternate_on") == "0", "the terminal as it was")
        os.kill(terminal.pid(), signal.SIGCONT)
        terminal.shows(lambda lines: any(f" {target.pid} " in line for line in lines), "row")
        terminal.type("q")
        self.assert_left_clean(terminal)


if __name__ == "__main__":
    unittest.main(verbosity=2)
