import datetime
import json

import pytest

from counterfoil import errors
from counterfoil.model import record
from counterfoil.model.invoice import Invoice
from counterfoil.xero import paging
from counterfoil.xero.answers import Answer
from tests.xero.fakes import envelope


def answer(items, plural="Invoices", **pagination):
    body = envelope(plural, items, pagination or None)
    return Answer(status=200, body=json.dumps(body, indent=2).replace("\n", "\r\n").encode())


def test_a_page():
    """Records in Xero's order, the pagination, and Xero's own time."""
    items = [{"InvoiceID": "b"}, {"InvoiceID": "a"}]
    page = paging.decode(answer(items, page=2, pageSize=2, pageCount=3, itemCount=5), Invoice, "Invoices")
    assert [i.invoice_id for i in page.items] == ["b", "a"]
    assert (page.page, page.page_count, page.item_count) == (2, 3, 5)
    assert page.server_time == datetime.datetime(2026, 9, 13, 3, 16, 16, 195000, tzinfo=datetime.UTC)


def test_each_record_knows_its_raw_element():
    """What a record does not type is found again in its own element, not a neighbour's."""
    page = paging.decode(answer([{"InvoiceID": "a", "New": 1}, {"InvoiceID": "b", "New": 2}]), Invoice, "Invoices")
    assert [record.plain(i.raw)["New"] for i in page.items] == [1, 2]


BAD = {
    "cut": b'{"Status": "OK", "DateTimeUTC": "/Date(1)/", "Invoices": [{"InvoiceID": "a"',
    "no list": b'{"Status": "OK", "DateTimeUTC": "/Date(1)/"}',
    "wrong kind": b'{"Status": "OK", "DateTimeUTC": "/Date(1)/", "Invoices": [{"InvoiceID": "a", "Total": [1]}]}',
    "bad date": b'{"Status": "OK", "DateTimeUTC": "/Date(1)/", "Invoices": [{"InvoiceID": "a", "Date": "soon"}]}',
    "date of a number": b'{"Status": "OK", "DateTimeUTC": "/Date(1)/", "Invoices": [{"InvoiceID": "a", "Date": 5}]}',
    "not OK": b'{"Status": "ERROR", "DateTimeUTC": "/Date(1)/", "Invoices": []}',
    "empty": b"",
    "not UTF-8": b'{"Status": "\xff"}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_page_that_cannot_be_read_is_unclear(body):
    """A cut or odd page is never an empty list."""
    with pytest.raises(errors.Unclear):
        paging.decode(Answer(status=200, body=body), Invoice, "Invoices")


def test_the_only_one():
    """A single GET is a list of one; none is NotFound and two are unclear."""
    assert paging.only(answer([{"InvoiceID": "a"}]), Invoice, "Invoices").invoice_id == "a"
    with pytest.raises(errors.NotFound):
        paging.only(answer([]), Invoice, "Invoices")
    with pytest.raises(errors.Unclear):
        paging.only(answer([{"InvoiceID": "a"}, {"InvoiceID": "b"}]), Invoice, "Invoices")


def pages(*contents, count=None, number=None):
    async def fetch(n):
        items = contents[n - 1] if n <= len(contents) else []
        said = {"page": number or n, "pageSize": 2, "pageCount": count or len(contents), "itemCount": 9}
        return paging.decode(answer([{"InvoiceID": i} for i in items], **said), Invoice, "Invoices")

    return fetch


async def read(fetch, **arguments):
    return [[i.invoice_id for i in page.items] async for page in paging.each_page(fetch, **arguments)]


async def test_every_page_once():
    """Pages until the last, or until an empty one."""
    assert await read(pages("ab", "cd", "e")) == [["a", "b"], ["c", "d"], ["e"]]
    assert await read(pages("ab", "", count=9)) == [["a", "b"]]
    assert await read(pages("ab", "cd", "e"), first=3) == [["e"]]


async def test_a_repeated_page_is_refused():
    """Xero has sent the same page again and again: that is no end and no progress."""
    with pytest.raises(errors.Unclear, match="again"):
        await read(pages("ab", "ab", "ab"))
    with pytest.raises(errors.Unclear, match="where 2 was asked"):
        await read(pages("ab", "cd", number=1))


async def test_pages_are_bounded():
    """A list without end is refused at a named bound."""
    with pytest.raises(errors.Unclear, match="more than 2 pages"):
        await read(pages("a", "b", "c", "d"), pages_max=2)


async def test_an_unpaged_list_is_one_page():
    """Without a pagination object there is nothing to go on to."""

    async def fetch(_):
        return paging.decode(answer([{"InvoiceID": "a"}]), Invoice, "Invoices")

    assert await read(fetch) == [["a"]]


def test_a_comma_would_be_two_values():
    """A number with a comma cannot be asked for in a list."""
    assert paging.joined(("a", "b")) == "a,b"
    with pytest.raises(ValueError, match="comma"):
        paging.joined(("a,b",))
