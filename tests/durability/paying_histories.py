"""Random histories of what Xero would take a second time: part payments, and the allocations of credit notes.

Each outage loses the answers to many requests of one organisation, so that many looks go on side by side; that is what
histories of invoices alone never have. Called by `test_paying_histories`. The judge is the sandbox's ledger.
"""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

from counterfoil.posting import identity
from tests.durability.changing_records import GONE, ISSUES_MAX
from tests.durability.histories import KEY_GONE, History
from tests.posting.workbench import ENTITIES, Workbench, sale

RECORDS = 10  # of each organisation to begin with
BATCH = 2
AMOUNTS = ("3", "3", "4", "5")  # two that only their marks tell apart; never as much as the invoice
LOST_MAX = 20
PAYMENTS, ALLOCATIONS = "/api.xro/2.0/Payments", "/api.xro/2.0/CreditNotes/"
OUTAGES = ("lost_answer", "lost_answer", "truncated_json", "bad_gzip", "500_after", "slow_answer", "500_before")


class Sold:
    """One sale: paid in parts, or with a price that changes after it was sent to the customer."""

    def __init__(self, n: int, entity: str, *, is_paid: bool) -> None:
        self.n, self.entity, self.is_paid = n, entity, is_paid
        self.external_id = f"order-{n}"
        self.unit = 9
        self.payments: list[str] = []

    def pay(self, dice: random.Random) -> None:
        """One or two parts more."""
        wanted = len(self.payments) + dice.randint(1, 2)
        self.payments = list(AMOUNTS[:wanted])

    def wire(self) -> dict[str, Any]:
        """As it stands in the source."""
        record = sale(self.n, entity=self.entity)
        record["lines"][0]["unit_amount"] = f"{self.unit}.00"
        record["payments"] = [
            {"date": "2026-11-02", "amount": amount, "account": "Business Bank Account", "external_id": f"part-{i}"}
            for i, amount in enumerate(self.payments)
        ]
        return record

    def total(self, rate: Decimal) -> Decimal:
        """What its invoice comes to."""
        return ((2 * self.unit + 3) * (1 + rate / 100)).quantize(Decimal("0.01"))

    def paid(self) -> dict[str, Decimal]:
        """Its payments by the marks that they carry."""
        return {
            identity.marker("shop", "payment", f"{self.external_id}/part-{i}", 1): Decimal(amount)
            for i, amount in enumerate(self.payments)
        }


class PayingHistory(History):
    """One seed's history of payments and allocations. `reissue`: prices change too, and no database comes back."""

    def __init__(self, bench: Workbench, seed: int, *, steps: int = 3, reissue: bool | None = None) -> None:
        super().__init__(bench, seed, steps=steps, on_change="hold")
        self.reissue = self.dice.random() < 0.5 if reissue is None else reissue
        bench.flow = 'on_change = "reissue"' if self.reissue else ""
        bench.posting["batch"] = BATCH
        self.entity = self.dice.choice(ENTITIES)  # most are sold here, and their answers are lost together
        self.records: list[Any] = []
        for _ in range(RECORDS * 2 if self.reissue else RECORDS):
            self._sell()
        self.tell(f"most in {self.entity}, reissue {self.reissue}")

    def _sell(self) -> None:
        entity = self.entity if self.dice.random() < 0.8 else self.dice.choice(ENTITIES)
        record = Sold(len(self.records), entity, is_paid=not self.reissue or self.dice.random() < 0.5)
        if record.is_paid and self.dice.random() < 0.7:
            record.pay(self.dice)
        self.records.append(record)

    def step(self) -> None:
        """First an outage; then runs, kills and suspends in any order, and where prices stay, databases that come back."""
        if not self.children:
            self._outage()
            return
        # A command, or a service with a thread for SQLite; with much going on side by side, or little.
        self.stands = {"alone": self.dice.random() < 0.5, "crowded": self.dice.choice(("", "in step", "anyhow"))}
        steps = [History.run, History.two_at_once, History.suspend]
        if not self.reissue:
            steps += [History.keep_copy, History.restore, History.delete]
        self.dice.choice(steps)(self)

    def _outage(self) -> None:
        """A calm run; then every answer is lost, no key may be used again, and all is looked for side by side."""
        self.heard(self.child("run"))
        self._change()
        self.stands = {"alone": self.dice.random() < 0.5, "crowded": "in step"}
        self._fault("lost_answer", LOST_MAX)
        self.bench.posting["key_life_s"] = KEY_GONE
        told = self.heard(self.child("run"))["report"]
        assert told["exit"] == 0, "what is lost in an outage is looked for, and nobody is asked"
        self.bench.sandbox.clear_faults()

    def disturb(self) -> None:
        """More sales, more parts of payments, other prices; and an outage that many requests fall into."""
        self._change()
        self._fault(self.dice.choice(OUTAGES), self.dice.randint(8, LOST_MAX))
        self.bench.posting["key_life_s"] = self.dice.choice((360, KEY_GONE, KEY_GONE, KEY_GONE))

    def _change(self) -> None:
        for _ in range(self.dice.randint(2, 6)):
            self._sell()
        for record in self.records:
            if record.is_paid and self.dice.random() < 0.7:
                record.pay(self.dice)
            elif not record.is_paid and self.dice.random() < 0.7:
                record.unit += 1
        self.write()
        if self.reissue:
            self._send()

    def _fault(self, kind: str, count: int) -> None:
        for path in (PAYMENTS, ALLOCATIONS) if self.reissue else (PAYMENTS,):
            fields: dict[str, Any] = {"method": "PUT", "path": path, "count": count}
            fields |= {"delay_s": 1.2} if kind == "slow_answer" else {}
            self.tell(f"fault {kind} {fields}")
            self.bench.sandbox.fault(kind, **fields)

    def _send(self) -> None:
        """A person sends every open invoice without payments to its customer: it may be credited now, not voided."""
        marks = {mark for record in self.records if not record.is_paid for mark in _marks(record)}
        for number in (1, 2, 3):
            tenant = self.bench.sandbox.tenant(number)
            for one in self.bench.living(number):
                if _mark(one) in marks and one["Status"] == "AUTHORISED" and not one.get("SentToContact"):
                    self.bench.sandbox.edit(tenant, one["InvoiceID"], SentToContact=True)

    # ---- the judge

    def judge(self) -> None:
        """Each payment once, each credit note allocated once and whole, and every customer owes what was sold."""
        before = len(self.bench.sandbox.requests())
        known = self.heard(self.child("tell"))
        report = self.heard(self.child("run"))["report"]
        assert report["posted"] + report["adopted"] + report["updated"] == 0, "a last run finds nothing to do"
        written = [one for one in self.bench.sandbox.requests()[before:] if one["method"] in ("PUT", "POST")]
        assert not written, f"a last run sends nothing: {written}"
        assert known["named"] == {}, "all of them are good"
        assert known["duplicates"] == []
        for number, entity in enumerate(ENTITIES, start=1):
            ledger = self.bench.sandbox.ledger(self.bench.sandbox.tenant(number))
            ours = [record for record in self.records if record.entity == entity]
            self._judge_payments(ledger, ours)
            self._judge_credit(ledger)
            for record in ours:
                self._judge_sale(record, ledger, self.rates[number - 1])

    def _judge_payments(self, ledger: dict[str, Any], ours: list[Sold]) -> None:
        living = [one for one in ledger["Payments"] if one["Status"] != "DELETED"]
        marks = Counter(identity.find_marker(None, one.get("Reference")) for one in living)
        wanted = {mark: amount for record in ours for mark, amount in record.paid().items()}
        twice = [one for one in living if marks[identity.find_marker(None, one.get("Reference"))] > 1]
        assert not twice, f"paid twice: {[(one['Reference'], one['Amount']) for one in twice]}"
        found = {identity.find_marker(None, one.get("Reference")): Decimal(str(one["Amount"])) for one in living}
        assert found == wanted, f"paid {found}, wanted {wanted}"

    def _judge_credit(self, ledger: dict[str, Any]) -> None:
        for note in ledger["CreditNotes"]:
            amounts = [Decimal(str(one["Amount"])) for one in note.get("Allocations") or []]
            whole = [Decimal(str(note["Total"]))]
            assert amounts == whole or note["Status"] in GONE, f"{note['CreditNoteNumber']}: {amounts} of {whole}"

    def _judge_sale(self, record: Sold, ledger: dict[str, Any], rate: Decimal) -> None:
        marks = _marks(record)
        living = [one for one in ledger["Invoices"] if _mark(one) in marks and one["Status"] not in GONE]
        counted = Counter(_mark(one) for one in living)
        assert set(counted.values()) == {1}, f"{record.external_id}: {counted}"
        assert self.reissue or len(living) == 1, f"{record.external_id} twice, and nothing was reissued"
        owed = sum((Decimal(str(one["AmountDue"])) for one in living), Decimal(0))
        wanted = record.total(rate) - sum(map(Decimal, record.payments))
        assert owed == wanted, f"{record.external_id}: {owed} is owed, and {wanted} was sold and not paid"


def _marks(record: Sold) -> set[str]:
    return {identity.marker("shop", "invoice", record.external_id, issue) for issue in range(1, ISSUES_MAX)}


def _mark(document: dict[str, Any]) -> str | None:
    return identity.find_marker(document.get("Url"), document.get("Reference"))
