"""A firm on a sandbox of its own: configured, connected by OAuth and bound, ready for `counterfoil run`."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import sandbox_process
from tests.bench import processes
from tests.bench.processes import Cost
from tests.sandbox_process import SandboxProcess

COUNTERFOIL = str(Path(sys.executable).with_name("counterfoil"))  # the installed script
CONFIG = """\
[xero]
client_id = "{client_id}"
redirect_uri = "http://localhost:0/oauth/callback"
login_url = "{url}"
identity_url = "{url}"
api_url = "{url}"
calls_per_minute = 100000
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
[flows.shop]
id = "shop"
kind = "sales_invoices"
source = {{ jsonl = "sales.jsonl" }}
"""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def sandbox() -> Iterator[SandboxProcess]:
    """A sandbox without limits."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--access-token-ttl-s", "36000") as process:
        yield process


class Firm:
    """The folder of one installation."""

    def __init__(self, folder: Path, xero: SandboxProcess, config: str = CONFIG) -> None:
        self.folder = folder
        self.xero = xero
        text = config.format(client_id=xero.ready["public_client_id"], url=xero.url)
        (folder / "counterfoil.toml").write_text(text)
        make_key = (
            "import sys; from counterfoil.access import key_file; key_file.new(__import__('pathlib').Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", make_key, str(folder / "counterfoil.key")], check=True)
        self._connect()
        self._good(self("entities", "bind", "--yes", "--json"))

    def __call__(self, *words: str) -> Cost:
        """`counterfoil WORDS…` as a process of its own."""
        return processes.run([COUNTERFOIL, *words], self.folder)

    def run(self) -> tuple[Cost, dict[str, Any]]:
        """`counterfoil run shop`: what it cost, and its report. Ends the bench when not everything was posted."""
        cost = self._good(self("run", "shop", "--json"))
        report: dict[str, Any] = json.loads(cost.out)
        assert report["posted"] == report["records"], report
        return cost, report

    def _connect(self) -> None:
        words = [COUNTERFOIL, "connect", "--no-browser", "--json"]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with process:
            assert process.stderr is not None
            url = json.loads(process.stderr.readline())["authorize_url"]
            with _OPENER.open(url, timeout=processes.TIMEOUT_S) as page:
                page.read()
        assert process.returncode == 0

    def _good(self, cost: Cost) -> Cost:
        assert cost.code == 0, f"exit {cost.code}: {cost.err[-2000:]} {cost.out[-2000:]}"
        return cost
