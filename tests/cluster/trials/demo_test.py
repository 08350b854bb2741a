"""The demo: a server that blocks itself, with a sidecar that shows it."""

from .trial import Trial


class DemoTrial(Trial):
    def demo(self, tier):
        name = f"demo-{tier}"
        self.namespace(name)
        load = {"image": "localhost/busybox:1", "seconds": 120, "blockMilliseconds": 200}
        self.install(name, name, {"mode": "demo", "tier": tier, "demo": {"load": load}})
        self.kubectl("-n", name, "rollout", "status", "deployment", "--timeout=90s")
        return self.address(name, "-l", "app.kubernetes.io/component=demo")

    def test_blocks_are_seen_and_named_in_both_tiers(self):
        for tier in ("ptrace", "restricted"):
            with self.subTest(tier):
                address = self.demo(tier)

                def named(address=address):
                    samples = self.metrics(address).samples("eventloop_stall_culprit_seconds_total")
                    return [labels["function"] for labels, value in samples if value > 0.15]

                self.until(named, "blocking function of the demo", 60)
                sources = {labels["source"] for labels, _ in self.metrics(address).samples("eventloop_info")}
                self.assertEqual(sources, {"uv_stack"})
