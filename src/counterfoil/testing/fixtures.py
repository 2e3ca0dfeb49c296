"""The pytest fixtures. Called by pytest, once a conftest.py names `counterfoil.testing` among its plugins."""

from collections.abc import Iterator

import pytest

from counterfoil.testing.sandbox import Sandbox, start


@pytest.fixture(scope="session")
def xero_sandbox_options() -> tuple[str, ...]:
    """Options of `counterfoil sandbox` for the session's process; override it in your conftest.py for others."""
    return ("--auto-consent", "--no-limits")


@pytest.fixture(scope="session")
def xero_sandbox_process(xero_sandbox_options: tuple[str, ...]) -> Iterator[Sandbox]:
    """One sandbox for the whole session, on a free port; with pytest-xdist one for each worker."""
    with start(*xero_sandbox_options) as sandbox:
        yield sandbox


@pytest.fixture
def xero_sandbox(xero_sandbox_process: Sandbox) -> Sandbox:
    """The session's sandbox as new: empty books, no connections, no faults, its clock set back."""
    xero_sandbox_process.reset()
    return xero_sandbox_process
