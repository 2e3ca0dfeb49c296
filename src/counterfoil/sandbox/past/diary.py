"""The diary: what happens on which day. Each month is entered when it begins; what follows from it is entered as it happens.

Called by `living`. A task carries itself out through the clerk. Days are the organisation's calendar days; amounts are of
the document's currency, rates as Xero's: document currency for one of base currency.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.past import names
from counterfoil.sandbox.past.cast import Company, Party
from counterfoil.sandbox.past.clerk import Clerk
from counterfoil.sandbox.resources import exchange
from counterfoil.sandbox.tables import Row

Task = Callable[[], None]

# Of all documents of a month; the payments that follow from them are the rest.
SALES_SHARE: Final = Decimal("0.33")
BILLS_SHARE: Final = Decimal("0.14")
BANK_SHARE: Final = Decimal("0.09")
LINES_MAX: Final = 4
RECONCILED_AFTER_DAYS: Final = 35
CAPITAL: Final = Decimal(40_000)
WAGES: Final = Decimal("7425.50")
WEAR: Final = Decimal("310.40")
SAVED: Final = Decimal(1_500)
_MONTH_DAYS: Final = 28
_SATURDAY: Final = 5
_RATE_CYCLE_DAYS: Final = 240


class Diary:
    """What is still to be done, by day, up to `last`: what would be later is not entered."""

    def __init__(self, clerk: Clerk, company: Company, dice: Random, documents: int, last: date) -> None:
        self._clerk = clerk
        self._company = company
        self._dice = dice
        self._documents = documents
        self._last = last
        self._tasks: defaultdict[date, list[Task]] = defaultdict(list)
        self._is_founded = False

    def due(self, day: date) -> list[Task]:
        """What is to be done this day, in the order in which it was entered; it is in the diary no more."""
        return self._tasks.pop(day, [])

    def begin_month(self, first: date) -> None:
        """Enter what happens in the month that begins this day."""
        company, counts = self._company, self._documents
        if not self._is_founded:
            self._is_founded = True
            self._enter(first, self._capital)
        if company.customers:
            for _ in range(_share(counts, SALES_SHARE)):
                self._enter(self._day_in(first), self._sale)
            for _ in range(max(1, counts // 50)):
                self._enter(self._day_in(first), self._credit)
            self._enter(self._day_in(first), self._paid_too_much)
        if company.suppliers:
            for _ in range(_share(counts, BILLS_SHARE)):
                self._enter(self._day_in(first), self._bill)
        if company.banks and company.suppliers:
            for _ in range(_share(counts, BANK_SHARE)):
                self._enter(self._day_in(first), self._bank_line)
        self._enter(_weekday(first + timedelta(days=24)), self._wages)
        self._enter(_weekday(first + timedelta(days=25)), self._savings)
        self._enter(_weekday(first + timedelta(days=26)), self._depreciation)

    def _enter(self, day: date, task: Callable[[date], None]) -> None:
        if day <= self._last:
            self._tasks[day].append(partial(task, day))

    def _sale(self, day: date) -> None:
        """An invoice to a customer; a few are never approved, a few are voided again."""
        party, dice = self._dice.choice(self._company.customers), self._dice
        is_draft = dice.random() < 0.02
        row = self._clerk.made(
            "Invoices",
            Type="ACCREC",
            Status="DRAFT" if is_draft else "AUTHORISED",
            SentToContact=not is_draft,
            Reference=f"PO {dice.randrange(1000, 9999)}",
            **self._document(party, day),
        )
        if is_draft:
            return
        if dice.random() < 0.01:
            self._enter(_weekday(day + timedelta(days=2)), partial(self._void, row["InvoiceID"]))
            return
        self._expect_money(party, row, day)

    def _bill(self, day: date) -> None:
        party = self._dice.choice(self._company.suppliers)
        number = f"{party.accounts[0]}-{self._dice.randrange(10_000, 99_999)}"
        row = self._clerk.made(
            "Invoices", Type="ACCPAY", Status="AUTHORISED", InvoiceNumber=number, **self._document(party, day)
        )
        self._expect_money(party, row, day)

    def _expect_money(self, party: Party, row: Row, day: date) -> None:
        """Enter when it is paid: at once, in two parts, or (the latest payers, now and then) never."""
        dice = self._dice
        is_never = party.days_late > 90 and dice.random() < 0.3
        if is_never or not self._company.banks:
            return
        due = day + timedelta(days=party.terms_days + party.days_late + dice.randrange(-2, 3))
        paid = _weekday(max(day, due))
        in_parts = dice.randrange(party.parts_in) == 0
        self._enter(paid, partial(self._pay, row["InvoiceID"], in_parts))
        if in_parts:
            self._enter(
                _weekday(paid + timedelta(days=dice.randrange(10, 40))), partial(self._pay, row["InvoiceID"], False)
            )

    def _pay(self, invoice_id: str, in_part: bool, day: date) -> None:
        """Pay what is open, or about half of it, into or from the first bank account."""
        row = self._clerk.books.table("Invoices").rows[invoice_id]
        due: Decimal = row["AmountDue"]
        amount = (due / 2).quantize(Decimal(1)) if in_part else due
        if row["Status"] != "AUTHORISED" or not amount:
            return
        self._clerk.paid(
            Invoice={"InvoiceID": invoice_id},
            Account={"Code": self._company.banks[0]["Code"]},
            Date=day.isoformat(),
            Amount=amount,
            Reference=row["InvoiceNumber"],
            IsReconciled=self._is_reconciled(day),
            **self._rate(row["CurrencyCode"], day),
        )

    def _void(self, invoice_id: str, _: date) -> None:
        self._clerk.changed("Invoices", InvoiceID=invoice_id, Status="VOIDED")

    def _credit(self, day: date) -> None:
        """Something comes back: a credit note on an open invoice of the customer, most of the time allocated to it."""
        party, dice = self._dice.choice(self._company.customers), self._dice
        open_ones = [
            row
            for row in self._clerk.books.table("Invoices").find("contact", party.contact_id)
            if row["Status"] == "AUTHORISED" and row["CurrencyCode"] == party.currency
        ]
        note = self._clerk.made(
            "CreditNotes",
            Type="ACCRECCREDIT",
            Status="AUTHORISED",
            Reference="Returned goods",
            **self._document(party, day, lines=1),
        )
        if open_ones and dice.random() < 0.8:
            invoice = dice.choice(open_ones)
            amount = min(note["RemainingCredit"], invoice["AmountDue"])
            path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
            allocation = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount}
            self._clerk.asked("PUT", path, {"Allocations": [allocation]})

    def _paid_too_much(self, day: date) -> None:
        """One month in three a customer pays what nobody asked for."""
        at_home = [party for party in self._company.customers if party.currency == self._clerk.books.base_currency]
        if not self._company.banks or not at_home or self._dice.randrange(3):
            return
        self._clerk.made(
            "BankTransactions",
            Type="RECEIVE-OVERPAYMENT",
            Contact={"ContactID": self._dice.choice(at_home).contact_id},
            BankAccount={"Code": self._company.banks[0]["Code"]},
            Date=day.isoformat(),
            Reference="Paid twice",
            LineAmountTypes="NoTax",
            LineItems=[{"Description": "Overpayment", "Quantity": 1, "UnitAmount": self._amount(20, 400)}],
        )

    def _bank_line(self, day: date) -> None:
        """Money that no bill asked for: mostly small spending, fees, now and then interest."""
        company, dice = self._company, self._dice
        kind = dice.randrange(10)
        if kind == 0 and company.interest is not None:
            self._bank("RECEIVE", day, company.interest["Code"], "Interest", self._amount(1, 60))
        elif kind < 4 and company.fees is not None:
            self._bank("SPEND", day, company.fees["Code"], "Fees", self._amount(1, 30))
        else:
            self._bank("SPEND", day, dice.choice(dice.choice(company.suppliers).accounts), "Card", self._amount(5, 250))

    def _wages(self, day: date) -> None:
        if self._company.wages is not None:
            self._bank("SPEND", day, self._company.wages["Code"], "Wages", WAGES)

    def _capital(self, day: date) -> None:
        if self._company.capital is not None:
            self._bank("RECEIVE", day, self._company.capital["Code"], "Capital", CAPITAL)

    def _bank(self, type: str, day: date, code: str, reference: str, amount: Decimal) -> None:
        """Spend or receive money on one line, tax included."""
        if not self._company.banks or not self._company.suppliers:
            return
        self._clerk.made(
            "BankTransactions",
            Type=type,
            Contact={"ContactID": self._dice.choice(self._company.suppliers).contact_id},
            BankAccount={"Code": self._company.banks[0]["Code"]},
            Date=day.isoformat(),
            Reference=reference,
            LineAmountTypes="Inclusive",
            IsReconciled=self._is_reconciled(day),
            LineItems=[{"Description": reference, "Quantity": 1, "UnitAmount": amount, "AccountCode": code}],
        )

    def _savings(self, day: date) -> None:
        if len(self._company.banks) > 1:
            source, target = self._company.banks[:2]
            self._clerk.made(
                "BankTransfers",
                FromBankAccount={"Code": source["Code"]},
                ToBankAccount={"Code": target["Code"]},
                Amount=SAVED,
                Date=day.isoformat(),
                Reference="Savings",
            )

    def _depreciation(self, day: date) -> None:
        if self._company.wear is None:
            return
        expense, asset = self._company.wear
        lines = [(expense["Code"], WEAR), (asset["Code"], -WEAR)]
        self._clerk.made(
            "ManualJournals",
            Narration=f"Depreciation {day:%B %Y}",
            Date=day.isoformat(),
            Status="POSTED",
            LineAmountTypes="NoTax",
            JournalLines=[
                {"Description": "Depreciation", "AccountCode": code, "LineAmount": amount} for code, amount in lines
            ],
        )

    def _document(self, party: Party, day: date, lines: int | None = None) -> Row:
        """What invoices, bills and credit notes have in common."""
        return {
            "Contact": {"ContactID": party.contact_id},
            "Date": day.isoformat(),
            "DueDate": (day + timedelta(days=party.terms_days)).isoformat(),
            "LineAmountTypes": "Exclusive",
            "CurrencyCode": party.currency,
            "LineItems": [self._line(party) for _ in range(lines or self._dice.randint(1, LINES_MAX))],
            **self._rate(party.currency, day),
        }

    def _line(self, party: Party) -> Row:
        dice = self._dice
        line: Row = {
            "Description": dice.choice(names.GOODS),
            "Quantity": dice.randint(1, 12),
            "UnitAmount": self._amount(4, 180),
            "AccountCode": dice.choice(party.accounts),
        }
        options = [
            (category["Name"], option["Name"])
            for category in self._company.tracking[:1]
            for option in category["Options"]
            if option["Status"] == "ACTIVE"
        ]
        if options and dice.randrange(2):
            name, option = dice.choice(options)
            line["Tracking"] = [{"Name": name, "Option": option}]
        return line

    def _rate(self, currency: str, day: date) -> Row:
        """The rate of a foreign document: the day's, which goes up and down by 3 % in eight months."""
        base = self._clerk.books.base_currency
        if currency == base:
            return {}
        place = abs(day.toordinal() % _RATE_CYCLE_DAYS - _RATE_CYCLE_DAYS // 2) - _RATE_CYCLE_DAYS // 4
        return {"CurrencyRate": wire.number(round(exchange.rate(base, currency) * (1 + Decimal(place) / 2000), 6))}

    def _is_reconciled(self, day: date) -> bool:
        return (self._last - day).days > RECONCILED_AFTER_DAYS

    def _amount(self, least: int, most: int) -> Decimal:
        return Decimal(self._dice.randrange(least * 100, most * 100)).scaleb(-2)

    def _day_in(self, first: date) -> date:
        return _weekday(first + timedelta(days=self._dice.randrange(_MONTH_DAYS)))


def _share(documents: int, share: Decimal) -> int:
    return max(1, int(documents * share))


def _weekday(day: date) -> date:
    """This day, or the Monday after it."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= _SATURDAY else day
