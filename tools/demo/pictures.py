"""Pictures of the live page at the end of every act, for docs/scenarios.md."""

from pathlib import Path

from harness.browser import Browser

SIZE = (960, 600)


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
        """What the page shows of one process now, as PROCESS.png."""
        self._browser.run(
            "const filter = document.querySelector('#filter');"
            "filter.value = arguments[0];"
            "filter.dispatchEvent(new Event('input', {bubbles: true}));",
            process,
        )
        self._browser.turn()
        self._browser.screenshot(self._directory / f"{process}.png")
