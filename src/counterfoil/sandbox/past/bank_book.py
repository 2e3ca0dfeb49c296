"""The bank book: money that no invoice or bill asked for, and the month's own entries. Called by `diary`."""

from datetime import date
from decimal import Decimal
from typing import Final

from counterfoil.sandbox.past.scene import Scene

CAPITAL: Final = Decimal(40_000)
WAGES: Final = Decimal("7425.50")
WEAR: Final = Decimal("310.40")
SAVED: Final = Decimal(1_500)


class BankBook:
    """Bank lines, transfers and manual journals; what the chart has no account for does not happen."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def paid_too_much(self, day: date) -> None:
        """One month in three a customer pays what nobody asked for."""
        at_home = [
            party for party in self._scene.company.customers if party.currency == self._scene.clerk.books.base_currency
        ]
        if not self._scene.company.banks or not at_home or self._scene.dice.randrange(3):
            return
        self._scene.clerk.made(
            "BankTransactions",
            Type="RECEIVE-OVERPAYMENT",
            Contact={"ContactID": self._scene.dice.choice(at_home).contact_id},
            BankAccount={"Code": self._scene.company.banks[0]["Code"]},
            Date=day.isoformat(),
            Reference="Paid twice",
            LineAmountTypes="NoTax",
            LineItems=[{"Description": "Overpayment", "Quantity": 1, "UnitAmount": self._scene.amount(20, 400)}],
        )

    def bank_line(self, day: date) -> None:
        """Money that no bill asked for: mostly small spending, fees, now and then interest."""
        company, dice = self._scene.company, self._scene.dice
        kind = dice.randrange(10)
        if kind == 0 and company.interest is not None:
            self._bank("RECEIVE", day, company.interest["Code"], "Interest", self._scene.amount(1, 60))
        elif kind < 4 and company.fees is not None:
            self._bank("SPEND", day, company.fees["Code"], "Fees", self._scene.amount(1, 30))
        else:
            self._bank(
                "SPEND", day, dice.choice(dice.choice(company.suppliers).accounts), "Card", self._scene.amount(5, 250)
            )

    def wages(self, day: date) -> None:
        """A month's pay, in one sum."""
        if self._scene.company.wages is not None:
            self._bank("SPEND", day, self._scene.company.wages["Code"], "Wages", WAGES)

    def capital(self, day: date) -> None:
        """What the owners put in at the beginning."""
        if self._scene.company.capital is not None:
            self._bank("RECEIVE", day, self._scene.company.capital["Code"], "Capital", CAPITAL)

    def savings(self, day: date) -> None:
        """A transfer to the second bank account."""
        if len(self._scene.company.banks) > 1:
            source, target = self._scene.company.banks[:2]
            self._scene.clerk.made(
                "BankTransfers",
                FromBankAccount={"Code": source["Code"]},
                ToBankAccount={"Code": target["Code"]},
                Amount=SAVED,
                Date=day.isoformat(),
                Reference="Savings",
            )

    def depreciation(self, day: date) -> None:
        """The month's wear, by a manual journal."""
        if self._scene.company.wear is None:
            return
        expense, asset = self._scene.company.wear
        lines = [(expense["Code"], WEAR), (asset["Code"], -WEAR)]
        self._scene.clerk.made(
            "ManualJournals",
            Narration=f"Depreciation {day:%B %Y}",
            Date=day.isoformat(),
            Status="POSTED",
            LineAmountTypes="NoTax",
            JournalLines=[
                {"Description": "Depreciation", "AccountCode": code, "LineAmount": amount} for code, amount in lines
            ],
        )

    def _bank(self, type: str, day: date, code: str, reference: str, amount: Decimal) -> None:
        """Spend or receive money on one line, tax included."""
        if not self._scene.company.banks or not self._scene.company.suppliers:
            return
        self._scene.clerk.made(
            "BankTransactions",
            Type=type,
            Contact={"ContactID": self._scene.dice.choice(self._scene.company.suppliers).contact_id},
            BankAccount={"Code": self._scene.company.banks[0]["Code"]},
            Date=day.isoformat(),
            Reference=reference,
            LineAmountTypes="Inclusive",
            IsReconciled=self._scene.is_reconciled(day),
            LineItems=[{"Description": reference, "Quantity": 1, "UnitAmount": amount, "AccountCode": code}],
        )
