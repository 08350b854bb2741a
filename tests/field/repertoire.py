"""Which cases there are."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import NamedTuple

import fallback_judge
from verdict import NOT_PLAYED, WRONG, CannotPlay, Verdict

HERE = Path(__file__).resolve().parent
_FAILURES = (AssertionError, OSError, ValueError, LookupError, RuntimeError)


def _module(path):
    spec = importlib.util.spec_from_file_location(f"field_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Play(NamedTuple):
    """A case and its judge: a module with TRUTH and judge(stage, folder)."""

    name: str
    folder: Path
    judge: object
    stage: object

    @property
    def truth(self):
        return self.judge.TRUTH

    def verdict(self):
        try:
            return self.judge.judge(self.stage, self.folder)
        except CannotPlay as error:
            return Verdict(NOT_PLAYED, str(error))
        except _FAILURES as error:
            # It ran, and what has to be seen was not: as wrong as a wrong figure.
            print(f"{self.name}: {type(error).__name__}: {error}", file=sys.stderr)
            return Verdict(WRONG, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")


class Repertoire:
    def __init__(self, stage, handed):
        self._stage = stage
        self._plays = list(self._own())
        for folder in handed:
            self._plays += self._handed(folder)

    def _own(self):
        for path in sorted((HERE / "cases").glob("*/case.py")):
            yield Play(path.parent.name, path.parent, _module(path), self._stage)

    def _handed(self, folder):
        copied = None
        for case in sorted(path for path in folder.iterdir() if path.is_dir()):
            judge = HERE / "judges" / f"{re.sub(r'^[0-9]+_', '', case.name)}.py"
            if not judge.is_file() and not (case / "case.py").is_file():
                continue  # what cases share
            copied = copied or self._stage.copy(folder)
            module = _module(judge) if judge.is_file() else fallback_judge
            yield Play(f"{folder.name}/{case.name}", copied / case.name, module, self._stage)

    def chosen(self, names):
        """All without names; a name may be a part of one."""
        for name in names:
            if not any(name in play.name for play in self._plays):
                known = ", ".join(play.name for play in self._plays)
                sys.exit(f"error: no case {name}; there are: {known}")
        return [p for p in self._plays if not names or any(name in p.name for name in names)]
