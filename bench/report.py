"""Turns results into Markdown tables, as they stand in docs/accuracy-and-overhead.md."""


def _table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _interval(ratio):
    return f"{ratio['ratio']:.4f} ± {ratio['standard_error']:.4f}" \
           f" ({ratio['low']:.3f}–{ratio['high']:.3f})"


def overhead(result):
    names = {
        "null": "nothing (null control)",
        "loopscope": "Loopscope watching",
        "ticker": "a program that only wakes up every 4 ms",
        "prom_client": "prom-client default metrics, between scrapes",
    }
    rows = [
        (name, _interval(result["cpu_ratio"][arm]), _interval(result["throughput_ratio"][arm]))
        for arm, name in names.items()
    ]
    where = (
        "The target and what watches it on one CPU, the load on the others"
        if result["share_cpu"]
        else "As it comes"
    )
    return (
        f"{where}. Saturated Node {result['node']} HTTP server: {result['requests_per_second']:.0f}"
        f" requests/s, {result['cpu_us_per_request']:.1f} µs of CPU per request;"
        f" {result['blocks']} blocks of slots of {result['slot_seconds'] * 1000:.0f} ms.\n\n"
        + _table(("compared with nothing running", "CPU per request", "throughput"), rows)
        + "\n\nRatio ± standard error (95 % confidence interval). One scrape of prom-client's"
        f" default metrics keeps the loop busy for"
        f" {result['prom_client_scrape_seconds'] * 1000:.2f} ms; one of Loopscope, not at all."
    )


def stacks(result):
    names = {"null": "no stacks (null control)", "stacks": "stacks taken"}
    own = result["loopscope_cpu_percent"]
    rows = [
        (name, _interval(result["cpu_ratio"][arm]), _interval(result["throughput_ratio"][arm]),
         f"{own[arm]:.2f} %")
        for arm, name in names.items()
    ]
    stops = result["stops"]
    stopped = [
        (f"up to {float(bound) * 1000:g} ms" if bound != "inf" else "longer", int(count))
        for bound, count in stops["buckets"].items() if count
    ]
    text = (
        f"Saturated Node {result['node']} HTTP server with {result['stalls_per_second']:.0f}"
        f" stalls of {result['stall_ms']} ms a second: {result['requests_per_second']:.0f}"
        f" requests/s, {result['cpu_us_per_request']:.1f} µs of CPU per request;"
        f" {result['blocks']} blocks of slots of {result['slot_seconds']:g} s;"
        f" {result['captures_per_second']:.1f} captures a second ("
        + ", ".join(f"{int(n)} {name}" for name, n in sorted(result["captures"].items()))
        + ").\n\n"
        + _table(
            ("compared with no stacks", "CPU per request", "throughput", "Loopscope's CPU"), rows
        )
        + f"\n\nRatio ± standard error (95 % confidence interval). The target was stopped"
        f" {int(stops['count'])} times, for {stops['seconds'] * 1000:.2f} ms in all."
    )
    if stopped:
        text += "\n\n" + _table(("stopped for", "times"), stopped)
    return text


def footprint(results):
    rows = [
        (r["target"], r["loops"], f"{r['cpu_percent_of_a_core']:.2f} %", f"{r['rss_mib']:.1f} MiB",
         r["open_fds"])
        for r in results
    ]
    return _table(("watched", "loops", "CPU of one core", "RSS", "descriptors"), rows)


def scrape_latency(results):
    rows = [
        (r["loops"], r["scrapes"], r["bytes"], f"{r['p50_ms']:.2f} ms", f"{r['p99_ms']:.2f} ms",
         f"{r['max_ms']:.2f} ms")
        for r in results
    ]
    return _table(("loops", "scrapes", "bytes", "p50", "p99", "max"), rows)
