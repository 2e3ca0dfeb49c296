"""Receivables, payables and cash over HTTP."""

import pytest

from counterfoil.app.figures.cash import RESOURCES
from counterfoil.reporting.papers import RESOURCES as OPEN
from tests.service.api.conftest import UK


def invoice(n, **fields):
    """An open invoice as the mirror holds it."""
    whole = {
        "Type": "ACCREC", "InvoiceNumber": f"INV-{n}", "AmountDue": 10.1, "Total": 10.1, "CurrencyCode": "GBP", "CurrencyRate": 1,
        "Contact": {"ContactID": f"c{n % 3}", "Name": f"Customer {n % 3}"}, "Date": "2026-01-01", "DueDate": "2026-01-31",
    }  # fmt: skip
    return f"i{n}", "AUTHORISED", n, whole | fields


@pytest.fixture
async def read(house):
    """All that figures need was read; seven invoices and a bank account are there."""
    for name in {*OPEN, *RESOURCES}:
        await house.hold(UK, name)
    await house.hold(UK, "Invoices", *(invoice(n) for n in range(7)))
    chart = {"AccountID": "a", "Code": "090", "Name": "Current", "Type": "BANK", "CurrencyCode": "GBP"}
    await house.hold(UK, "Accounts", ("a", "ACTIVE", 0, chart))
    return house


async def test_receivables_are_refused_until_everything_was_read(house):
    """409, with the command that reads it; never a sum that lacks a part."""
    await house.hold(UK, "Invoices", invoice(1))
    answer = await house.get("/v1/entities/acme-uk/receivables", await house.key())
    assert (answer.status, answer.json["code"]) == (409, "not-read-yet")
    assert "`counterfoil sync acme-uk`" in answer.json["remedy"]


async def test_amounts_are_text_and_exact(read):
    """Seven times 10.10, in pages of two contacts."""
    key, after, seen = await read.key(), "", []
    while after is not None:
        query = f"?limit=2{f'&after={after}' if after else ''}"
        answer = await read.get(f"/v1/entities/acme-uk/receivables{query}", key)
        assert answer.status == 200, answer.body
        assert answer.json["totals"]["GBP"]["total"] == "70.70"
        seen += [one["contact_id"] for one in answer.json["contacts"]]
        after = answer.json["next"]
    assert seen == ["c0", "c1", "c2"]


async def test_the_documents_behind_a_number(read):
    """By contact and age, in pages."""
    key, path = await read.key(), "/v1/entities/acme-uk/receivables/documents?contact=c0&bucket=over_90&limit=2"
    first = (await read.get(path, key)).json
    rest = (await read.get(f"{path}&after={first['next']}", key)).json
    assert [one["document_id"] for one in (*first["documents"], *rest["documents"])] == ["i0", "i3", "i6"]
    assert rest["next"] is None
    assert (await read.get("/v1/entities/acme-uk/payables/documents", key)).json["documents"] == []


async def test_cash_says_what_it_lacks(read):
    """No balance is guessed, and no account of another company is shown."""
    answer = (await read.get("/v1/entities/acme-uk/cash?weeks=2", await read.key())).json
    (account,) = answer["accounts"]
    assert (account["balance"], account["movements"], account["since"]) == (None, "0.00", None)
    assert any("opening balance" in one for one in answer["lacks"])
    assert answer["expected"]["overdue"] == [
        {"currency": "GBP", "coming_in": "70.70", "going_out": "0.00", "documents": 7}
    ]
    assert len(answer["expected"]["weeks"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "by=moon", "limit=0", "limit=501", "limit=x", "after=x", "after=%00", "weeks=3", "bucket=old&by=due_date",
        "limit=9999999999999999999999", "limit=NaN",
    ],
)  # fmt: skip
async def test_a_parameter_that_cannot_be_is_named(read, query):
    """422, and never an answer to another question."""
    answer = await read.get(f"/v1/entities/acme-uk/receivables?{query}", await read.key())
    assert (answer.status, answer.json["code"]) == (422, "fix-input"), answer.body
    assert answer.json["fields"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("after", ["x", "2026-13-01/x", "2026-01-31", "/", "%F0%9F%98%80/1"])
async def test_a_cursor_of_another_list_is_refused(read, after):
    """It would skip documents in silence."""
    answer = await read.get(f"/v1/entities/acme-uk/payables/documents?after={after}", await read.key())
    assert (answer.status, answer.json["fields"][0]["field"]) == (422, "after")


@pytest.mark.parametrize("path", ["receivables", "payables", "cash", "receivables/documents"])
async def test_a_key_sees_nothing_of_another_company(read, path):
    """404, the same as for a company that there is not; unbound is said to whom it may be."""
    key = await read.key("read", "acme-au")
    answers = [await read.get(f"/v1/entities/{one}/{path}", key) for one in ("acme-uk", "nobody")]
    assert [one.status for one in answers] == [404, 404]
    assert (await read.get(f"/v1/entities/acme-nl/{path}", await read.key())).status == 409
