from harness.child import Child
from harness.loopscope import Loopscope
from verdict import not_yet

TRUTH = "a file waits for a full thread pool; the loop itself is idle, and no stall says otherwise"
LEAST_MS = 300


def judge(stage, folder):
    target = Child([stage.node("22"), folder / "hash_server.js"])
    loopscope = None
    try:
        target.wait_line("^ready")
        loopscope = Loopscope("--pid", target.pid)
        waited = int(target.wait_line(r"^read after (\d+) ms", timeout=60).group(1))
        stalls = loopscope.json("/api/v1/stalls?limit=50")
        busy = loopscope.scrape().sum("eventloop_time_seconds_total", state="active")
        pool = loopscope.scrape().samples("eventloop_threadpool_queued_items")
    finally:
        for child in (loopscope, target):
            if child is not None:
                child.kill()
    return not_yet(
        f"the file took {waited} ms; {len(stalls)} stalls, busy for {busy:.2f} s",
        f"{len(pool)} series about the pool",
        "" if waited > LEAST_MS else "the case did not fill the pool",
        f"busy for {busy:.2f} s" if busy > 0.5 * waited / 1000 else "",
    )
