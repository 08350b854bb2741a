"""A real Alertmanager on a free port that passes everything on to one webhook."""

import json
from pathlib import Path

from harness import env
from harness.child import Child

_LISTENING = r'msg="Listening on" address=127\.0\.0\.1:(\d+)'


class Alertmanager(Child):
    """Tells every alert and its end by itself and at once: no grouping, no inhibition."""

    def __init__(self, directory, webhook_url):
        directory = Path(directory)
        config = directory / "alertmanager.yml"
        config.write_text(
            json.dumps(
                {
                    "route": {
                        "receiver": "webhook",
                        "group_by": ["..."],
                        "group_wait": "0s",
                        "group_interval": "100ms",
                        "repeat_interval": "1h",
                    },
                    "receivers": [
                        {
                            "name": "webhook",
                            "webhook_configs": [{"url": webhook_url, "send_resolved": True}],
                        }
                    ],
                }
            )
        )
        super().__init__(
            [
                env.tool("prometheus-alertmanager"),
                f"--config.file={config}",
                f"--storage.path={directory / 'alertmanager'}",
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",  # alone
            ],
            name="alertmanager",
        )
        try:
            self.port = int(self.wait_line(_LISTENING, stream="stderr").group(1))
        except AssertionError:
            self.kill()
            raise
        self.address = f"127.0.0.1:{self.port}"
