"""Trade: what customers buy and bring back, what suppliers bill, and when each of it is paid. Called by `diary`."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from counterfoil.sandbox.past.cast import Party
from counterfoil.sandbox.past.scene import Scene, weekday
from counterfoil.sandbox.tables import Row

Enter = Callable[[date, Callable[[date], None]], None]

DRAFTS: Final = 0.02  # shares of all sales
VOIDED: Final = 0.01
UNPAID: Final = 0.3  # of what the very latest payers owe
ALLOCATED: Final = 0.8  # of the credit notes
VERY_LATE_DAYS: Final = 90


class Trade:
    """Documents and payments; `enter` puts what follows from one into the diary."""

    def __init__(self, scene: Scene, enter: Enter) -> None:
        self._scene = scene
        self._enter = enter

    def sale(self, day: date) -> None:
        """An invoice to a customer; a few are never approved, a few are voided again."""
        party, dice = self._scene.dice.choice(self._scene.company.customers), self._scene.dice
        is_draft = dice.random() < DRAFTS
        row = self._scene.clerk.made(
            "Invoices",
            Type="ACCREC",
            Status="DRAFT" if is_draft else "AUTHORISED",
            SentToContact=not is_draft,
            Reference=f"PO {dice.randrange(1000, 9999)}",
            **self._scene.document(party, day),
        )
        if is_draft:
            return
        if dice.random() < VOIDED:
            self._enter(weekday(day + timedelta(days=2)), partial(self._void, row["InvoiceID"]))
            return
        self._expect_money(party, row, day)

    def bill(self, day: date) -> None:
        """A supplier's invoice, approved at once."""
        party = self._scene.dice.choice(self._scene.company.suppliers)
        number = f"{party.accounts[0]}-{self._scene.dice.randrange(10_000, 99_999)}"
        row = self._scene.clerk.made(
            "Invoices", Type="ACCPAY", Status="AUTHORISED", InvoiceNumber=number, **self._scene.document(party, day)
        )
        self._expect_money(party, row, day)

    def credit(self, day: date) -> None:
        """Something comes back: a credit note on an open invoice of the customer, most of the time allocated to it."""
        party, dice = self._scene.dice.choice(self._scene.company.customers), self._scene.dice
        open_ones = [
            row
            for row in self._scene.clerk.books.table("Invoices").find("contact", party.contact_id)
            if row["Status"] == "AUTHORISED" and row["CurrencyCode"] == party.currency
        ]
        note = self._scene.clerk.made(
            "CreditNotes",
            Type="ACCRECCREDIT",
            Status="AUTHORISED",
            Reference="Returned goods",
            **self._scene.document(party, day, lines=1),
        )
        if open_ones and dice.random() < ALLOCATED:
            invoice = dice.choice(open_ones)
            amount = min(note["RemainingCredit"], invoice["AmountDue"])
            path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
            allocation = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount}
            self._scene.clerk.asked("PUT", path, {"Allocations": [allocation]})

    def _expect_money(self, party: Party, row: Row, day: date) -> None:
        """Enter when it is paid: at once, in two parts, or (the latest payers, now and then) never."""
        dice = self._scene.dice
        is_never = party.days_late > VERY_LATE_DAYS and dice.random() < UNPAID
        if is_never or not self._scene.company.banks:
            return
        due = day + timedelta(days=party.terms_days + party.days_late + dice.randrange(-2, 3))
        paid = weekday(max(day, due))
        in_parts = dice.randrange(party.parts_in) == 0
        self._enter(paid, partial(self._pay, row["InvoiceID"], in_parts))
        if in_parts:
            self._enter(
                weekday(paid + timedelta(days=dice.randrange(10, 40))), partial(self._pay, row["InvoiceID"], False)
            )

    def _pay(self, invoice_id: str, in_part: bool, day: date) -> None:
        """Pay what is open, or about half of it, into or from the first bank account."""
        row = self._scene.clerk.books.table("Invoices").rows[invoice_id]
        due: Decimal = row["AmountDue"]
        amount = (due / 2).quantize(Decimal(1)) if in_part else due
        if row["Status"] != "AUTHORISED" or not amount:
            return
        self._scene.clerk.paid(
            Invoice={"InvoiceID": invoice_id},
            Account={"Code": self._scene.company.banks[0]["Code"]},
            Date=day.isoformat(),
            Amount=amount,
            Reference=row["InvoiceNumber"],
            IsReconciled=self._scene.is_reconciled(day),
            **self._scene.rate(row["CurrencyCode"], day),
        )

    def _void(self, invoice_id: str, _: date) -> None:
        self._scene.clerk.changed("Invoices", InvoiceID=invoice_id, Status="VOIDED")
