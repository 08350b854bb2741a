#!/usr/bin/env python3
"""The live page in a real browser: a block shows while it lasts, and nothing shown does harm."""

import os
import re
import time
import unittest
from pathlib import Path
from urllib.parse import quote

from harness import env
from harness.browser import DESKTOP, PHONE, Browser
from harness.case import EndToEndCase
from harness.culprits import start_culprits
from harness.fake_page import FakePage, loop, stall
from harness.polling import wait_until
from harness.web_config import PASSWORD, USER, write_web_config

NODE = "22"
BLOCK_MS = 12000  # leaves a slow browser time to show all of it
LOOPS = 100
MEASURED_SECONDS = 10
# The page's own process, drawing by software; a share of one core.
CPU_LIMIT = 0.2
TIMERS_COLOUR = [0, 114, 178]

# The colour of a strip `back` CSS pixels from its right edge, `down` from its top.
PIXEL = """
const [index, back, down] = arguments;
const canvas = document.querySelectorAll('.strip')[index];
const ratio = canvas.width / canvas.clientWidth;
const copy = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
copy.drawImage(canvas, Math.floor((canvas.clientWidth - back) * ratio), Math.floor(down * ratio),
  1, 1, 0, 0, 1, 1);
return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
"""
# By how many seconds the counter was ahead of a block that began at a given time, at most.
AHEAD = """
const [began, seconds, done] = arguments;
let ahead = -Infinity;
const end = performance.now() + 1000 * seconds;
const timer = setInterval(() => {
  const shown = parseFloat(document.querySelector('#blocked-time').textContent);
  ahead = Math.max(ahead, shown - (Date.now() / 1000 - began));
  if (performance.now() > end) { clearInterval(timer); done(ahead); }
}, 10);
"""
WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"


def seconds_of(text):
    match = re.match(r"([0-9.]+) s", text)
    return float(match.group(1)) if match else 0.0


class LivePageTest(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.browser = Browser(self.temporary_directory())
        self.addCleanup(self.browser.close)
        default = env.REPO_DIR / "build" / "screenshots"
        self.pictures = Path(os.environ.get("LOOPSCOPE_SCREENSHOTS", default))
        self.pictures.mkdir(parents=True, exist_ok=True)

    def open(self, url, size=DESKTOP, theme="light"):
        self.origin = url
        self.browser.size(size, theme)
        self.browser.open(url)
        self.browser.wait_text("#updated", bool, 15, "first answer on the page")

    def assert_clean(self):
        self.assertEqual(self.browser.complaints(), [], "the console")
        foreign = [u for u in self.browser.requested() if not u.startswith(self.origin)]
        self.assertEqual(foreign, [], "requests off the origin")

    def assert_fits(self, what):
        width, window = self.browser.run(WIDTHS)
        self.assertLessEqual(width, window, f"horizontal overflow: {what}")

    def take_pictures(self, name):
        for size_name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            for theme in ("light", "dark"):
                self.browser.size(size, theme)
                self.assert_fits(f"{name}, {size_name}")
                # A turn of the browser, for its resize observers.
                self.browser.turn()
                self.browser.screenshot(self.pictures / f"{name}-{size_name}-{theme}.png")

    def test_block_shows_while_it_lasts(self):
        target = start_culprits(self, NODE)
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        target.run("fifo_read", 2, 150, 300)
        self.open(f"http://127.0.0.1:{loopscope.port}/")
        browser = self.browser
        self.assertEqual(browser.text("#blocked-time"), "0 s")
        browser.wait_text(".loop .busy .value", lambda t: "%" in t, 10, "figures of two answers")

        began = target.start("hot_loop", BLOCK_MS)
        browser.wait_text("#blocked-who", lambda t: "hotLoop" in t, 5, "who blocks")
        first = seconds_of(browser.text("#blocked-time"))
        later = wait_until(
            lambda: max(0, seconds_of(browser.text("#blocked-time")) - first - 1), 5, "growth"
        ) + first + 1
        self.assertLess(later, time.time() - began + 0.2, "longer than the block has lasted")
        wait_until(
            lambda: browser.run(PIXEL, 0, 3, 20) == TIMERS_COLOUR, 5, "the block on the strip"
        )
        self.assertNotEqual(
            browser.run(PIXEL, 0, 3, 1), browser.run(PIXEL, 0, 60, 1), "the mark of a stall"
        )
        self.assertIn(str(target.pid), browser.text("#blocked-where"))
        self.assertIn("timers", browser.text("#blocked-where"))
        self.open_newest_stall()
        self.assertIn("so far", browser.text("#stalls .length"))
        self.take_pictures("blocked")
        self.assertFalse(
            [l for l in target.child.lines() if l.startswith('{"kind":"hot_loop"')],
            "the block was over before the page had shown it",
        )

        target.child.wait_line(r'^\{"kind":"hot_loop"', timeout=30)
        browser.wait_text("#blocked-time", lambda t: t == "0 s", 5, "end of the block")
        browser.wait_text("#spoken", lambda t: "no longer blocked" in t, 5, "spoken end")
        browser.wait_text("#stalls .length", lambda t: "so far" not in t, 5, "the stall's end")
        self.assert_close(
            seconds_of(browser.text("#stalls .length")), BLOCK_MS / 1000, "length", 0.05
        )
        self.assertEqual(browser.text("#stalls .opener[aria-expanded=true]").count(":"), 2)
        self.assert_clean()

    def test_the_counter_is_never_ahead_of_the_block(self):
        """Also while the page knows of the loops and still waits to hear of their stalls."""
        began = time.time()

        def slow_stalls():
            time.sleep(0.3)  # longer than the counter's step, shorter than a round
            return [stall(1, began, in_progress=True)]

        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"),
            lambda s: [loop(s, 0, blocked_seconds=time.time() - began, phase="poll", stalls=1)],
            slow_stalls,
        )
        self.addCleanup(fake.close)
        self.open(fake.url)
        self.browser.wait_text("#blocked-time", lambda t: seconds_of(t) > 2, 10, "the counter")
        self.assertLess(self.browser.driver.execute_async_script(AHEAD, began, 4), 0.3)

    def open_newest_stall(self):
        browser = self.browser
        browser.find("#stalls .stall").click()
        self.assertIn("hotLoop", browser.text("#stalls .more .stack li.frame"))
        self.assertRegex(browser.text("#stalls .more"), r"computing\.js:\d+")
        button = browser.find("#stalls .opener")
        browser.press(button, "ENTER")
        self.assertEqual(button.get_attribute("aria-expanded"), "false")
        self.assertFalse(browser.find("#stalls .more").is_displayed())
        browser.press(button, "ENTER")
        self.assertTrue(browser.find("#stalls .more").is_displayed())

    def test_page_behind_a_password(self):
        path = write_web_config(self.temporary_directory() / "web.yml")
        loopscope = self.loopscope("--pid", os.getpid(), "--web-config", path)
        who = f"{USER}:{quote(PASSWORD)}"
        # As typed when the browser asks: it keeps them for this origin.
        self.browser.open(f"http://{who}@127.0.0.1:{loopscope.port}/-/healthy")
        self.open(f"http://127.0.0.1:{loopscope.port}/")
        self.assert_clean()
        self.open(f"http://{who}@127.0.0.1:{loopscope.port}/")

    def test_hostile_names_are_text(self):
        path = self.called("hostile_names.js", package="<b>x</b>")
        target = self.node(NODE, path)
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        for kind, begin in (("markup", "<img"), ("control", "red"), ("longPath", "inLong")):
            self.block_until_named(target, loopscope, kind, begin)
        self.open(f"http://127.0.0.1:{loopscope.port}/", PHONE)
        browser = self.browser
        wait_until(lambda: len(browser.find_all("#stalls .stall")) >= 3, 5, "stalls")
        who = " ".join(browser.texts("#stalls .who"))
        self.assertIn("<img src=x onerror=", who)
        # Control characters are gone before they reach the page.
        self.assertIn("red?[31m?\\u{202e}name", who)
        self.assertRegex(who, r'inLongPath at …x+….*="owned"</script>\.js:3')
        self.assertIn("<b>x</b>", browser.text(".loop .name"))
        for row in browser.find_all("#stalls .stall .opener"):
            row.click()
        self.assert_harmless()

    @staticmethod
    def block_until_named(target, loopscope, kind, begin):
        """Blocks again while a crowded machine leaves no time to look at the stack."""

        def named():
            target.ask(f"run {kind} 500")
            records = loopscope.json("/api/v1/stalls")
            return any((r["function"] or "").startswith(begin) for r in records)

        wait_until(named, 20, f"stall in {kind}", 0.1)

    def test_hostile_answers_are_text(self):
        """The same with nothing cut off before it reaches the page."""
        huge = "<img src=x onerror=alert(1)>" + "y" * (2 << 20)
        frames = [{"kind": huge, "function": huge, "file": huge, "line": 1}] * 3
        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"),
            lambda s: [loop(s, 0, process=huge, runtime=huge, note=huge, blocked_seconds=3.0,
                            phase=huge, labels={huge: huge}, stalls=1)],
            lambda: [stall(1, time.time() - 3, process=huge, function=huge, file=huge,
                           detail=huge, cause=huge, phase=huge, stack=frames,
                           causes={huge: 3.0}, in_progress=True)],
            [{"source": huge, "success": False, "reason": huge, "duration_seconds": 0}],
        )
        self.addCleanup(fake.close)
        self.open(fake.url, PHONE)
        self.browser.wait_text("#stalls", bool, 10, "the stall")
        self.browser.find("#stalls .opener").click()
        self.browser.find(".pick").click()
        length = self.browser.run("return document.body.textContent.length")
        self.assertLess(length, 20000, "2 MB names were not shortened")
        self.assert_harmless()

    def assert_harmless(self):
        browser = self.browser
        self.assertEqual(browser.run("return document.querySelectorAll('img, b, script').length"), 1,
                         "a name became markup (the one is the page's own script)")
        self.assertNotIn("owned", browser.run("return document.title"))
        self.assert_fits("hostile names on a phone")
        self.assert_clean()

    def test_hundred_loops(self):
        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"),
            lambda s: [loop(s, n) for n in range(LOOPS)],
            lambda: [stall(n, time.time() - 2 * n) for n in range(60, 0, -1)],
        )
        self.addCleanup(fake.close)
        self.open(fake.url)
        browser = self.browser
        wait_until(lambda: len(browser.find_all(".loop")) == LOOPS, 5, "all loops")
        drawn = browser.run(
            "return [...document.querySelectorAll('.strip')].filter((c) => c.ariaLabel).length"
        )
        self.assertGreater(drawn, 3)
        self.assertLess(drawn, LOOPS / 2, "strips out of sight were drawn")

        before = len([u for u in browser.requested() if u.endswith("/loops")])
        share = browser.cpu_share(MEASURED_SECONDS)
        asked = len([u for u in browser.requested() if u.endswith("/loops")]) - before
        print(f"{LOOPS} loops: {100 * share:.1f} % of one core, {asked} requests"
              f" in {MEASURED_SECONDS} s")
        self.assertLess(share, CPU_LIMIT)
        self.assertLessEqual(asked, MEASURED_SECONDS + 3)
        self.take_pictures("hundred")

        browser.find("#filter").send_keys("api-3")
        wait_until(lambda: len(browser.find_all(".loop")) == 20, 5, "the loops looked for")
        browser.find(".pick").click()
        self.assertIn("api-3", browser.text("#lag-title"))
        browser.find("#all-loops").click()
        self.assertIn("all loops", browser.text("#lag-title"))
        self.assert_clean()

    def test_sources_say_why_not(self):
        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"),
            lambda s: [],
            sources=[
                {"source": name, "success": ok, "reason": reason, "duration_seconds": 0.001}
                for name, ok, reason in (
                    ("discovery", True, None), ("uv_stack", False, "pid 7: no ptrace access"),
                    ("procfs", True, None), ("backlog", True, None),
                )
            ],
        )
        self.addCleanup(fake.close)
        self.open(fake.url)
        lines = self.browser.texts(".source")
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[0], "failing.*uv_stack.*no ptrace access")
        self.assertRegex(lines[1], "off.*tcp_ext.*configuration")
        self.assertRegex(lines[2], "active.*discovery")
        self.assertIn("No event loop", self.browser.text("#no-loops"))

    def test_theme_and_keyboard(self):
        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"), lambda s: [loop(s, n) for n in range(3)]
        )
        self.addCleanup(fake.close)
        self.open(fake.url, theme="light")
        browser = self.browser
        back = "return getComputedStyle(document.body).backgroundColor"
        light = browser.run(back)
        browser.find("#theme").send_keys("Dark")
        self.assertNotEqual(browser.run(back), light, "the switch outranks the system")
        browser.open(fake.url)
        self.assertNotEqual(browser.run(back), light, "the choice is remembered")
        order = []
        for _ in range(8):
            browser.press(None, "TAB")
            order.append(browser.run(
                "const e = document.activeElement; return e.id || e.className"))
        self.assertEqual(order[:5], ["skip", "theme", "filter", "order", "loops-scroll"])
        self.assertEqual(order[5:], ["pick"] * 3)
        browser.press(None, "ENTER")
        self.assertIn("worker-2", browser.text("#lag-title"))
        self.assert_clean()

    def test_hidden_page_asks_nothing(self):
        fake = FakePage(
            self.loopscope("--name", "^no-such-process$"), lambda s: [loop(s, 0)]
        )
        self.addCleanup(fake.close)
        self.open(fake.url)
        browser = self.browser
        browser.override_hidden(True)
        wait_until(lambda: browser.quiet_for(3), 20, "three seconds without a request")
        browser.override_hidden(False)
        seen = len(browser.requested())
        wait_until(lambda: len(browser.requested()) > seen, 5, "requests once it is seen again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
