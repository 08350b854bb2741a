"""Debian's Chromium without a window, driven by Selenium, and what it saw of a page."""

import json
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import env
from harness.polling import wait_until

DESKTOP = (1280, 900)
PHONE = (390, 844)


class Browser:
    """One browser window; close() ends it and its driver."""

    def __init__(self, directory):
        options = webdriver.ChromeOptions()
        options.binary_location = env.tool("chromium")
        for argument in (
            "--headless=new",
            "--no-sandbox",  # root has none to offer
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={directory}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._requested = []
        self._said = []
        self.driver = webdriver.Chrome(
            service=Service(env.tool("chromedriver")), options=options
        )
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(30)

    def close(self):
        self.driver.quit()

    def size(self, size, theme="light"):
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if width < 600 else 1,
             "mobile": width < 600},
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": theme}]},
        )

    def open(self, url):
        """Opens a page; what the browser's own first page did is forgotten."""
        self.driver.get("about:blank")
        self._read_logs()
        self._requested.clear()
        self._said.clear()
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def find_all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css):
        """The text content of an element, hidden or not."""
        return self.run("return document.querySelector(arguments[0]).textContent", css)

    def texts(self, css):
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", css
        )

    def wait_text(self, css, condition, timeout, what):
        """The text of an element once it meets a condition."""

        def meets():
            text = self.text(css)
            return text if condition(text) else None

        return wait_until(meets, timeout, what)

    def press(self, element, key):
        """One key, to an element or to whatever has the focus."""
        target = element or self.driver.switch_to.active_element
        target.send_keys(getattr(Keys, key))

    def turn(self):
        """Waits until the browser has drawn what it knows now."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def override_hidden(self, hidden):
        """What a page is told when its tab goes to the background, or comes back."""
        self.run(
            "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))",
            hidden,
        )

    def quiet_for(self, seconds):
        """True if there was no request for so long; looks for no longer than that."""
        before = len(self.requested())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.1)
            if len(self.requested()) > before:
                return False
        return True

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))

    def _read_logs(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requested.append(message["params"]["request"]["url"])
        self._said += self.driver.get_log("browser")

    def requested(self):
        """The addresses of all requests so far."""
        self._read_logs()
        return list(self._requested)

    def complaints(self):
        """What the console says that is worse than information."""
        self._read_logs()
        return [e["message"] for e in self._said if e["level"] in ("SEVERE", "WARNING")]

    def cpu_share(self, seconds):
        """The share of one core that the page's own process used during some seconds."""

        def used():
            metrics = self.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
            values = {m["name"]: m["value"] for m in metrics}
            return values["Timestamp"], values["ProcessTime"]

        self.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "timeTicks"})
        begin, before = used()
        wait_until(lambda: used()[0] - begin >= seconds, seconds + 30, "end of the measurement", 0.5)
        end, after = used()
        return (after - before) / (end - begin)
