from verdict import not_yet

TRUTH = "the pool is full for seconds, the loop is fine: no long stall; and the pool is named"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    stalls = int(told.find(r"^stalls: (\d+)").group(1))
    # The pool takes the CPUs: a short wait for one is true.
    lag = float(told.find(r"eventloop_lag_max_seconds\{.*\} (\S+)").group(1))
    waits = told.find(r"TRUTH with a full pool \(ms\): (\{.*?\})").group(1)
    return not_yet(
        f"waits {waits}, {stalls} stalls",
        "the thread pool is not measured yet",
        f"a lag of {lag:.2f} s of a loop that is fine" if lag > 0.3 else "",
    )
