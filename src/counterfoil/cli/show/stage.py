"""Where the demo plays: a folder made anew, and a sandbox process that is ended by its own id.

Called by demo and acts. The control of the sandbox is spoken to with the standard library alone.
"""

import contextlib
import datetime
import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from counterfoil import errors
from counterfoil.settings import without_secrets

SANDBOX_PORT: Final = 8320
END_TIMEOUT_S: Final = 10.0
CONTROL_TIMEOUT_S: Final = 30.0
POSTING: Final = {"request_timeout_s": 5, "quiet_s": 1, "key_life_s": 60}  # short: nobody wants to watch us wait
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stage:
    """The folder, the sandbox, and its control. A context manager: what it started ends with it."""

    def __init__(self, folder: Path, *, today: datetime.date) -> None:
        self.folder = folder
        self.config = folder / "counterfoil.toml"
        self.sales = folder / "sales.jsonl"
        self.today = today
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        _clear(self.folder)
        try:
            self._start()
            self._write()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The sandbox's address, which is also its front page."""
        return str(self.ready["url"])

    def tenant(self, organisation: str) -> str:
        """The tenant id of an organisation's name."""
        return next(str(one["tenant_id"]) for one in self.ready["organisations"] if one["name"] == organisation)

    def requests(self) -> list[dict[str, Any]]:
        """The sandbox's request log, oldest first."""
        found: list[dict[str, Any]] = self._control("GET", "/_sandbox/requests?after=0")
        return found

    def invoices(self, organisation: str) -> list[dict[str, Any]]:
        """The invoices that an organisation's own books hold; amounts as Decimal."""
        tenant = urllib.parse.quote(self.tenant(organisation))
        found: list[dict[str, Any]] = self._control("GET", f"/_sandbox/ledger/{tenant}")["Invoices"]
        return found

    def fault(self, fault: str, organisation: str, *, count: int = 1, delay_s: float | None = None) -> None:
        """Let the next writes of invoices to an organisation go wrong."""
        path = "/api.xro/2.0/Invoices"
        given = {"fault": fault, "method": "PUT", "path": path, "tenant": self.tenant(organisation), "count": count}
        self._control("POST", "/_sandbox/faults", given | ({} if delay_s is None else {"delay_s": delay_s}))

    def calm(self) -> None:
        """No more faults."""
        self._control("DELETE", "/_sandbox/faults")

    def opens(self, url: str) -> bool:
        """Whether a page of the sandbox opens."""
        try:
            with _OPENER.open(url, timeout=CONTROL_TIMEOUT_S) as page:
                return page.status == 200  # type: ignore[no-any-return]  # urllib's answer is untyped
        except OSError:
            return False

    def serve(self) -> None:
        """Wait until the sandbox ends: somebody pressed Ctrl-C, or ended it."""
        assert self._process is not None
        with contextlib.suppress(KeyboardInterrupt):
            self._process.wait()

    def close(self) -> None:
        """End the sandbox; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> None:
        """The usual port if it is free, else any."""
        for port in (SANDBOX_PORT if _free(SANDBOX_PORT) else 0, 0):
            command = [sys.executable, "-m", "counterfoil.sandbox", "--auto-consent", "--port", str(port)]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=without_secrets()
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if line:
                self.ready = json.loads(line)
                return
            self.close()
        raise errors.InputError("The sandbox did not start.", remedy="Run `counterfoil sandbox` to see why.")

    def _write(self) -> None:
        from counterfoil.access import key_file
        from counterfoil.cli.sample import files

        files.write_files(
            self.folder, today=self.today, client_id=self.ready["public_client_id"], sandbox_url=self.url,
            listen=f"127.0.0.1:{_some_port()}", posting=POSTING,
        )  # fmt: skip
        key_file.new(self.folder / "counterfoil.key")

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own sandbox on this machine
            self.url + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with _OPENER.open(request, timeout=CONTROL_TIMEOUT_S) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        except OSError as cause:
            raise errors.XeroUnavailable(f"The demo's sandbox does not answer: {cause}.") from cause


def _clear(folder: Path) -> None:
    """Begin with an empty folder. Only what an earlier demo made is removed. Raises InputError."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise errors.InputError(f"{folder} is in the way.", remedy="Move it, or run the demo elsewhere.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "counterfoil.toml").is_file():
        raise errors.InputError(
            f"{folder} holds files that no demo made.", remedy="Move them, or run the demo elsewhere."
        )
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n")
    except OSError as cause:
        raise errors.InputError(
            f"{folder.absolute()} cannot be written: {cause.strerror}.",
            remedy="Run the demo in a folder that you may write.",
        ) from cause


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _some_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
