import os

from harness.child import Child
from harness.loopscope import Loopscope
from harness.polling import wait_until
from places import line_of
from verdict import judged

TRUTH = "a log is written to a full pipe: blocked in shipLog until somebody reads it"
SECONDS = 1.5


def judge(stage, folder):
    fifo = stage.fresh("full_pipe") / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    workload = folder / "log_shipper.js"
    target = Child([stage.node("22"), workload, fifo])
    loopscope = None
    try:
        target.wait_line("^ready")
        loopscope = Loopscope("--pid", target.pid)
        loopscope.wait_metrics(
            lambda metrics: metrics.sum("eventloop_blocked_seconds") > SECONDS, 30, "a blocked loop"
        )
        while not target.lines("stdout")[1:]:
            try:
                os.read(reader, 1 << 16)
            except BlockingIOError:
                pass
        wrote = float(target.wait_line(r"^wrote for (\d+) ms").group(1)) / 1000
        (stall,) = wait_until(
            lambda: [
                it
                for it in loopscope.json("/api/v1/stalls?limit=50")
                if it["duration_seconds"] > 1 and not it["in_progress"]
            ],
            10,
            "the stall",
        )
    finally:
        for child in (loopscope, target):
            if child is not None:
                child.kill()
        os.close(reader)
    place = f"{stall['function']}:{stall['line']}"
    truth = f"shipLog:{line_of(workload, 'HERE')}"
    return judged(
        f"{stall['duration_seconds']:.2f} s {stall['cause']} {place}, {stall['detail']}",
        "" if abs(stall["duration_seconds"] - wrote) < 0.1 else f"wrote for {wrote:.2f} s",
        "" if stall["cause"] == "blocked" else f"cause {stall['cause']}",
        "" if place == truth else f"truth {truth}",
    )
