"""Elements of lists as bytes: made once for each version of a row, never from an old one, never too many."""

from decimal import Decimal

import pytest

from counterfoil.sandbox import wire
from counterfoil.sandbox.rendered import Rendered
from tests.sandbox.conftest import invoice


@pytest.mark.parametrize("elements", [[], [{}], [{"a": "x\ny", "b": []}, {"c": [{"d": Decimal("1.0"), "e": {}}]}]])
def test_a_joined_list_has_the_bytes_of_one_that_was_laid_out_as_a_whole(elements):
    """Two spaces, CRLF, empty lists and objects on one line."""
    whole = wire.pretty({"Id": "1", "pagination": {"page": 1}, "Rows": elements})
    head = {"Id": "1", "pagination": {"page": 1}}
    assert wire.with_list(head, "Rows", [wire.element(one) for one in elements]) == whole


def test_a_version_of_a_row_is_made_once_and_another_version_anew():
    """What tells versions apart is the row object, so an equal row that is another one is made again."""
    made = []

    def show(row):
        made.append(row)
        return row

    rendered = Rendered()
    first, second = {"a": 1}, {"a": 1}
    for row in (first, first, second, first):
        assert rendered.element("form", "id", row, show) == wire.element(row)
    assert len(made) == 3


def test_what_is_kept_has_a_bound():
    """The oldest elements go, and are made again when they are asked for."""
    made = []
    rendered = Rendered(bytes_max=3 * len(wire.element({"n": 0})))
    rows = [{"n": n} for n in range(5)]
    for row in (*rows, rows[4], rows[0]):
        rendered.element("form", str(row["n"]), row, lambda row: made.append(row["n"]) or row)
    assert made == [0, 1, 2, 3, 4, 0]


def test_a_page_shows_each_invoice_as_it_is_now_in_every_form(ledger):
    """Pages, summaries and lists without lines, before and after a change, are those of the stored document."""
    contact_id = ledger.contact()
    ledger.write("PUT", *(invoice(contact_id, InvoiceNumber=f"S-{n}", Status="DRAFT") for n in range(3)))
    forms = ("page=1", "page=1&unitdp=4", "summaryOnly=true", "where=Status!=%22VOIDED%22")
    before = [ledger.get(f"Invoices?{form}")["Invoices"] for form in forms]
    ledger.write("POST", {"InvoiceNumber": "S-1", "Reference": "PO 9"})
    for form, old in zip(forms, before, strict=True):
        now = ledger.get(f"Invoices?{form}")["Invoices"]
        assert {one["InvoiceNumber"]: one["Reference"] for one in now} == {"S-0": "", "S-1": "PO 9", "S-2": ""}
        assert [one for one in old if one["InvoiceNumber"] != "S-1"] == [
            one for one in now if one["InvoiceNumber"] != "S-1"
        ]
        assert now == ledger.get(f"Invoices?{form}")["Invoices"]
