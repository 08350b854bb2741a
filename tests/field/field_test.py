#!/usr/bin/env python3
"""The judges are shown what was wrong and what would be right, without any program."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

FIELD_DIR = Path(__file__).resolve().parent
sys.path[:0] = [str(FIELD_DIR), str(FIELD_DIR.parent / "e2e")]

from repertoire import Repertoire  # noqa: E402
from report import Report  # noqa: E402
from transcript import Transcript, inside_of_runtime  # noqa: E402
from verdict import NOT_PLAYED, NOT_YET, RIGHT, WRONG, CannotPlay, Verdict, not_yet  # noqa: E402

STALL = "  stall {}/main {} ms phase=poll cause={} {} -> {!r} {}:{} detail=None"


def stall(ms, function, line, cause="cpu", causes="{}", process="node"):
    return STALL.format(process, ms, cause, causes, function, "/app/server.js", line)


class FakeStage:
    """Its scripts print the given texts, in their order."""

    def __init__(self, *texts, exit_code=0):
        self._texts = list(texts)
        self._exit_code = exit_code

    def script(self, *_, **__):
        return Transcript(self._texts.pop(0), self._exit_code)

    def copy(self, folder):
        return folder

    def npm(self, folder):
        pass

    def end_leftovers(self, folder):
        return 0


def verdict_of(name, *texts, **options):
    """The verdict of a handed case called so, which printed these texts."""
    with tempfile.TemporaryDirectory() as directory:
        case = Path(directory) / "handed" / name
        case.mkdir(parents=True)
        (case / "case.py").touch()
        repertoire = Repertoire(FakeStage(*texts, **options), [case.parent])
        (play,) = repertoire.chosen([f"handed/{name}"])
        with contextlib.redirect_stderr(io.StringIO()):
            return play.verdict()


MANY_LINES = """TRUTH ms: {{"flat":19327.2,"small":2450.2}}
series and seconds by function: {series}
log lines about stalls: 302 in 26 s, of them flat(): {logged}
top 5 by the README's query:
   eventloop_stall_culprit_seconds_total{{function="{first}",file="/a.js"}} 18"""
CLUSTER = """== rr primary 1 --port selects: {chosen} no selection: [('a', 1), ('a', 2), ('a', 3)]
   eventloop_blocked_seconds{{process="a",slot="1",loop="main"}} 2.7
TIME   PROCESS PID LOOP PHASES UTIL% LAG_P99_MS LAG_MAX_MS BLOCKED_MS STALLS/MIN BACKLOG LAST_STALL
2026-1 a       3   main OOOOOO 100.0 -          953.4      {blocked}  1          0/511   -
"""
SIGSTOP = [
    stall(806, "burn", 8),
    stall(1300, "burn", 8, "stopped", "{'cpu': 0.3, 'stopped': 0.995}"),
    stall(1509, "stopHere", 5, "blocked"),
]
CRON = "(blocked, timer lateness) every 0.25 s: [(0.4, 0.0), (1.7, LATE)]\n" + stall(
    2604, "backup", 6
)


class JudgesTest(unittest.TestCase):
    def check(self, name, *texts, wrong=""):
        verdict = verdict_of(name, *texts)
        self.assertEqual(verdict.kind, WRONG if wrong else RIGHT, verdict.seen)
        self.assertIn(wrong, verdict.seen)

    def test_many_lines(self):
        right = {"series": "{'flat': (1, 18.0)}", "logged": 4, "first": "flat"}
        for change, wrong in (
            ({}, ""),
            ({"series": "{'flat': (49, 18.0)}"}, "49 series of one function"),
            ({"series": "{'flat': (1, 10.9)}"}, "only 10.9 s"),
            ({"first": "other"}, "names another function first"),
            ({"logged": 289}, "289 log lines"),
        ):
            self.check("14_many_lines", MANY_LINES.format(**{**right, **change}), wrong=wrong)

    def test_cluster(self):
        right = {"chosen": "[('a', 1), ('a', 2), ('a', 3)]", "blocked": "953.4"}
        for change, wrong in (
            ({}, ""),
            ({"chosen": "[('a', 1)]"}, "--port sees 1"),
            ({"blocked": "0.0"}, "top --port shows no blocked loop"),
        ):
            self.check("16_cluster", CLUSTER.format(**{**right, **change}), wrong=wrong)

    def test_sigstop(self):
        idle = stall(2006, "", None, "stopped")
        self.check("19_sigstop_debugger", "\n".join([idle, *SIGSTOP]))
        blamed = stall(2006, "node::SpinEventLoopInternal", None, "stopped")
        for lines, wrong in (
            ([blamed, *SIGSTOP], "node::SpinEventLoopInternal"),
            (SIGSTOP, "no stall of 2 s"),
            ([idle, *SIGSTOP[:2]], "breakpoint"),
        ):
            self.check("19_sigstop_debugger", "\n".join(lines), wrong=wrong)

    def test_cron(self):
        self.check("24_cron", CRON.replace("LATE", "0.9"))
        self.check("24_cron", CRON.replace("LATE", "0.0"), wrong="lateness 0.0 s")
        self.check("24_cron", CRON.replace("LATE", "2.5"), wrong="lateness 2.5 s")

    def test_go_server(self):
        text = "loops of it: {}\n{} stalls, {} s of stall\n  log| left out\n"
        self.check("28_go_server", text.format("[]", 0, 0))
        self.check("28_go_server", text.format("[('esbuild',)]", 0, 0), wrong="1 loops")
        self.check("28_go_server", text.format("[]", 71, 32.5), wrong="71 stalls")

    def test_own_stop(self):
        text = '25 stalls; with a `stopped` part: {}\n   captures_total{{result="ptrace"}} {}'
        self.check("29_own_stop", text.format("[]", 49))
        self.check("29_own_stop", text.format("[(0.25, 0.003)]", 49), wrong="stopped by nobody")
        self.check("29_own_stop", text.format("[]", 0), wrong="no capture")

    def test_process_title(self):
        text = (
            "watched from before: [('api', 7)] ['api']\n['--name', 'server.js'] [('api', 7)] []\n"
            "['--port', '1'] [('{}', 7)] []"
        )
        self.check("31_process_title", text.format("api"))
        self.check("31_process_title", text.format("checkout"), wrong="2 names")

    def test_lines(self):
        late = "/poll (blocked, timer_lateness): [(1.5, 1.3)]\n/timer (blocked, timer_lateness): {}"
        text = "node 24 Counter({('oneLine', 5): 20, ('dateLine', %s): 20}) want lines 5 6"
        self.check("30_line_unknown", text % 6, late.format("[(1.5, 1.4)]"))
        self.check("30_line_unknown", text % 5, late.format("[(1.5, 1.4)]"), wrong="dateLine at")
        self.check("30_line_unknown", text % None, late.format("[(1.5, 1.4)]"), wrong="without a")
        self.check("30_line_unknown", text % 6, late.format("[(1.5, 0.0)]"), wrong="/timer")

    def test_what_is_not_promised_may_not_be_said_falsely(self):
        self.assertEqual(not_yet("seen", "why").kind, NOT_YET)
        self.assertEqual(not_yet("seen", "why", "a false name").kind, WRONG)

    def test_insides_of_runtimes(self):
        for name in ("Builtins_InterpreterEntryTrampoline", "PyObject_Vectorcall", "v8::Call"):
            found = Transcript(stall(500, name, None)).stalls()
            self.assertIn(name, inside_of_runtime(found))
        self.assertEqual(inside_of_runtime(Transcript(stall(500, "pyre", 3)).stalls()), "")


class RunnerTest(unittest.TestCase):
    def test_a_case_of_its_own_verdict(self):
        for text, code, kind in (
            ("all is well\nRIGHT", 0, RIGHT),
            ("nothing is\nWRONG", 1, WRONG),
            ("who knows", 0, NOT_PLAYED),
        ):
            self.assertEqual(verdict_of("99_new", text, exit_code=code).kind, kind)

    def test_output_that_a_judge_does_not_know_is_wrong(self):
        self.assertEqual(verdict_of("28_go_server", "Traceback").kind, WRONG)

    def test_own_cases_are_found(self):
        names = {play.name for play in Repertoire(FakeStage(), []).chosen([])}
        self.assertEqual(names, {path.name for path in (FIELD_DIR / "cases").iterdir()})

    def test_unknown_name(self):
        with self.assertRaises(SystemExit):
            Repertoire(FakeStage(), []).chosen(["nonsense"])

    def test_what_is_missing_is_not_played(self):
        def missing(*_):
            raise CannotPlay("no npm")

        stage = FakeStage()
        stage.npm = missing
        with tempfile.TemporaryDirectory() as directory:
            case = Path(directory) / "24_cron"
            case.mkdir()
            (play,) = Repertoire(stage, [case.parent]).chosen(["24_cron"])
            self.assertEqual(play.verdict(), Verdict(NOT_PLAYED, "no npm"))

    def test_report(self):
        report = Report("loopscope")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            report.add("a", "one | two", Verdict(RIGHT, "seen\nthis"))
            report.add("b", "three", Verdict(WRONG, "that"))
        self.assertEqual(len(printed.getvalue().splitlines()), 2)
        self.assertTrue(report.has(WRONG))
        self.assertFalse(report.has(NOT_YET))
        with tempfile.TemporaryDirectory() as directory:
            table = report.write(Path(directory) / "field.md").read_text(encoding="utf-8")
        self.assertIn("| a | one \\| two | seen this | right |", table)
        self.assertIn("1 right, 1 wrong", table)


if __name__ == "__main__":
    unittest.main()
