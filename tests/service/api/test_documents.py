"""Whole documents by id: filters, pages that do not move, and how old they are."""

import datetime
import json

import msgspec
import pytest

from counterfoil.store import documents, mirror_pages, mirrored, schema
from tests.service.api.conftest import AU, NOW, UK

LIST = "/v1/entities/acme-uk/invoices"


def invoice(number, contact="c1", day=22, **more):
    """What Xero sends of an invoice."""
    at = int(datetime.datetime(2026, 11, day, tzinfo=datetime.UTC).timestamp() * 1000)
    return {
        "InvoiceID": f"id-{number}", "InvoiceNumber": f"N{number}", "Contact": {"ContactID": contact}, "Total": 10.50,
        "Date": f"/Date({at}+0000)/", **more,
    }  # fmt: skip


async def filled(house, tenant=UK):
    """Six invoices of two contacts over three days; the index knows them."""
    found = [invoice(number, f"c{number % 2}", 20 + number // 2) for number in range(6)]
    statuses = ("DRAFT", "PAID", "PAID", "DELETED", "VOIDED", "PAID")
    await house.hold(
        tenant, "Invoices", *((f"id-{number}", statuses[number], number, one) for number, one in enumerate(found))
    )

    def index(conn):
        rows = [
            {
                "tenant_id": tenant, "resource": "Invoices", "document_id": one["InvoiceID"],
                "number_key": one["InvoiceNumber"].casefold() if number < 4 else None, "number": one["InvoiceNumber"],
                "marker": None, "status": statuses[number], "contact_id": one["Contact"]["ContactID"],
                "date": datetime.date(2026, 11, 20 + number // 2), "currency": "GBP", "sub_total": None, "total_tax": None,
                "total": None, "reference": None, "updated_at": NOW,
            }
            for number, one in enumerate(found)
        ]  # fmt: skip
        documents.upsert(conn, schema.documents, rows)

    await house.books.database.run(index)
    return found


async def numbers(house, query, key=None):
    """The last digits of what a query finds, over all pages of it, and how many pages."""
    key, after, found, pages = key or await house.key(), "", [], 0
    while True:
        answer = await house.get(f"{LIST}?{query}{after}", key)
        assert answer.status == 200, answer.body
        found += [int(one["document_id"][3:]) for one in answer.json["documents"]]
        pages += 1
        if answer.json["next"] is None:
            return found, pages
        after = f"&after={answer.json['next']}"


async def test_a_document_is_as_xero_sends_it(house):
    """Byte for byte, in a list as alone, with its stamp and the mirror's age."""
    [first, *_] = await filled(house)
    key = await house.key()
    listed = await house.get(f"{LIST}?limit=1", key)
    alone = await house.get(f"{LIST}/id-0", key)
    assert json.dumps(first).encode() in listed.body
    assert listed.json["documents"][0] == alone.json
    assert (alone.json["status"], alone.json["stamp"], alone.json["document"]) == (
        "DRAFT",
        "2026-11-22T10:00:00Z",
        first,
    )
    for answer in (listed, alone):
        assert answer.headers["counterfoil-as-of"] == "2026-11-22T10:00:00Z"
        assert float(answer.headers["counterfoil-lag-seconds"]) > 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2, 4, 5]),
        ("deleted=true", [0, 1, 2, 3, 4, 5]),
        ("status=PAID", [1, 2, 5]),
        ("status=DELETED&status=VOIDED", [3, 4]),
        ("updated_after=2026-11-22T10:03:00Z", [4, 5]),
        ("ids=id-5&ids=id-0&ids=id-3&ids=none", [0, 5]),
        ("contact=c1", [1, 5]),
        ("contact=c1&deleted=true", [1, 3, 5]),
        ("contact=nobody", []),
        ("number=N2", [2]),
        ("number=N5", [5]),
        ("number=n5", []),
        ("date_from=2026-11-21", [2, 4, 5]),
        ("date_to=2026-11-21&date_from=2026-11-21", [2]),
        ("date_from=2026-11-22&contact=c0", [4]),
        ("contact=c1&number=N5&status=PAID&date_to=2026-11-30&updated_after=2026-11-22T00:00:00Z", [5]),
    ],
)  # fmt: skip
async def test_filters(house, query, expected):
    """Each alone, several together, whatever the pages' length, also where a page looks at two documents only."""
    await filled(house)
    await filled(house, AU)
    key = await house.key("read", "acme-uk")
    for limit in (1, 2, 500):
        assert (await numbers(house, f"{query}&limit={limit}", key))[0] == expected


async def test_a_page_looks_at_a_bounded_number_of_documents(house, monkeypatch):
    """It may hold nothing and says where to go on; all pages together find everything."""
    await filled(house)
    monkeypatch.setattr(mirror_pages, "LOOKED_AT_MAX", 2)
    monkeypatch.setattr(mirror_pages, "READ_MAX", 2)
    assert await numbers(house, "status=PAID") == ([1, 2, 5], 4)
    assert await numbers(house, "date_from=2026-11-22") == ([4, 5], 4)
    assert (await numbers(house, "contact=c1&deleted=true"))[0] == [1, 3, 5]
    monkeypatch.setattr(mirror_pages, "BYTES_MAX", 10)
    assert await numbers(house, "") == ([0, 1, 2, 4, 5], 5)


async def test_pages_do_not_move_while_the_mirror_changes(house):
    """What is there from the first page to the last comes once, whatever else is written, put in or deleted meanwhile."""
    await filled(house)
    key = await house.key()
    first = (await house.get(f"{LIST}?limit=2", key)).json
    await house.hold(UK, "Invoices", ("id-0", "PAID", 900, invoice(0)), ("id-00", "PAID", 900, invoice(0)))
    await house.books.database.run(lambda conn: mirrored.delete(conn, UK, "Invoices", ["id-1"], NOW))
    rest = (await house.get(f"{LIST}?after={first['next']}", key)).json
    assert [one["document_id"] for one in first["documents"] + rest["documents"]] == [
        "id-0", "id-1", "id-2", "id-4", "id-5",
    ]  # fmt: skip


async def test_a_cursor_belongs_to_its_question(house):
    """With another filter, resource or entity, altered or made up, it is refused: documents would be left out in silence."""
    await filled(house)
    await filled(house, AU)
    key = await house.key()
    cursor = (await house.get(f"{LIST}?limit=2", key)).json["next"]
    for query in (f"?status=PAID&after={cursor}", "?after=x", f"?after=x{cursor}", "?after=%C3%A9"):
        answer = await house.get(LIST + query, key)
        assert (answer.status, answer.json["code"]) == (422, "bad-cursor"), query
    other = await house.get(f"/v1/entities/acme-au/invoices?after={cursor}", key)
    assert other.status == 422


async def test_what_is_gone_from_xero_is_shown_when_asked_for(house):
    """By a list's silence or by its status; the answer says how to see it."""
    await filled(house)
    await house.books.database.run(lambda conn: mirrored.delete(conn, UK, "Invoices", ["id-1"], NOW))
    key = await house.key()
    assert (await numbers(house, "", key))[0] == [0, 2, 4, 5]
    for one in ("id-1", "id-3"):
        hidden = await house.get(f"{LIST}/{one}", key)
        assert (hidden.status, hidden.json["remedy"]) == (404, "deleted=true shows what it was.")
        assert (await house.get(f"{LIST}/{one}?deleted=true", key)).status == 200
    shown = (await house.get(f"{LIST}?deleted=true&limit=2", key)).json["documents"][1]
    assert shown["deleted_at"] == "2026-11-22T10:00:00Z"


async def test_another_entitys_document_is_not_there(house):
    """By its id, by a key of both and by a key of one; and an entity that is not the key's does not exist."""
    await filled(house)
    both, one = await house.key(), await house.key("read", "acme-uk")
    await house.hold(AU, "Invoices", ("only-au", "PAID", 1, invoice(9)))
    assert (await house.get(f"{LIST}/only-au", both)).status == 404
    assert (await house.get(f"{LIST}?ids=only-au", both)).json["documents"] == []
    hidden = await house.get("/v1/entities/acme-au/invoices/only-au", one)
    nowhere = await house.get("/v1/entities/acme-xx/invoices/only-au", one)
    assert (hidden.status, nowhere.status) == (404, 404)
    assert hidden.body.replace(b"acme-au", b"acme-xx") == nowhere.body


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        ("/v1/entities/acme-uk/invoice", 404, "not-found", "`invoices`"),
        ("/v1/entities/acme-uk/Invoices", 404, "not-found", "`invoices`"),
        ("/v1/entities/acme-uk/contacts", 409, "not-read-yet", "counterfoil sync acme-uk Contacts"),
        ("/v1/entities/acme-nl/invoices", 409, "no-binding", "counterfoil entities bind acme-nl"),
        ("/v1/entities/acme-uk/tax-rates?contact=x", 422, "fix-input", "contact"),
        (LIST + "?limit=501", 422, "fix-input", ""),
        (LIST + "?updated_after=2026-11-22T10:00:00", 422, "fix-input", "2026-11-22T10:00:00Z"),
        (LIST + "?date_from=yesterday", 422, "fix-input", ""),
        (LIST + "?" + "ids=x&" * 101, 422, "fix-input", ""),
        (LIST + "?conact=x", 422, "fix-input", "`contact`"),
    ],
)
async def test_refusals_say_what_to_do(house, path, status, code, says):
    """What there is instead, or the command to give."""
    await house.hold(UK, "Invoices")
    await house.hold(UK, "TaxRates")
    answer = await house.get(path, await house.key())
    assert (answer.status, answer.json["code"]) == (status, code)
    assert says in answer.json.get("remedy", "")


async def test_a_first_load_that_runs(house):
    """Come again, it says, and when."""
    began = mirrored.Reading(UK, "Contacts", began_at=NOW)
    await house.books.database.run(lambda conn: mirrored.set_reading(conn, began))
    answer = await house.get("/v1/entities/acme-uk/contacts", await house.key())
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "first-reading", "30")


async def test_fields_that_no_answer_covered_are_named(house):
    """So that nobody takes an old amount for the one at this stamp."""
    row = mirrored.Mirrored(
        UK,
        "Invoices",
        "id-7",
        "PAID",
        NOW,
        NOW,
        "Payments,AmountDue,~Contact",
        None,
        None,
        msgspec.json.encode(invoice(7)),
    )
    await house.hold(UK, "Invoices")
    await house.books.database.run(lambda conn: mirrored.put(conn, [row]))
    answer = await house.get(f"{LIST}/id-7", await house.key())
    assert answer.json["missing"] == ["AmountDue", "Contact", "Payments"]


async def test_a_field_of_an_unforeseen_kind_fits_nothing(house):
    """And is no mistake of ours: a number where Xero has a text, a list where it has an object."""
    odd = {"InvoiceNumber": 7, "Contact": [], "Date": 5, "Code": {}}
    await house.hold(UK, "Invoices", ("id-1", "PAID", 1, odd), ("id-2", "PAID", 1, invoice(2)))
    assert (await numbers(house, "date_from=2020-01-01"))[0] == [2]
