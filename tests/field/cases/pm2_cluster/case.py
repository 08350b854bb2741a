import urllib.error
import urllib.request

from harness.loopscope import Loopscope
from harness.polling import wait_until
from places import line_of
from ports import free_port
from verdict import judged

TRUTH = "two workers of PM2's cluster, both blocked: by the package's name, PM2's instance as slot"


def answer(port):
    """(instance, pid) of the worker that answered; None: nobody listens yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
            instance, pid = response.read().split()
    except (urllib.error.URLError, ConnectionError):
        return None
    return instance.decode(), int(pid)


def ended_stalls(loopscope, pids):
    """The newest stall by pid, once each has one."""
    stalls = {
        stall["pid"]: stall
        for stall in reversed(loopscope.json("/api/v1/stalls?limit=50"))
        if not stall["in_progress"]
    }
    return stalls if set(stalls) >= set(pids) else None


def judge(stage, folder):
    home = stage.copy(folder)
    stage.npm(home)
    here = line_of(home / "server.js", "HERE")
    port = free_port()
    node = stage.node("22")
    variables = {
        "PM2_HOME": str(stage.fresh("pm2")),
        "PORT": str(port),
        "PATH": f"{node.parent}:{stage.environment()['PATH']}",
    }
    pm2 = [node, home / "node_modules" / "pm2" / "bin" / "pm2"]
    loopscope = None
    try:
        stage.command([*pm2, "start", "server.js", "-i", "2"], home, **variables)
        wait_until(lambda: answer(port), 30, "PM2's workers")
        loopscope = Loopscope("--port", str(port))
        truth = {}

        def both_blocked():
            instance, pid = answer(port)
            truth[pid] = instance
            return len(truth) == 2

        wait_until(lambda: len(loopscope.loops()) == 3, 20, "the daemon and two workers")
        wait_until(both_blocked, 30, "an answer by each worker")
        stalls = wait_until(lambda: ended_stalls(loopscope, truth), 10, "a stall of each")
    finally:
        if loopscope is not None:
            loopscope.kill()
        stage.command([*pm2, "kill"], home, **variables)
    said = {
        pid: (stall["process"], str(stall["slot"]), stall["function"], stall["line"])
        for pid, stall in stalls.items()
        if pid in truth
    }
    wanted = {pid: ("checkout", instance, "chargeCards", here) for pid, instance in truth.items()}
    seen = "; ".join(f"{p} slot {s}: {f}:{line}" for p, s, f, line in sorted(said.values()))
    return judged(seen, "" if said == wanted else f"wanted {sorted(wanted.values())}")
