"""Every program of README's table that can be started here: is what the table says what is seen?

Prints a row for each, as it was seen, into OUT/programs.md.
"""

import subprocess
import sys
from functools import partial

from harness import env
from harness.child import Child
from harness.loopscope import Loopscope
from harness.polling import TimedOut, wait_until
from places import line_of
from readme import Seen, differences
from stalls import long_stalls
from verdict import CannotPlay, judged

TRUTH = "README's table of programs: what it promises is seen, on each that can be started here"
STALLS = 4
# As `make matrix` fetches them.
ODD_MAJORS = ("19.8.1", "21.7.3", "23.11.1", "25.9.0")
OLD = "16.20.2"


def programs(stage, folder):
    """(name, words in README's row, a function that gives its command line, source)."""
    home = stage.copy(folder)

    def script(program, source):
        return lambda: [program() if callable(program) else program, home / source]

    def package(*path):
        def find():
            stage.npm(home)
            found = home.joinpath("node_modules", *path)
            if not found.is_file():
                raise CannotPlay(f"no {found}")
            return found

        return find

    def deno():
        return [package("@deno", "linux-x64-glibc", "deno")(), "run", "-A", home / "block_here.js"]

    def stripped(major):
        def strip():
            copy = stage.fresh(f"stripped-{major}") / "node"
            if subprocess.run(["strip", "-o", copy, stage.node(major)], check=False).returncode:
                raise CannotPlay("strip is missing")
            return copy

        return strip

    def uvloop():
        return [stage.python_packages("uvloop"), home / "block_here.py", "uvloop"]

    def libuv():
        binary = stage.fresh("programs") / "block_here"
        command = ["cc", "-O1", "-g0", home / "block_here.c", "-luv", "-o", binary]
        if subprocess.run(command, check=False).returncode:
            raise CannotPlay("cc or libuv is missing")
        return [binary]

    for major in env.NODE_MAJORS:
        node = stage.node(major)
        yield f"Node {major}", "Node 18, 20, 22, 24 and 26", script(node, "block_here.js"), ".js"
        yield f"Node {major} stripped", "stripped Node", script(stripped(major), "block_here.js"), ".js"
    for major in ODD_MAJORS:
        node = partial(env.node, major)
        yield f"Node {major}", "Node 19, 21, 23 and 25", script(node, "block_here.js"), ".js"
    node = partial(env.node, OLD)
    yield f"Node {OLD}", "Node 14, 16 and 17", script(node, "block_here.js"), ".js"
    debian = partial(env.node, "debian")
    yield "Debian's Node", "Debian's Node", script(debian, "block_here.js"), ".js"
    yield "libuv in C", "programs on libuv 1.x", libuv, ".c"
    yield "asyncio", "Python 3.11, asyncio on its own loop", script(sys.executable, "block_here.py"), ".py"
    yield "uvloop", "Python 3.11, asyncio on uvloop", uvloop, ".py"
    bun = package("@oven", "bun-linux-x64", "bin", "bun")
    yield "Bun", "Bun", script(bun, "block_here.js"), ".js"
    yield "Deno", "Deno", deno, ".js"


def who(stalls, folder, suffix):
    names = {"blockHere", "block_here"}
    line = line_of(folder / f"block_here{suffix}", "HERE") if suffix != ".c" else 0
    others = sorted({it["function"] for it in stalls if it["function"]} - names)
    if others:
        return f"false: {', '.join(others)}"
    named = [it for it in stalls if it["function"] in names]
    if len(named) < len(stalls):
        return "nobody" if not named else "some"
    # The test of the loop, one line above, is work as well.
    right = [it for it in named if it["line"] in (line, line - 1)]
    wrong = sorted({it["line"] for it in named if it["line"]} - {line, line - 1})
    if wrong and line:
        return f"false: line {wrong}"
    return "line" if len(right) == len(named) else "function"


def look(argv, folder, suffix):
    target = Child(argv)
    loopscope = None
    try:
        target.wait_line("^ready", timeout=60)
        loopscope = Loopscope("--pid", target.pid)
        try:
            wait_until(lambda: len(long_stalls(loopscope)) >= STALLS, 12, "stalls")
            stalls = long_stalls(loopscope)
        except TimedOut:
            return Seen(False, False, "nobody")
    finally:
        for child in (loopscope, target):
            if child is not None:
                child.kill()
    exact = all(0.36 < stall["duration_seconds"] < 0.6 for stall in stalls[1:])
    # uvloop runs what is due from an idle handle.
    phase = "idle_prepare" if "uvloop" in map(str, argv) else "timers"
    phases = all(stall["phase"] == phase for stall in stalls)
    return Seen(exact, phases, who(stalls, folder, suffix))


def judge(stage, folder):
    lines = ["| program | stalls | phase | who |", "|---|---|---|---|"]
    told, found = [], []
    for name, words, command, suffix in programs(stage, folder):
        try:
            seen = look(command(), folder, suffix)
        except (CannotPlay, env.MissingFixture) as error:
            told.append(f"{name}: not played, {error}")
            continue
        lines.append(f"| {name} | {seen.stalls} | {seen.phases} | {seen.who} |")
        told.append(f"{name}: {seen.told()}")
        found += differences(name, words, seen)
    (stage.work / "programs.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return judged("; ".join(told), *found)
