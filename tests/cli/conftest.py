"""One sandbox per module, and offices in folders of their own."""

import pytest

from tests import sandbox_process
from tests.cli.office import Office


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox without limits that consents to everything."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def office(tmp_path, sandbox):
    """A folder of its own beside the module's sandbox; nothing in it yet."""
    found = Office(tmp_path, sandbox)
    yield found
    found.end()
