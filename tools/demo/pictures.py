"""Pictures of the live page at the end of every act, for docs/scenarios.md."""

import base64
from pathlib import Path

from harness.browser import Browser

SIZE = (1100, 860)


class Pictures:
    """A browser that has the page open all the time, so that its strips have a past."""

    def __init__(self, directory, profile, url):
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._browser = Browser(profile)
        try:
            self._browser.size(SIZE)
            self._browser.open(url)
        except BaseException:
            self._browser.close()
            raise

    def close(self):
        self._browser.close()

    def take(self, process):
        """What the page shows of one process now, its main loop picked, as PROCESS.webp."""
        self._browser.run(
            "const filter = document.querySelector('#filter');"
            "filter.value = arguments[0];"
            "filter.dispatchEvent(new Event('input', {bubbles: true}));"
            "document.querySelector('.loop .pick').click();"
            # A process that was handed its listener is not the first.
            "if (!document.querySelector('#no-backlog').hidden)"
            "  document.querySelector('#all-loops').click();",
            process,
        )
        self._browser.turn()
        picture = self._browser.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "webp", "quality": 80}
        )
        (self._directory / f"{process}.webp").write_bytes(base64.b64decode(picture["data"]))
