"""docs/coverage.md: the cards are the flow kinds' own, and the sandbox answers each call as its table says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil import flows
from tests import sandbox_process
from tests.sandbox_process import SandboxProcess

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
RESOURCES = ROOT / "src" / "counterfoil" / "sandbox" / "resources"
CALLS = re.findall(r"^\| `(GET|PUT|POST|DELETE) ([A-Z][^`]*)` \| (yes|501) \|", PAGE, re.MULTILINE)
IDENTITY = re.findall(r"^\| `(GET|POST|DELETE) (/[^`]*)` \|", PAGE, re.MULTILINE)
BODIES = {"TrackingCategories": {"Name": "Another"}, "Currencies": {"Code": "USD"}}


class Shop:
    """One organisation of a running sandbox, with one contact, one invoice, one credit note and a refund of it."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.tenant = sandbox.tenant(1)
        self.token = sandbox.connect()["access_token"]
        (contact,) = sandbox.make(self.tenant, "Contacts", {"Name": "Blue Fern Ltd"})
        invoice = {
            "Type": "ACCREC",
            "Contact": {"ContactID": contact["ContactID"]},
            "LineItems": [{"Description": "Widgets"}],
        }
        (made,) = sandbox.make(self.tenant, "Invoices", invoice)
        line = {"Description": "Widgets", "UnitAmount": 5, "AccountCode": "200"}
        note = {**invoice, "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "LineItems": [line]}
        (note,) = sandbox.make(self.tenant, "CreditNotes", note)
        refund = {"CreditNote": {"CreditNoteID": note["CreditNoteID"]}, "Account": {"Code": "090"}, "Amount": 1}
        (payment,) = sandbox.make(self.tenant, "Payments", refund)
        ledger = sandbox.ledger(self.tenant)
        self.ids = {
            "Accounts": ledger["Accounts"][-1]["AccountID"],
            "TaxRates": ledger["TaxRates"][0]["TaxType"],
            "TrackingCategories": ledger["TrackingCategories"][0]["TrackingCategoryID"],
            "Contacts": contact["ContactID"],
            "Invoices": made["InvoiceID"],
            "CreditNotes": note["CreditNoteID"],
            "Payments": payment["PaymentID"],
        }


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with sandbox_process.start("--auto-consent", "--no-limits") as sandbox:
        yield Shop(sandbox)


def test_every_card_is_on_the_page():
    """Each flow kind has its heading, its line of documentation and its card, word for word and in order."""
    told = PAGE.split("## The sandbox")[0]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", told, re.MULTILINE | re.DOTALL))
    assert sorted(flows.kinds()) == sorted(sections)
    for name, kind in flows.kinds().items():
        assert kind.doc in sections[name]
        rows = re.findall(r"^\| (.+?) \| (.+?) \|$", sections[name], re.MULTILINE)
        assert list(kind.card.items()) == rows


@pytest.mark.parametrize(("method", "path", "said"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
def test_the_sandbox_answers_as_the_page_says(shop, method, path, said):
    """A call with `yes` is handled, one with 501 is answered so."""
    name = path.partition("/")[0]
    body = None if method in {"GET", "DELETE"} else BODIES.get(name, {"Name": "Another"})
    reply = shop.sandbox.api(method, path.replace("{id}", shop.ids.get(name, "")), shop.token, shop.tenant, body)
    if said == "501":
        assert (reply.status, reply.json["ErrorNumber"]) == (501, 20)
    else:
        assert reply.status in {200, 400}, reply.body


def test_every_resource_of_the_sandbox_is_on_the_page():
    """No file with a RESOURCE is missing, nor does the page name one that is not there."""
    files = {path.stem for path in RESOURCES.glob("*.py") if "\nRESOURCE = " in path.read_text(encoding="utf-8")}
    told = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path.partition("/")[0]).lower() for _method, path, _said in CALLS}
    assert files == told


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_bill_is_not_kept_yet(shop, method):
    """ACCPAY is 501."""
    reply = shop.sandbox.api(method, "Invoices", shop.token, shop.tenant, {"Type": "ACCPAY"})
    assert reply.status == 501


def test_every_parameter_that_the_sandbox_reads_is_on_the_page():
    """What the lists and writes ask of the query stands in the table, and nothing else does."""
    read = set()
    for path in RESOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "call.flag",
                "call.query.get",
                "listing.names",
            }:
                read |= {part.value for part in node.args if isinstance(part, ast.Constant) and part.value}
    table = PAGE.split("| parameter | of |")[1].split("\n\n")[0]
    told = re.findall(r"`([A-Za-z-]+)`(?! \(header\))", table)
    assert read == {name.lower() for name in told}


@pytest.mark.parametrize(("method", "path"), IDENTITY, ids=[f"{method} {path}" for method, path in IDENTITY])
def test_identity_has_what_the_page_says(shop, method, path):
    """Each path of the identity server exists: whatever it says of an empty request, it is not 404."""
    reply = shop.sandbox.request(method, path.replace("{id}", "none"), None if method != "POST" else b"")
    assert reply.status != 404
