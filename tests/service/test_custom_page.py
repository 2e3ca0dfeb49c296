"""/connect of a custom connection: it asks for its own token, and no page of Xero's is shown."""

import pytest

from tests.service.conftest import serving
from tests.service.visitor import Browser

LEAST = ["accounting.contacts", "accounting.invoices", "accounting.payments", "accounting.settings.read"]


@pytest.fixture
def custom(office, sandbox, monkeypatch):
    """An office whose app is a custom connection to organisation 1."""
    app = sandbox.post("/_sandbox/apps", {"kind": "custom", "tenant": sandbox.tenant(1), "scopes": LEAST})
    for key, value in {"APP": "custom", "CLIENT_ID": app["client_id"], "CLIENT_SECRET": app["client_secret"]}.items():
        monkeypatch.setenv(f"COUNTERFOIL_XERO__{key}", value)
    return office


async def test_the_button_asks_for_the_token(custom, sandbox):
    """It is stored, bound when asked, and told; nobody was sent to Xero."""
    async with serving(custom) as (books, door):
        browser = Browser(door.port)
        page = await browser.open("/connect?entity=acme-uk")
        assert ("Ask Xero for the token" in page.text, "offline_access" in page.text) == (True, False)
        done = await browser.begin("acme-uk")
        assert (done.status, done.headers["location"]) == (303, "/connected")
        assert "It is bound to <strong>Fernhill Trading Ltd" in (await browser.open("/connected")).text
        assert (await books.binding("acme-uk")).tenant_id == sandbox.tenant(1)
    assert [one for one in sandbox.requests() if "authorize" in one["path"]] == []
