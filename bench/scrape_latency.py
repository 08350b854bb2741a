"""How long a scrape takes, over one keep-alive connection, with 1 and 100 loops."""

from footprint import select
from harness.polling import wait_until
from lib.programs import compile_c
from lib.session import Session
from lib.stats import percentile


def measure(count, scrapes):
    with Session() as session:
        program = compile_c("turning_loop", "libuv")
        pids = [session.spawn(program, 10, 50).pid for _ in range(count)]
        loopscope = session.loopscope(*select(pids))
        wait_until(lambda: len(loopscope.loops()) == count, 30, f"{count} loops", interval=0.2)
        responses = [loopscope.http.get("/metrics") for _ in range(scrapes)]
    seconds = [response.seconds for response in responses]
    return {
        "loops": count,
        "scrapes": scrapes,
        "bytes": len(responses[-1].body),
        "p50_ms": 1000 * percentile(seconds, 50),
        "p99_ms": 1000 * percentile(seconds, 99),
        "max_ms": 1000 * max(seconds),
    }


def run(scrapes):
    return [measure(count, scrapes) for count in (1, 100)]
