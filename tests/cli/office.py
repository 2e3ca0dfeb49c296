"""A firm's folder on a sandbox, and the command line in it: what the tests of commands share.

`office(…)` carries a command out in this process, whole, from its words to its exit code (0.1 s); `office.process(…)`
starts the program, forked from one that has imported everything (0.1 s), for what depends on being a process. What is
`cold` begins from nothing (1 s).
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tests import warm
from tests.leaks import known

POSTING = "[pacing]\noffline_s = 0.01\n[posting]\nrequest_timeout_s = 2.5\nquiet_s = 0.5\nkey_life_s = 60\n"
TIMEOUT_S = 120
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value of stdout; fails when it is not exactly one, on one line."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        return json.loads(self.out)


class _Browser(io.StringIO):
    """Takes what `connect` says, and opens the page that it names beside it, as a person would."""

    def write(self, text: str) -> int:
        """Keep it; a page's address is gone to."""
        if text.startswith('{"authorize_url"'):
            threading.Thread(target=_visited, args=(json.loads(text)["authorize_url"],)).start()
        return super().write(text)


def _visited(url: str) -> None:
    with _OPENER.open(url, timeout=TIMEOUT_S) as page:
        page.read()


class Office:
    """A folder with a configuration. Commands run in it as processes of their own."""

    def __init__(self, folder: Path, sandbox: Any = None) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.started: list[subprocess.Popen[str]] = []

    def end(self) -> None:
        """What a test that failed left at work, or stopped with a lock in its hand, ends with it."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def __call__(self, *words: str) -> Ended:
        """`counterfoil WORDS…` in the folder, in this process; a page that `connect --json` names is gone to."""
        from counterfoil.cli import entry

        out, err, here = io.StringIO(), _Browser(), Path.cwd()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = entry.main(words)
        finally:
            os.chdir(here)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return self._ended(code, out.getvalue(), err.getvalue())

    def process(self, *words: str, env: dict[str, str] | None = None, cold: bool = False) -> Ended:
        """The same as a process of its own. `env`: more variables."""
        process = self.start(*words, env=env, cold=cold)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return self._ended(process.returncode, out, err)

    def _ended(self, code: int, out: str, err: str) -> Ended:
        """No traceback reaches a user, no crash, and no secret."""
        assert known.in_bytes((out + err).encode()) == []
        assert "Traceback" not in out + err
        assert "did not foresee" not in err, "\n".join(file.read_text() for file in self.folder.glob("*crash*"))
        return Ended(code, out, err)

    def start(
        self,
        *words: str,
        env: dict[str, str] | None = None,
        cold: bool = False,
        program: tuple[str, ...] = ("-m", "counterfoil"),
    ) -> "subprocess.Popen[str]":
        """The same without waiting. A service listens on any free port."""
        free = {"COUNTERFOIL_SERVICE__LISTEN": "127.0.0.1:0"} if "serve" in words else {}
        process = (warm.cold if cold else warm.start)(
            *program, *words, cwd=self.folder, env={**os.environ, **free, **(env or {})}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(process)
        return process

    def write(self, *, flows: str = "", api_url: str = "", port: int | None = None, entities: str = "") -> None:
        """A small configuration on the sandbox; `api_url` for an address where nobody listens."""
        url = self.sandbox.url if self.sandbox else "http://127.0.0.1:9"
        client = self.sandbox.ready["public_client_id"] if self.sandbox else "app"
        text = (
            f'[xero]\nclient_id = "{client}"\nredirect_uri = "http://localhost:{port or 0}/oauth/callback"\n'
            f'login_url = "{url}"\nidentity_url = "{url}"\napi_url = "{api_url or url}"\ncalls_per_minute = 100000\n'
            f"{POSTING}{entities or ENTITIES}{flows or FLOW}"
        )
        (self.folder / "counterfoil.toml").write_text(text)

    def new_day(self) -> None:
        """What was used of Xero's limits is forgotten."""
        for file in self.folder.glob("*-limits*"):
            file.unlink()

    def records(self, *records: dict[str, Any], name: str = "sales.jsonl") -> Path:
        """Write records as JSON Lines."""
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    def day_used_up(self) -> None:
        """Xero takes no more writes today: what a run plans stays planned."""
        self.sandbox.fault("429_day", method="PUT", count=40)

    def next_day(self) -> None:
        """It takes them again, and what is left of the budgets is counted anew."""
        self.sandbox.clear_faults()
        self.new_day()

    def key(self) -> None:
        """A master key."""
        from counterfoil.access import key_file

        key_file.new(self.folder / "counterfoil.key")

    def connect(self) -> Any:
        """A whole consent through `connect` in this process; → its value. As a process: tests/cli/test_connect."""
        ended = self("connect", "--no-browser", "--json")
        assert ended.code == 0, ended
        return ended.value

    def open_for_business(self) -> "Office":
        """Configured, connected and bound."""
        self.write()
        self.key()
        self.connect()
        ended = self("entities", "bind", "--yes", "--json")
        assert ended.code == 0
        return self


ENTITIES = """\
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
[entities.acme-au]
organisation = "Wattle & Co Pty Ltd"
"""
FLOW = """\
[flows.shop]
kind = "sales_invoices"
source = { jsonl = "sales.jsonl" }
"""


def sale(n: int, **changes: Any) -> dict[str, Any]:
    """A good sale of £12.00, the n-th."""
    lines = [
        {"description": "Widgets", "quantity": 2, "unit_amount": "5.00", "account_code": "200", "tax_type": "OUTPUT2"}
    ]
    contact = {"external_id": f"cust-{n}", "name": f"Customer {n} 株式会社"}
    good = {"external_id": f"order-{n}", "entity": "acme-uk", "contact": contact, "date": "2026-11-02", "lines": lines}
    return good | {"expected_total": "12.00"} | changes
