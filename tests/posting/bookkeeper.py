"""A random bookkeeper at Xero's screen while a flow runs again and again with changed files: a state machine.

The judge is the sandbox's ledger before and after each run: what a person set stands until that person changes it, what a
person ended is not made again, what is paid, sent or locked is not touched but for a credit note to the cent, no record
has two living documents that are not credited, and what customers owe less their credit is what the records say.
"""

import asyncio
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from counterfoil.posting import identity
from tests.posting import taking_back
from tests.posting.test_people import retry
from tests.posting.workbench import Workbench, sale
from tests.sandbox_process import SandboxProcess

RECORDS = 2
RECORD = st.integers(0, RECORDS - 1)
SAID = ("reference", "reference", "due", "quantity", "price", "line", "number", "agree", "agree", "paid")
DONE = ("Reference", "Reference", "DueDate", "InvoiceNumber", "description", "price", "price", "add", "remove", "end",
        "approve", "send", "pay")  # fmt: skip
GONE = ("VOIDED", "DELETED")
SAME = {"reference": "Reference", "due": "DueDate", "number": "InvoiceNumber", "price": "price"}
LOCKS = (None, "2026-10-31", "2026-11-02")
FAULTS = ("lost_answer", "500_before", "500_after", "reset")
DOORS = (("POST", "Invoices"), ("PUT", "Invoices"), ("PUT", "CreditNotes"), ("PUT", "CreditNotes/"))
# What crediting an invoice changes of it, and nothing else.
CREDITED = ("AmountCredited", "AmountDue", "CreditNotes", "FullyPaidOnDate", "Status")
Wire = dict[str, Any]


class Bookkeeper(RuleBasedStateMachine):
    """What can happen, in any order."""

    sandbox: SandboxProcess  # set by whoever runs it

    def __init__(self) -> None:
        super().__init__()
        self.sandbox.clear_faults()
        self.sandbox.post("/_sandbox/reset")
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Workbench(Path(self.folder.name), self.sandbox)
        self.records: dict[int, Wire] = {}
        self.theirs: dict[tuple[str, str], Any] = {}  # (document, field) → what a person set
        self.ended: set[int] = set()  # records whose document a person ended
        self.runs: list[int] = []
        self.lock: str | None = None
        self.count = 0

    def teardown(self) -> None:
        """The last folder goes."""
        self.folder.cleanup()

    @initialize(
        statuses=st.lists(st.sampled_from(["AUTHORISED", "DRAFT", "AUTHORISED"]), min_size=RECORDS, max_size=RECORDS)
    )
    def first(self, statuses: list[str]) -> None:
        """The first file."""
        self.records = {n: sale(n, status=status) for n, status in enumerate(statuses)}
        self._run("hold")

    @rule(
        changes=st.lists(st.tuples(RECORD, st.sampled_from(SAID)), max_size=3),
        acts=st.lists(st.tuples(RECORD, st.sampled_from(DONE)), max_size=2),
        both=st.one_of(
            st.just([]), st.just([]), st.lists(st.tuples(RECORD, st.sampled_from(sorted(SAME))), max_size=1)
        ),
        policy=st.sampled_from(["hold", "update", "reissue", "reissue"]),
        lock_date=st.sampled_from(["hold", "next-open-day"]),
        fault=st.sampled_from([None, None, *FAULTS]),
        door=st.sampled_from(DOORS),
    )
    def a_day(
        self,
        changes: Any,
        acts: Any,
        both: Any,
        policy: str,
        fault: str | None,
        lock_date: str = "hold",
        door: tuple[str, str] = DOORS[0],
    ) -> None:
        """The source changes, a person works at the screen, the flow runs; Xero's door may fail once."""
        for n, what in [*changes, *both]:
            self._change(n, what)
        for n, what in [*acts, *((n, SAME[what]) for n, what in both)]:
            self._person(n, what)
        self._run_at_the_door(policy, lock_date, fault, door)

    @rule(
        n=RECORD,
        what=st.sampled_from(["send", "pay", "both"]),
        changes=st.lists(st.sampled_from(["reference", "price", "quantity", "line"]), min_size=1, max_size=2),
        lock_date=st.sampled_from(["hold", "next-open-day"]),
        fault=st.sampled_from([None, *FAULTS]),
        door=st.sampled_from(DOORS),
    )
    def a_document_goes_to_its_customer_and_the_record_changes(
        self, n: int, what: str, changes: list[str], lock_date: str, fault: str | None, door: tuple[str, str]
    ) -> None:
        """It can no longer be voided: credited, if nobody edited it."""
        for act in ("pay", "send") if what == "both" else (what,):
            self._person(n, act)
        for change in changes:
            self._change(n, change)
        self._run_at_the_door("reissue", lock_date, fault, door)

    def _run_at_the_door(self, policy: str, lock_date: str, fault: str | None, door: tuple[str, str]) -> None:
        if fault is not None:
            self.sandbox.fault(fault, path=f"/api.xro/2.0/{door[1]}", method=door[0], count=1)
        self._run(policy, lock_date)
        self.sandbox.clear_faults()

    # ---- the source

    def _change(self, n: int, what: str) -> None:
        """The shop's software says something else."""
        self.count += 1
        record = json.loads(json.dumps(self.records[n]))
        if what == "agree":
            self._agree(n, record)
            return
        if what == "reference":
            record["reference"] = f"PO {n}/{self.count}"
        elif what == "due":
            record["due_date"] = f"2026-12-{self.count % 28 + 1:02}"
        elif what == "paid":
            if record["status"] == "AUTHORISED":
                record["payments"] = [{"date": "2026-11-02", "amount": "1.50", "account": "Business Bank Account"}]
        elif what == "number":
            record["number"] = f"SHOP-{n}-N{self.count}"
        elif what == "line" and len(record["lines"]) < 5:
            record["lines"].append({**record["lines"][-1], "description": f"More {self.count}"})
        else:
            line = record["lines"][self.count % 2]
            line["quantity" if what == "quantity" else "unit_amount"] = str(self.count % 40 + 1)
        self.records[n] = record

    def _agree(self, n: int, record: Wire) -> None:
        """Somebody takes over into the source what stands in Xero: conflicts end."""
        for one in self._living(n):
            if one["Reference"] and "DueDateString" in one:
                record |= {"reference": one["Reference"], "due_date": one["DueDateString"][:10]}
            if "-" in one["InvoiceNumber"] or one["InvoiceNumber"].startswith("Mary"):
                record["number"] = one["InvoiceNumber"]
            taken_over = {
                "Reference": record["reference"],
                "DueDate": record["due_date"],
                "InvoiceNumber": record["number"],
            }
            for field, said in taken_over.items():  # what the source says too is no longer a person's alone
                if self.theirs.get((one["InvoiceID"], field)) == said:
                    del self.theirs[one["InvoiceID"], field]
            prices = {line["Description"]: line for line in one["LineItems"]}
            for line in record["lines"]:
                if line["description"] in prices:
                    there = prices[line["description"]]
                    line["unit_amount"] = f"{Decimal(str(there['UnitAmount'])):f}"
                    self.theirs.pop((one["InvoiceID"], f"{there['LineItemID']}/UnitAmount"), None)
            self.records[n] = record

    def _living(self, n: int) -> list[Wire]:
        return [one for one in self.bench.living() if _record_of(one) == n]

    # ---- the person

    def _person(self, n: int, what: str) -> None:
        """A person acts on the record's living document, if nothing has closed it yet."""
        document = next((one for one in self._open() if _record_of(one) == n), None)
        if document is None:
            return
        self.count += what != "price"  # the very line that the record changed a moment ago
        changes = self._act(document, what)
        if changes:
            self.sandbox.edit(self.sandbox.tenant(1), document["InvoiceID"], **changes)

    def _act(self, document: Wire, what: str) -> Wire:
        own = document["InvoiceID"]
        lines = [_typed(line) for line in document["LineItems"]]
        if what in ("Reference", "DueDate", "InvoiceNumber"):
            value = f"2027-01-{self.count % 28 + 1:02}" if what == "DueDate" else f"Mary {self.count}"
            self.theirs[own, what] = value
            return {what: value}
        if what in ("description", "price"):
            key, value = (
                ("Description", f"Mary's {self.count}") if what == "description" else ("UnitAmount", self.count + 50)
            )
            line = lines[self.count % min(2, len(lines))]
            if key == "Description":  # a line of a person's own is known by its id from now on
                self.theirs.pop((own, f"+{line[key]}"), None)
            line[key] = value
            self.theirs[own, f"{line['LineItemID']}/{key}"] = value
            return {"LineItems": lines}
        if what == "add":
            name = f"Mary adds {self.count}"
            self.theirs[own, f"+{name}"] = True
            added = {"Description": name, "Quantity": 1, "UnitAmount": 5, "AccountCode": "200", "TaxType": "OUTPUT2"}
            return {"LineItems": [*lines, added]}
        if what == "remove" and len(lines) > 1:
            gone = lines.pop(self.count % len(lines))
            self._takes_away(own, gone)
            return {"LineItems": lines}
        return self._end_or_move_on(document, what)

    def _takes_away(self, own: str, line: Wire) -> None:
        """What a person wrote on the line goes with it, and the line itself if it was a person's own."""
        self.theirs.pop((own, f"+{line['Description']}"), None)
        for owner, field in list(self.theirs):
            if owner == own and field.startswith(f"{line['LineItemID']}/"):
                del self.theirs[owner, field]
        self.theirs[own, f"-{line['LineItemID']}"] = True

    def _end_or_move_on(self, document: Wire, what: str) -> Wire:
        is_draft = document["Status"] == "DRAFT"
        if what == "end":
            self.ended.add(_record_of(document))
            self.theirs.pop((document["InvoiceID"], "Status"), None)  # an approval ends with the document
            return {"Status": "DELETED" if is_draft else "VOIDED"}
        if what == "approve" and is_draft:
            self.theirs[document["InvoiceID"], "Status"] = "AUTHORISED"
            return {"Status": "AUTHORISED"}
        if what == "send" and not is_draft:
            return {"SentToContact": True}
        if what == "pay" and not is_draft:
            payment = {
                "Invoice": {"InvoiceID": document["InvoiceID"]},
                "Account": {"Code": "090"},
                "Date": "2026-11-20",
                "Amount": 1,
            }
            if self.lock is None:
                self.sandbox.person(self.sandbox.tenant(1), "PUT", "Payments", {"Payments": [payment]})
        return {}

    @rule(lock=st.sampled_from(LOCKS))
    def the_period_is_locked_or_opened(self, lock: str | None) -> None:
        """All documents are dated 2 November."""
        self.lock = lock
        self.sandbox.organisation(self.sandbox.tenant(1), period_lock_date=lock)

    # ---- us

    @rule()
    def a_person_tries_the_problems_again(self) -> None:
        """`problems retry` for each: a word for the record's content, never against a person's edit."""
        before = self._documents()
        retry(self.bench)
        self.bench.finish()
        self._judge(before)

    @precondition(lambda self: self.runs)
    @rule(pick=st.integers(0, 99))
    def a_run_is_taken_back(self, pick: int) -> None:
        """What it takes back, nobody touched."""
        before = self._documents()
        run = self.runs[pick % len(self.runs)]
        asyncio.run(self.bench.use(lambda books: taking_back.undo(books, run)))
        self._judge(before, is_undo=True)

    def _run(self, policy: str, lock_date: str = "hold") -> None:
        before = self._documents()
        self.bench.configure(flow=f'on_change = "{policy}"\nlock_date = "{lock_date}"\ncomplete = true')
        report = self.bench.run(list(self.records.values()))
        assert report.exit_code in (0, 1), report
        assert report.planned + report.uncertain == 0, report
        self.runs.append(report.run)
        self._judge(before)
        if policy == "reissue" and report.held + report.rejected == 0:
            self._judge_totals()
        calm = len(self.bench.writes())
        again = self.bench.run(list(self.records.values()))
        assert again.posted + again.adopted == 0
        assert policy != "hold" or len(self.bench.writes()) == calm, "the same file again writes nothing"

    # ---- the judge

    def _documents(self) -> dict[str, Wire]:
        return {one["InvoiceID"]: one for one in self.bench.invoices()}

    def _open(self) -> list[Wire]:
        """Documents of ours that a person may still act on."""
        living = [one for one in self.bench.living() if _record_of(one) >= 0 and one["Status"] != "PAID"]
        return sorted((one for one in living if not _closed(one, None)), key=lambda one: str(one["InvoiceID"]))

    def _notes(self) -> dict[tuple[int, int], Wire]:
        """Our living credit notes, by the record and the issue of the invoice that each credits."""
        found = self.sandbox.ledger(self.sandbox.tenant(1))["CreditNotes"]
        living = [one for one in found if one["Status"] not in GONE]
        marked = {NOTE_MARKS[identity.find_marker(None, one["Reference"]) or ""]: one for one in living}
        assert len(marked) == len(living), "an invoice is credited once"
        return marked

    def _judge(self, before: dict[str, Wire], *, is_undo: bool = False) -> None:
        after, notes = self._documents(), self._notes()
        credited = {own for own, one in after.items() if _issue_of(one) in notes}
        for own, was in before.items():
            if is_undo and _only_we_paid(was) and not _closed({**was, "AmountPaid": 0}, self.lock):
                left = Decimal(str(after[own]["AmountPaid"]))
                assert left in (0, Decimal(str(was["AmountPaid"]))), "our payments are taken back together"
                assert left == 0 or after[own]["Status"] not in GONE, "what is paid is not ended"
            elif _closed(was, self.lock):
                more = CREDITED if own in credited else ()
                assert _without_stamp(after[own], *more) == _without_stamp(was, *more), (
                    "paid, sent, ended or locked: not ours to touch"
                )
        self._judge_credits({_issue_of(after[own]): after[own] for own in credited}, notes)
        for (own, field), value in self.theirs.items():
            if after[own]["Status"] not in GONE or own not in self._ended_by_us(before, after):
                _stands(after[own], field, value)
        touched = {own for own, _field in self.theirs}
        assert not touched & self._ended_by_us(before, after), "what a person edited is not ended by us"
        assert not touched & credited, "what a person edited is not credited by us"
        living: dict[int, int] = {}
        for own, one in after.items():
            if one["Status"] not in GONE and own not in credited:
                living[_record_of(one)] = living.get(_record_of(one), 0) + 1
        assert all(count == 1 for count in living.values()), f"two living documents of a record: {living}"
        assert not self.ended & living.keys(), "what a person ended is not made again"

    def _judge_credits(self, invoices: dict[tuple[int, int], Wire], notes: dict[tuple[int, int], Wire]) -> None:
        """Each credit note is for all of its invoice, comes off it as far as that was owed, and the rest is credit."""
        assert invoices.keys() == notes.keys(), "a credit note credits an invoice that stands"
        for of, note in notes.items():
            invoice = invoices[of]
            assert _amount(note, "Total") == _amount(invoice, "Total")
            assert note["Contact"]["ContactID"] == invoice["Contact"]["ContactID"]
            assert _amount(invoice, "AmountDue") == 0
            assert _amount(note, "RemainingCredit") == _amount(invoice, "AmountPaid"), "the rest is what was paid"

    def _judge_totals(self) -> None:
        """All changes went through: what customers owe less their credit is what the records say, less what was paid."""
        notes = self._notes()
        living = [one for one in self.bench.living() if _record_of(one) >= 0]
        edited = {own for own, _field in self.theirs}
        said: dict[str, Decimal] = {}
        stands: dict[str, Decimal] = {}
        for one in living:
            customer = one["Contact"]["Name"]
            is_credited = _issue_of(one) in notes
            wanted = Decimal(0) if is_credited else _total(self.records[_record_of(one)])
            if one["InvoiceID"] in edited:
                wanted = _amount(one, "Total")  # a person's word
            said[customer] = said.get(customer, Decimal(0)) + wanted - _amount(one, "AmountPaid")
            stands[customer] = stands.get(customer, Decimal(0)) + _amount(one, "AmountDue")
        for note in notes.values():
            stands[note["Contact"]["Name"]] -= _amount(note, "RemainingCredit")
        assert said == stands

    def _ended_by_us(self, before: dict[str, Wire], after: dict[str, Wire]) -> set[str]:
        return {own for own, was in before.items() if was["Status"] not in GONE and after[own]["Status"] in GONE}


def _stands(document: Wire, field: str, value: Any) -> None:
    """What a person set is still there."""
    lines = {line["LineItemID"]: line for line in document["LineItems"]}
    if field.startswith("-"):
        assert field[1:] not in lines, "a line that a person took away is back"
    elif field.startswith("+"):
        assert field[1:] in [line["Description"] for line in lines.values()], "a person's line is gone"
    elif "/" in field:
        line_id, key = field.split("/")
        now = lines.get(line_id, {}).get(key)
        assert now is not None, f"a line that a person edited is gone: {field}"
        assert str(now) == str(value) or Decimal(str(now)) == Decimal(str(value)), f"{field}: {value} became {now}"
    else:
        now = document["DueDateString"][:10] if field == "DueDate" else document[field]
        assert now == value, f"{field}: {value} became {now}"


def _closed(document: Wire, lock: str | None) -> bool:
    paid = Decimal(str(document.get("AmountPaid", 0))) > 0
    sent = document.get("SentToContact") is True and document["Status"] == "AUTHORISED"
    locked = lock is not None and document["DateString"][:10] <= lock
    return paid or sent or locked or document["Status"] in GONE


def _only_we_paid(document: Wire) -> bool:
    """Each payment on it carries a mark of ours."""
    paid = document.get("Payments") or []
    return bool(paid) and all(identity.find_marker(None, one.get("Reference")) for one in paid)


def _without_stamp(document: Wire, *more: str) -> Wire:
    return {key: value for key, value in document.items() if not key.startswith("UpdatedDate") and key not in more}


def _amount(document: Wire, name: str) -> Decimal:
    return Decimal(str(document[name]))


def _total(record: Wire) -> Decimal:
    """What a record comes to with 20 % VAT; its quantities and prices are whole."""
    lines = (Decimal(line["quantity"]) * Decimal(line["unit_amount"]) for line in record["lines"])
    return sum(lines, Decimal(0)) * Decimal("1.2")


def _typed(line: Wire) -> Wire:
    """A line as a person's screen sends it: Xero computes the rest."""
    return {key: value for key, value in line.items() if key not in ("LineAmount", "TaxAmount")}


def _record_of(document: Wire) -> int:
    return _issue_of(document)[0]


def _issue_of(document: Wire) -> tuple[int, int]:
    """The record and its issue, by our mark."""
    mark = identity.find_marker(document.get("Url"), document.get("Reference"))
    return MARKS.get(mark or "", (-1, -1))


def _marks(kind: str) -> dict[str, tuple[int, int]]:
    issues = [(n, issue) for n in range(RECORDS) for issue in range(1, 60)]
    return {identity.marker("shop", kind, f"order-{n}", issue): (n, issue) for n, issue in issues}


MARKS, NOTE_MARKS = _marks("invoice"), _marks("credit")
