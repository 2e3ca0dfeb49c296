import json
import uuid
from decimal import Decimal

import pytest

from counterfoil import errors
from counterfoil.model import record
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.runtime.clock import SystemClock
from counterfoil.xero import answers, elements, paging
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import contacts, invoices
from counterfoil.xero.transport import Transport
from tests import sandbox_process
from tests.xero.fakes import FreePermits

WRITE = {"summarizeErrors": "false", "unitdp": "4"}


class SwiftClock(SystemClock):
    """Real time, but nobody waits for a backoff."""

    async def sleep(self, seconds):
        """At once."""


class SandboxTokens:
    """Consents anew whenever a token is rejected."""

    def __init__(self, sandbox, **arguments):
        self.ask = lambda: sandbox.connect(**arguments)["access_token"]
        self.token = self.ask()
        self.rejected = 0

    async def access_token(self, grant_id, *, rejected=None):
        """The token of now."""
        if rejected is not None:
            self.rejected += 1
            self.token = self.ask()
        return self.token


@pytest.fixture(scope="module")
def sandbox():
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
async def client(sandbox):
    sandbox.clear_faults()
    made = client_of(sandbox, SandboxTokens(sandbox))
    yield made
    await made._transport.close()


def client_of(sandbox, tokens, tenant=None):
    tenant = tenant or sandbox.tenant(1)
    binding = Binding("acme", tenant, "g", Fingerprint(tenant, "Fernhill", "!", "GBP", "GB"))
    return XeroClient(binding, Transport(SwiftClock(), api_url=sandbox.url), tokens, FreePermits())


async def put(client, plural, *items, key=None, timeout_s=30.0, params=WRITE):
    async def commit():
        return client._transport.clock.elapsed_s()

    return await client.write(
        "PUT",
        plural,
        params,
        json.dumps({plural: items}).encode(),
        key or uuid.uuid4().hex,
        lane="bulk",
        timeout_s=timeout_s,
        commit=commit,
    )


def invoice(contact_id, number, **fields):
    lines = [
        {"Description": "Widgets", "Quantity": "2", "UnitAmount": "10.1234", "AccountCode": "200", "TaxType": "OUTPUT2"}
    ]
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact_id},
        "InvoiceNumber": number,
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "LineItems": lines,
    } | fields


@pytest.fixture
async def contact_id(client):
    answer = await put(client, "Contacts", {"Name": f"Customer {uuid.uuid4().hex}", "ContactNumber": uuid.uuid4().hex})
    return elements.parse(answer.body, "Contacts", 1, elements.WrittenContact)[0].stored.document_id


READ_FAULTS = {
    "reset": errors.Unclear,
    "lost_answer": errors.Unclear,
    "truncated": errors.Unclear,
    "truncated_json": errors.Unclear,
    "bad_gzip": errors.Unclear,
    "text_answer": errors.Unclear,
    "500_before": errors.XeroUnavailable,
    "500_after": errors.XeroUnavailable,
    "503": errors.XeroUnavailable,
    "503_offline": errors.OrganisationOffline,
    "429_minute": errors.RateLimited,
    "429_day": errors.RateLimited,
    "429_concurrent": errors.RateLimited,
    "429_appminute": errors.RateLimited,
    "401_expired": errors.TokenExpired,
    "403": errors.NotConnected,
}


@pytest.mark.parametrize(("fault", "kind"), READ_FAULTS.items())
async def test_a_read_under_every_fault(client, sandbox, fault, kind):
    """A fault that stays is its one error; no error names the token."""
    sandbox.fault(fault, path="/api.xro/2.0/Invoices", count=20)
    with pytest.raises(kind) as caught:
        await invoices.page(client, lane="sync")
    assert type(caught.value) is kind
    assert client._tokens.token not in f"{caught.value} {caught.value!r} {caught.value.facts}"


@pytest.mark.parametrize(
    "fault",
    [
        "reset",
        "truncated",
        "truncated_json",
        "bad_gzip",
        "text_answer",
        "500_before",
        "503",
        "401_expired",
        "429_minute",
    ],
)
async def test_a_read_survives_one_fault(client, sandbox, fault):
    """A fault that passes does not show."""
    sandbox.fault(fault, path="/api.xro/2.0/Invoices", count=1)
    assert (await invoices.page(client, lane="sync")).page == 1


UNCLEAR_WRITES = ["reset", "lost_answer", "truncated", "bad_gzip"]


@pytest.mark.parametrize("fault", UNCLEAR_WRITES)
async def test_a_write_without_a_complete_answer(client, sandbox, contact_id, fault):
    """It is unclear, was sent once, and the same bytes under the same key show what became of it."""
    number, key = uuid.uuid4().hex, uuid.uuid4().hex
    sandbox.fault(fault, method="PUT", path="/api.xro/2.0/Invoices", count=1)
    with pytest.raises(errors.Unclear):
        await put(client, "Invoices", invoice(contact_id, number), key=key)
    again = elements.parse((await put(client, "Invoices", invoice(contact_id, number), key=key)).body, "Invoices", 1)
    held = [i for i in sandbox.ledger(sandbox.tenant(1))["Invoices"] if i["InvoiceNumber"] == number]
    assert ([e.status for e in again], len(held)) == (["OK"], 1)


ANSWERED = {
    "truncated_json": (200, errors.Unclear),
    "text_answer": (200, errors.Unclear),
    "500_after": (500, errors.XeroUnavailable),
    "503_offline": (503, errors.OrganisationOffline),
    "429_day": (429, errors.RateLimited),
    "401_expired": (401, errors.TokenExpired),
    "403": (403, errors.NotConnected),
}


@pytest.mark.parametrize(("fault", "expected"), ANSWERED.items())
async def test_a_write_with_any_complete_answer(client, sandbox, contact_id, fault, expected):
    """It is returned as it came, and explained; its elements are not trusted."""
    sandbox.fault(fault, method="PUT", path="/api.xro/2.0/Invoices", count=1)
    answer = await put(client, "Invoices", invoice(contact_id, uuid.uuid4().hex))
    assert (answer.status, type(answers.explain(answer))) == expected
    assert elements.parse(answer.body, "Invoices", 1) is None


async def test_elements_of_a_mixed_batch(client, contact_id):
    """One bad among good ones: by position, with Xero's words, the good ones typed to the last decimal."""
    good, bad = (
        invoice(contact_id, uuid.uuid4().hex),
        invoice(contact_id, uuid.uuid4().hex, LineItems=[], Status="AUTHORISED"),
    )
    answer = await put(client, "Invoices", good, bad, good | {"InvoiceNumber": uuid.uuid4().hex})
    found = elements.parse(answer.body, "Invoices", 3)
    assert [e.status for e in found] == ["OK", "ERROR", "OK"]
    assert found[1].errors
    page = await invoices.page(client, lane="sync", numbers=(good["InvoiceNumber"],))
    line = page.items[0].line_items[0]
    assert (line.unit_amount, line.line_amount, page.items[0].total) == (
        Decimal("10.1234"),
        Decimal("20.25"),
        Decimal("24.30"),
    )
    assert (answer.correlation_id is not None, answers.explain(answer)) == (True, None)


async def test_a_refused_batch(client, contact_id):
    """Without summarizeErrors=false a bad element is a 400 with every message and the elements as echoed."""
    answer = await put(client, "Invoices", invoice(contact_id, "x" * 300), params={})
    refused = answers.explain(answer)
    assert (type(refused), refused.error_number, len(refused.elements)) == (errors.Refused, 10, 1)
    assert refused.messages


async def test_an_unparsable_body(client):
    """A wrong type is 400/14 without elements."""
    refused = answers.explain(await put(client, "Invoices", {"Type": "ACCREC", "LineAmountTypes": "SIDEWAYS"}))
    assert (refused.error_number, refused.elements, len(refused.messages)) == (14, (), 1)


async def test_a_key_used_for_another_request(client, contact_id):
    """Xero's words for a clash arrive."""
    key = uuid.uuid4().hex
    await put(client, "Invoices", invoice(contact_id, uuid.uuid4().hex), key=key)
    refused = answers.explain(await put(client, "Invoices", invoice(contact_id, uuid.uuid4().hex), key=key))
    assert "is used with a different request" in refused.messages[0]


async def test_an_unknown_document(client):
    """A 404 is text/html at Xero, and NotFound here."""
    with pytest.raises(errors.NotFound):
        await invoices.get(client, str(uuid.uuid4()), lane="sync")
    with pytest.raises(errors.NotFound):
        await contacts.get(client, "no such/contact", lane="sync")


async def test_a_bad_where(client):
    """Xero's parser's words arrive."""
    with pytest.raises(errors.Refused) as caught:
        await invoices.page(client, lane="sync", where='Nonsense=="x"(')
    assert caught.value.error_number == 16


async def test_a_tenant_that_is_not_ours(sandbox, client):
    """A wrong tenant id is NotConnected."""
    other = client_of(sandbox, client._tokens, tenant=str(uuid.uuid4()))
    with pytest.raises(errors.NotConnected):
        await invoices.page(other, lane="sync")
    await other._transport.close()


async def test_a_missing_scope_is_no_refresh_loop(sandbox):
    """401 AuthorizationUnsuccessful is shown at once."""
    tokens = SandboxTokens(
        sandbox, scope="openid profile email offline_access accounting.settings.read", user="less@x.example"
    )
    client = client_of(sandbox, tokens)
    with pytest.raises(errors.MissingScope):
        await invoices.page(client, lane="sync")
    assert tokens.rejected == 0
    await client._transport.close()


async def test_every_page_of_a_ledger(client, sandbox, contact_id):
    """Walking page by page gives every invoice once, in Xero's order, with its raw element."""
    await put(client, "Invoices", *(invoice(contact_id, uuid.uuid4().hex) for _ in range(25)))

    async def fetch(page):
        return await invoices.page(client, page, 10, lane="sync", order="InvoiceID")

    pages = [page async for page in paging.each_page(fetch)]
    found = [i for page in pages for i in page.items]
    held = sandbox.ledger(sandbox.tenant(1))["Invoices"]
    assert sorted(i.invoice_id for i in found) == sorted(i["InvoiceID"] for i in held)
    assert [len(page.items) for page in pages[:2]] == [10, 10]
    assert all(record.plain(i.raw)["InvoiceID"] == i.invoice_id for i in found)


async def test_archived_contacts_are_seen(client, sandbox, contact_id):
    """The list holds archived contacts unless told otherwise."""
    sandbox.edit(sandbox.tenant(1), contact_id, ContactStatus="ARCHIVED")
    seen = [
        {
            c.contact_id: c.contact_status
            for c in (await contacts.page(client, lane="sync", include_archived=with_)).items
        }
        for with_ in (True, False)
    ]
    assert [s.get(contact_id) for s in seen] == ["ARCHIVED", None]
