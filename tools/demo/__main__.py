"""What `make demo` shows: ill and healed servers, which alerts fire, and what the figures say.

    python3 tools/demo [SCENARIO...]        all of them without a name

Loopscope, Prometheus with the shipped rules and Alertmanager run on free ports of the
loopback. DEMO_KEEP=1 keeps them running at the end, DEMO_PICTURES=DIRECTORY takes a picture
of the live page in each act (with Chromium and Selenium). Ctrl-C ends everything. The exit
code is 1 if an alert that belongs to a scenario did not come.
"""

import os
import signal
import sys
from pathlib import Path

REPO_DIR = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPO_DIR / "tests" / "e2e"))

from report import print_summary  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from stage import Stage  # noqa: E402


def chosen(names):
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        sys.exit(f"error: no scenario {', '.join(unknown)}; there are: {', '.join(by_name)}")
    return [by_name[name] for name in names] if names else SCENARIOS


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    scenarios = chosen(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    stage = None
    try:
        stage = Stage(scenarios, os.environ.get("DEMO_PICTURES"))
        outcomes = [stage.play(scenario) for scenario in scenarios]
        print_summary(outcomes, stage.factor)
        if os.environ.get("DEMO_KEEP", "") not in ("", "0"):
            stage.print_addresses()
            print("  Ctrl-C ends everything", flush=True)
            signal.pause()
        return 0 if all(not outcome.missing for outcome in outcomes) else 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted")
        return 0
    finally:
        # A second Ctrl-C must not leave anything behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if stage is not None:
            stage.close()
        print("demo: everything that it started has ended")


if __name__ == "__main__":
    sys.exit(main())
