"""A service on a free port, beside a sandbox process: the real uvicorn on the test's own event loop."""

import contextlib
import datetime
import os
import types
from pathlib import Path

import pytest

from counterfoil import open_books, service
from tests import sandbox_process
from tests.cli.office import Office


def health(**changes):
    """A runtime that works."""
    now = datetime.datetime.now(datetime.UTC)
    good = {
        "started": now, "ready": True, "in_flight": 2, "sweeps": {"finish": now}, "failures": {}, "schedules": (),
    }  # fmt: skip
    return types.SimpleNamespace(**(good | changes))


@contextlib.asynccontextmanager
async def serving(office, *, state=health, host="127.0.0.1"):
    """The office's service; gives (books, door)."""
    async with (
        open_books(office.folder / "counterfoil.toml") as books,
        service.open_door(books, host=host, port=0, health=state) as door,
    ):
        yield books, door


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox without limits that consents to everything."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def office(tmp_path, sandbox):
    """Configured, with a key; nobody has consented."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    made = Office(tmp_path, sandbox)
    made.write()
    made.key()
    return made


@pytest.fixture
def firm(office):
    """The same, connected and bound."""
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    return office


@pytest.fixture
def pictures():
    """Where pictures of the pages are kept, when somebody wants to look at them: the folder that PICTURES names."""
    folder = os.environ.get("PICTURES")
    return None if folder is None else Path(folder)
