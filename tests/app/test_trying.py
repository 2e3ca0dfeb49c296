"""`flow test`: rows, record and Xero's lines without a connection; golden files show what a change would change."""

import asyncio

import msgspec
import pytest

from counterfoil import errors
from counterfoil.app import trying
from tests.app import till as tills
from tests.app.till import order, small


def tried(till, **options):
    """Every record of the source, tried."""

    async def work(books):
        flow = books.flow("shop")
        return [one async for one in trying.Trier(books, flow).records(flow.source.path)]

    return asyncio.run(till.use(work))


def accept(till):
    """`flow test shop --accept`."""

    async def work(books):
        flow = books.flow("shop")
        all_of_it = [one async for one in trying.Trier(books, flow).records(flow.source.path)]
        trying.keep(trying.golden_path(books, flow), flow, all_of_it)

    asyncio.run(till.use(work))


def differences(till):
    """(record, field, then, now) of everything that the kept rows would become otherwise."""

    async def work(books):
        flow = books.flow("shop")
        golden = trying.kept(trying.golden_path(books, flow))
        found = await trying.differences(trying.Trier(books, flow), golden)
        return [(one.external_id, one.field, one.then, one.now) for one in found]

    return asyncio.run(till.use(work))


def test_a_record_is_tried_without_a_connection(till):
    """The organisation was never read: its rates are taken from the names, what is assumed is said, no call is made."""
    till.flow_text = tills.FLOW.replace('"S" = "standard"', '"S" = "20% (VAT on Income)"')
    till.write_rows(small("#1"))
    before = len(till.sandbox.requests())
    (one,) = tried(till)
    assert (one.predicted["total"], one.findings) == ("12.00", ())
    assert "is not known yet" in one.assumed[0]
    assert len(till.sandbox.requests()) == before


def test_what_was_read_of_the_organisation_is_used(till):
    """After a plan nothing is assumed; still no call is made."""
    till.write_rows(small("#1"))
    till.plan()
    before = len(till.sandbox.requests())
    (one,) = tried(till)
    assert (one.predicted["total"], one.predicted["lines"][0]["tax_type"], one.assumed) == ("12.00", "OUTPUT2", ())
    assert len(till.sandbox.requests()) == before


def test_each_record_is_tried_by_itself(till):
    """Bad rows and refused records stand among the good ones, in the file's order."""
    till.write_rows(small("#1"), [(*small("#2")[0], "one too many")], small("#3", "?"), small("#4"))
    till.plan()
    found = tried(till)
    assert [one.external_id for one in found] == ["#1", None, "#3", "#4"]
    assert [bool(one.findings) for one in found] == [False, True, True, False]


@pytest.mark.parametrize("known", [True, False], ids=["the organisation was read", "never connected"])
def test_a_changed_lookup_shows_exactly_the_differing_fields(till, known):
    """One VAT name means another tax now: the lines that it touches, and no other record."""
    till.write_rows(small("#1"), order("#2", "10.00", ("1", "10.00", "Z")))
    if known:
        till.plan()
    accept(till)
    assert differences(till) == []
    till.flow_text = tills.FLOW.replace('"Z" = "zero"', '"Z" = "exempt"')
    changed = differences(till)
    assert changed[0] == ("#2", "record.lines[0].tax", "zero", "exempt")
    assert [(one[0], one[1]) for one in changed[1:]] == ([("#2", "refused[0]")] if known else [])


def test_a_changed_mapping_shows_exactly_the_differing_fields(till):
    """A reference that was added: one field of each record."""
    till.write_rows(small("#1"), small("#2"))
    till.plan()
    accept(till)
    till.flow_text = tills.FLOW.replace('currency = "GBP"', 'currency = "GBP"\nreference = "Order {Order}"')
    found = differences(till)
    assert [one for one in found if one[0] == "#1"] == [
        ("#1", "record.reference", "nothing", "Order #1"),
    ]
    assert len(found) == 2


def test_a_record_that_would_be_refused_says_why_and_nothing_else(till):
    """Not a hundred fields that are gone, but the one reason."""
    till.write_rows(small("#1"), small("#2", "Z"))
    till.plan()
    accept(till)
    till.flow_text = tills.FLOW.replace('"Z" = "zero"', '"Y" = "zero"')
    (one,) = differences(till)
    assert one[:3] == ("#2", "refused[0]", "nothing")
    assert "is not in the lookup vat: Z" in one[3]


def test_connecting_changes_nothing_that_was_accepted_before(till):
    """Lines that were only assumed are not compared with Xero's own."""
    till.write_rows(small("#1"), small("#2", "Z"))
    accept(till)
    till.plan()
    assert differences(till) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no golden file"),
        (b"\xff\xfe", "is no golden file"),
        (b'{"form": 1, "flow": "shop"}', "is no golden file"),
        (b'{"form": 9, "flow": "shop", "records": []}', "has form 9"),
        (b'{"form": 1, "flow": "shop", "records": [{"source": "a", "raw": "{", "outcome": 1}]}', "is no golden file"),
    ],
)
def test_a_broken_golden_file_is_said(till, content, said):
    """With its path and the cure; never taken for no golden file."""
    till.write_rows(small("#1"))
    path = till.folder / "golden" / "shop.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(errors.InputError, match=said) as told:
        differences(till)
    assert str(path) in str(told.value)


def test_a_golden_file_is_text_that_two_versions_of_can_be_compared(till):
    """Indented JSON with each record's rows and what they became, the same bytes for the same records."""
    till.write_rows(small("#1"))
    accept(till)
    path = till.folder / "golden" / "shop.json"
    first = path.read_bytes()
    accept(till)
    assert path.read_bytes() == first
    assert len(first.splitlines()) > 10
    kept = msgspec.json.decode(first)
    assert kept["records"][0]["outcome"]["record"]["external_id"] == "#1"


def test_a_day_is_tried_like_any_record(till):
    """One document per day, without a connection."""
    till.flow_text = tills.DAILY
    till.write_rows(small("#1"), small("#2"))
    (one,) = tried(till)
    assert one.record["external_id"] == "daily-2026-11-02-GBP"
    assert len(one.rows) == 2


@pytest.mark.parametrize("flow", [tills.FLOW, tills.DAILY], ids=["each", "daily"])
def test_a_key_that_shows_less_than_it_holds_is_told_before_any_run(till, flow):
    """Of an order, and of a day in which it is one of the sales."""
    till.flow_text = flow
    till.write_rows(small("A\u200b1", customer="ann"))
    till.plan()
    (one,) = tried(till)
    assert "`external_id` has the character U+200B" in one.findings[0].reason
