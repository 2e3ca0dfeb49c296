"""One sandbox without limits for the whole run; each test uses contacts and numbers of its own."""

import pytest
from xero_python.api_client.oauth2 import TokenApi

from tests import sandbox_process
from tests.conformance import foreign, judging


@pytest.fixture(scope="session", autouse=True)
def published_answers():
    """Every answer to the suite is held to what Xero publishes."""
    with pytest.MonkeyPatch.context() as patch, judging.watching(patch):
        yield


@pytest.fixture(scope="session")
def sandbox():
    """A sandbox process without rate limits that consents to everything; its apps are of the Advanced tier."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--tier", "advanced") as process:
        yield process


@pytest.fixture(scope="session")
def xero(sandbox):
    """The SDK, connected to every organisation of `sandbox`."""
    return foreign.Foreign(sandbox.ready, scope=foreign.WITH_JOURNALS)


@pytest.fixture(autouse=True)
def token_addresses(sandbox, monkeypatch):
    """The SDK has Xero's token address built in."""
    for name, path in {
        "refresh_token_url": "/connect/token",
        "client_credentials_token_url": "/connect/token",
        "revoke_token_url": "/connect/revocation",
    }.items():
        monkeypatch.setattr(TokenApi, name, sandbox.ready["identity_url"] + path)


@pytest.fixture
def contact(xero):
    """A new contact's id in the British organisation."""
    return xero.contact(f"Customer {foreign.unique()}")


@pytest.fixture
def number():
    """An invoice number that nobody has used."""
    return f"T-{foreign.unique()}"
