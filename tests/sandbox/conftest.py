"""One sandbox process for each module, empty books and a fresh consent for each test."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests import sandbox_process
from tests.sandbox_process import Reply, SandboxProcess

GB, AU, NL, NZ = 1, 2, 3, 4


@dataclass
class Ledger:
    """One organisation, called with a good token."""

    sandbox: SandboxProcess
    token: str
    tenant: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Any call to this organisation."""
        return self.sandbox.api(method, path, self.token, self.tenant, body, **headers)

    def get(self, path: str, **headers: str) -> Any:
        """The decoded answer of a GET that must succeed."""
        reply = self.call("GET", path, **headers)
        assert reply.status == 200, reply.body
        return reply.json

    def contact(self, name: str = "Blue Fern Ltd", **fields: Any) -> str:
        """A new contact's id."""
        reply = self.call("PUT", "Contacts", {"Name": name, **fields})
        assert reply.status == 200, reply.body
        return reply.json["Contacts"][0]["ContactID"]

    def write(
        self, method: str, *elements: dict[str, Any], query: str = "", to: str = "Invoices", path: str = ""
    ) -> list[dict[str, Any]]:
        """The elements of the answer to a write with summarizeErrors=false; `path` if it is not the plural `to`."""
        reply = self.call(method, f"{path or to}?summarizeErrors=false{query}", {to: list(elements)})
        assert reply.status == 200, reply.body
        return reply.json[to]

    def stored(self, plural: str) -> list[dict[str, Any]]:
        """What the books really hold."""
        return self.sandbox.ledger(self.tenant)[plural]


def invoice(contact_id: str, **fields: Any) -> dict[str, Any]:
    """A good sales invoice of 21.00 + 20 % for a British organisation."""
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact_id},
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "Status": "AUTHORISED",
        "LineItems": [line()],
        **fields,
    }


def line(**fields: Any) -> dict[str, Any]:
    """A good line of 2 × 10.50."""
    return {"Description": "Widgets", "Quantity": 2, "UnitAmount": 10.5, "AccountCode": "200", **fields}


def messages(element: dict[str, Any]) -> list[str]:
    """The texts of an element's validation errors."""
    return [error["Message"] for error in element.get("ValidationErrors", [])]


@pytest.fixture(scope="module")
def unlimited():
    """A process without limits for a whole module."""
    with sandbox_process.start("--auto-consent", "--no-limits") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(unlimited):
    """The module's process with empty books, no faults, no connections."""
    unlimited.post("/_sandbox/reset")
    return unlimited


@pytest.fixture
def ledger(sandbox):
    """The British organisation, connected."""
    return Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(GB))
