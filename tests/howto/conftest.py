"""The examples' folders, each copied to a place of its own, on a sandbox."""

import shutil
from pathlib import Path

import pytest

from tests import sandbox_process
from tests.cli.office import Office

EXAMPLES = Path(__file__).parents[2] / "docs" / "howto" / "examples"


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox without limits that consents to everything."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def example(tmp_path, sandbox, monkeypatch):
    """`example("shop-export")`: an office in a copy of that folder, connected and bound; the file itself is not changed."""

    def opened(name):
        folder = tmp_path / name
        shutil.copytree(EXAMPLES / name, folder)
        for key, value in {
            "CLIENT_ID": sandbox.ready["public_client_id"],
            "LOGIN_URL": sandbox.url,
            "IDENTITY_URL": sandbox.url,
            "API_URL": sandbox.url,
            "REDIRECT_URI": "http://localhost:0/oauth/callback",
            "CALLS_PER_MINUTE": "100000",
        }.items():
            monkeypatch.setenv(f"COUNTERFOIL_XERO__{key}", value)
        office = Office(folder, sandbox)
        office.key()
        office.connect()
        assert office("entities", "bind", "--yes", "--json").code == 0
        return office

    return opened
