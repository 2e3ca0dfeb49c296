"""A person's edits beside the rules: what could never be read again is refused, and nothing of it stays."""

from typing import Any

import pytest

from counterfoil.sandbox import edits, person
from counterfoil.sandbox.answers import Refusal
from tests.sandbox.test_never_500 import everything

ODD: list[Any] = [None, True, 0, -1, 10**30, "", "x", "0001-01-01", "9999-12-31", [], {}, [1], {"a": 1}, [[]], ["x"]]
DESK, _ = everything()
EDITABLE = [
    "Invoices",
    "CreditNotes",
    "Contacts",
    "Accounts",
    "TaxRates",
    "Payments",
    "Prepayments",
    "BankTransactions",
    "Quotes",
]
READ = [
    "Invoices?page=1", "CreditNotes?page=1", "Contacts?page=1", "Accounts", "TaxRates", "Payments?page=1", "Prepayments?page=1",
    "BankTransactions?page=1", "Quotes?page=1", "Journals", "Reports/TrialBalance", "Reports/BalanceSheet",
    "Reports/ProfitAndLoss?paymentsOnly=true",
]  # fmt: skip


@pytest.mark.parametrize("plural", EDITABLE)
def test_whatever_an_edit_leaves_can_be_read(plural):
    """Each field set to each odd value: refused, or every list and report is still answered."""
    own_id, row = next(iter(DESK.books.table(plural).rows.items()))
    for name in row:
        for value in ODD:
            try:
                edits.edited_document(DESK.world, DESK.books, own_id, {name: value})
                found = [DESK.ask("GET", path)[0] for path in READ]
                assert set(found) == {200}, (name, value)
            except (ValueError, Refusal):
                pass  # refused: the caller gets a 400
            finally:
                DESK.world.changes.roll_back(0)
                DESK.books.table(plural).restore(own_id, row)


def test_a_document_keeps_its_id():
    """Under another id it would be lost to everybody."""
    own_id = next(iter(DESK.books.table("Invoices").rows))
    with pytest.raises(ValueError, match="id"):
        edits.edited_document(DESK.world, DESK.books, own_id, {"InvoiceID": "00000000-0000-0000-0000-000000000001"})


def test_a_reset_with_a_bad_field_resets_nothing():
    """The organisation is still there, and all it held, when what was sent beside `reset` cannot be."""
    desk, _ = everything()
    before = len(desk.books.table("Invoices"))
    with pytest.raises(TypeError):
        person.changed_organisation(desk.world, desk.books, {"reset": True, "name": 5})
    desk.world.changes.roll_back(0)
    assert desk.world.organisations()[0] is desk.books
    assert before == len(desk.books.table("Invoices"))
    assert desk.ask("GET", "Organisation")[0] == 200
