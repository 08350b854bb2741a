import resource
import time

import shipped_alerts
from harness.child import Child
from harness.load import Arrivals
from verdict import judged

TRUTH = "clients wait 8 s for a loop busy in turns of 18 ms: no alert says that the loop is fine"
# 55 a second are served at best.
FULL_IN, RATE = (250, 3), 80
BUSY_ALERT = "EventLoopBusyInShortTurns"
CALMING = ("loop is fine", "not the loop's problem")


def allow_many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))


def judge(stage, folder):
    allow_many_files()
    server = Child([stage.node("22"), folder / "server.js"])
    try:
        port = int(server.wait_line(r"^listening (\d+)").group(1))
        with shipped_alerts.watched(server.pid) as deliveries:
            time.sleep(2)  # Prometheus has an idle loop before
            rate, seconds = FULL_IN
            load = Arrivals(port, rate=rate).start()
            try:
                time.sleep(seconds)
                load.rate = RATE
                told = shipped_alerts.wait_told(deliveries, BUSY_ALERT, 50)
                waited = load.longest_wait()
            finally:
                load.close()
    finally:
        server.kill()
    calming = [name for name, text in told.items() if any(words in text for words in CALMING)]
    return judged(
        f"a client waited {waited:.1f} s; told: {', '.join(told) or 'nothing'}",
        f"{calming[0]} says that the loop is fine" if calming else "",
        "" if BUSY_ALERT in told else "no alert says that the loop is busy in short turns",
        "" if waited > 3 else "the case did not make its clients wait",
    )
