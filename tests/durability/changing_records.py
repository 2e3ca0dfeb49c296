"""Records that change between the runs of a random history, runs that are taken back, and what Xero may show of them.

Called by `histories`. Its choices come from dice of its own, so that a seed's other choices are the same with and without.
"""

import dataclasses
import random
from decimal import Decimal
from typing import Any

from counterfoil.posting import identity
from tests.posting.workbench import sale

ISSUES_MAX = 30  # documents of one record, one after the other, that the judge knows the marks of
GONE = ("VOIDED", "DELETED")
FAULTS = (
    "lost_answer", "lost_answer", "reset", "500_before", "500_after", "503", "truncated", "truncated_json", "bad_gzip",
    "one_short", "text_answer", "slow", "slow_answer", "429_minute", "429_concurrent", "429_day",
)  # fmt: skip
DELAYS_S = {"slow": 0.6, "slow_answer": 1.2, "429_minute": 1, "429_day": 1}
PERSONS = ("due_date", "status")  # fields of the content that the histories' person edits at Xero's screen


@dataclasses.dataclass(frozen=True)
class Content:
    """What a record says of itself, as far as the histories change it; whole units keep the tax exact."""

    unit: int
    status: str
    customer: int
    reference: str = ""
    quantity: int = 2
    day: int = 2
    due_date: str = "2026-12-02"
    extras: int = 0

    def wire(self, n: int, entity: str, number: str) -> dict[str, Any]:
        """As it stands in the source."""
        record = sale(n, entity=entity, number=number, status=self.status)
        record["contact"] = {"external_id": f"cust-{self.customer}", "name": f"Customer {self.customer}"}
        first, post = record["lines"]
        first |= {"unit_amount": f"{self.unit}.00", "quantity": str(self.quantity)}
        more = [{**post, "description": f"Extra {i}", "unit_amount": f"{i + 1}.00"} for i in range(self.extras)]
        record |= {"reference": self.reference or f"PO {n}", "due_date": self.due_date, "lines": [first, *more, post]}
        record["date"] = f"2026-11-{self.day:02}"
        return record

    def view(self, n: int, rate: Decimal) -> dict[str, Any]:
        """The document that Xero has, if it is this content's."""
        lines = [("Widgets", Decimal(self.quantity), Decimal(self.unit))]
        lines += [(f"Extra {i}", Decimal(1), Decimal(i + 1)) for i in range(self.extras)]
        lines.append(("Post", Decimal(1), Decimal(3)))
        net = sum(quantity * price for _name, quantity, price in lines)
        return {
            "reference": self.reference or f"PO {n}", "date": f"2026-11-{self.day:02}", "due_date": self.due_date,
            "status": self.status, "customer": f"Customer {self.customer}", "lines": lines,
            "total": (net * (1 + rate / 100)).quantize(Decimal("0.01")),
        }  # fmt: skip


def seen(document: dict[str, Any]) -> dict[str, Any]:
    """The same of a document in the ledger."""
    number = lambda value: Decimal(str(value))  # noqa: E731 - one word for three places below
    lines = [(one["Description"], number(one["Quantity"]), number(one["UnitAmount"])) for one in document["LineItems"]]
    return {
        "reference": document["Reference"].removesuffix(mark_in(document) or "").strip(), "date": document["DateString"][:10],
        "due_date": document["DueDateString"][:10], "status": document["Status"],
        "customer": document["Contact"]["Name"], "lines": lines, "total": number(document["Total"]),
    }  # fmt: skip


class Changes:
    """How one history's records change. `on_change` None: drawn from the seed; "hold": they do not."""

    def __init__(self, seed: int, on_change: str | None) -> None:
        self.dice = random.Random(f"changes of {seed}")
        drawn = self.dice.choices(("hold", "update", "reissue"), (4, 4, 3))[0]
        self.on_change = on_change or drawn
        self.complete = self.dice.random() < 0.7
        self.undone: dict[str, bool] = {}  # records that were taken back and seen gone → whether a document was there
        self.forgotten: set[str] = set()  # records of which a restored database may not know what was sent

    @property
    def alive(self) -> bool:
        """The records change."""
        return self.on_change != "hold"

    def flow(self) -> str:
        """The flow's lines."""
        if not self.alive:
            return ""
        return f'on_change = "{self.on_change}"\ncomplete = {str(self.complete).lower()}'

    def amend(self, history: Any) -> None:
        """Some records say something else, or again what they said before; Xero's door may fail for changes."""
        for record in self.dice.sample(history.records, self.dice.randint(1, 3)):
            if self.dice.random() < 0.3:
                record.content = self.dice.choice(sorted(record.said, key=str))
            else:
                record.content = self._other(record.content)
            record.amended = True
            history.tell(f"{record.external_id} says {record.content}")
        for _ in range(self.dice.choice((0, 1, 1, 2))):
            kind = self.dice.choice(FAULTS)
            fields: dict[str, Any] = {
                "method": "POST",
                "path": "/api.xro/2.0/Invoices",
                "count": self.dice.randint(1, 3),
            }
            fields |= {"probability": self.dice.choice((0.5, 1)), "seed": self.dice.randrange(1000)}
            fields |= {"delay_s": DELAYS_S[kind]} if kind in DELAYS_S else {}
            history.tell(f"fault {kind} {fields}")
            history.bench.sandbox.fault(kind, **fields)

    def _other(self, content: Content) -> Content:
        count = self.dice.randrange(1, 1000)
        changes: dict[str, Any] = {
            "unit": 10 + count, "status": "AUTHORISED", "customer": count % 5, "reference": f"Word {count}",
            "quantity": count % 7 + 1, "day": count % 20 + 1, "due_date": f"2027-02-{count % 28 + 1:02}",
            "extras": count % 4,
        }  # fmt: skip
        chosen = self.dice.sample(sorted(changes), self.dice.choice((1, 1, 2, 3)))
        return dataclasses.replace(content, **{name: changes[name] for name in chosen})

    def trap(self) -> tuple[str, int, str] | None:
        """Where a process that takes a run back is killed or stopped, if it is."""
        action = self.dice.choices(("", "kill", "stop"), (5, 3, 2))[0]
        point = self.dice.choice(("after-freeze", "after-attempt", "after-send"))
        return (point, self.dice.randint(1, 3), action) if action else None

    def undo(self, history: Any) -> None:
        """A run is taken back: alone, killed, beside a run, or overtaken by one. What one alone took back stays gone."""
        trap = self.trap()
        child = history.child(f"undo:{self.dice.randrange(4)}", trap)
        beside = history.child("run") if self.dice.random() < 0.3 else None
        alone = beside is None
        if trap is not None and trap[2] == "stop" and child.until_stopped():
            history.faults += 1
            alone = False
            history.heard(beside or history.child("run"))
            child.go_on()
        elif beside is not None:
            history.heard(beside)
        answer = history.heard(child)
        report, wanted = answer.get("report"), answer.get("wanted", ())
        if report is None or report["exit"] != 0 or not alone:
            return
        living, all_marks = self._marks(history, living=True), self._marks(history, living=False)
        for name in wanted:
            if name not in living:
                self.undone[name] = name in all_marks

    def _marks(self, history: Any, *, living: bool) -> set[str]:
        owners = {mark: record.external_id for record in history.records for mark in marks_of(record)}
        found = [one for number in (1, 2, 3) for one in history.bench.invoices(number)]
        marks = [mark_in(one) for one in found if not (living and one["Status"] in GONE)]
        return {owners[mark] for mark in marks if mark in owners}

    def roll_back(self, records: list[Any]) -> None:
        """The database forgets: what was sent since, and who took back what never reached Xero."""
        self.forgotten |= {record.external_id for record in records}
        self.undone = {name: there for name, there in self.undone.items() if there}

    # ---- the judge

    def judge(self, record: Any, there: list[tuple[int, dict[str, Any]]], known: dict[str, Any], rates: Any) -> None:
        """One record's documents. Raises AssertionError."""
        name, living = record.external_id, [one for one in there if one[1]["Status"] not in GONE]
        ids = [mark_in(document) for _number, document in there]
        assert len(ids) == len(set(ids)), f"{name}: one mark twice"
        assert len(living) <= 1, f"{name} twice: {[(n, d['InvoiceNumber'], d['Status']) for n, d in living]}"
        assert self.on_change == "reissue" or len(there) <= 1, f"{name} twice, and nothing was reissued"
        named = name in known["named"] or any(f" {name} (" in text for text in known["differences"])
        undone = name in known["undone"]
        if not living:
            assert named or undone, f"{name} is not in Xero, and nobody is told: {known['states'].get(name)}"
            good = record.plain and not record.amended and not undone and name not in self.forgotten
            assert not good, f"{name} is good and was not posted: {known['named'].get(name)}"
            return
        [(number, document)] = living
        assert not undone, f"{name} was taken back and lives as {document['InvoiceNumber']}"
        assert name not in self.undone, f"{name} was taken back, was gone, and lives again"
        now, rate = seen(document), rates[number - 1]
        ours = [content.view(record.n, rate) for content in record.said]
        if name in self.forgotten:
            self._judge_fields(record, now, ours)
            last = record.content.view(record.n, rate)
            told = named or all(now[field] == last[field] for field in ("total", "date"))
            assert told, f"{name}: {now} is not its last content {last}, and not even `prove` tells"
            return
        untouched = [field for field in now if not (record.touched and field in (*PERSONS, "total"))]
        shapes = [{field: view[field] for field in untouched} for view in ours]
        shape = {field: now[field] for field in untouched}
        assert shape in shapes, f"{name} is a mixture: {now}, named {known['named'].get(name)}; said {record.said}"
        last = record.content.view(record.n, rate)
        right = shape == {field: last[field] for field in untouched}
        assert right or named, f"{name}: {now} is not its last content {last}, and nobody is told"
        if record.plain and not named:
            assert known["states"][name] == "posted"
            base = document["InvoiceNumber"].removesuffix(f"-{issue_of(record, document)}")
            assert record.number in ("xero", document["InvoiceNumber"], base)

    def _judge_fields(self, record: Any, now: dict[str, Any], ours: list[dict[str, Any]]) -> None:
        """A restored database takes a change that it forgot for a person's: each field is ours, of whatever time."""
        for field, value in now.items():
            if field in ("lines", "total") or (record.touched and field in PERSONS):
                continue
            assert value in [view[field] for view in ours], f"{record.external_id}: {field} was never {value}"
        said = {line for view in ours for line in view["lines"]}
        for name, quantity, price in now["lines"]:
            fits = any(
                name == line[0] and quantity == line[1] and any(price == o[2] and name == o[0] for o in said)
                for line in said
            )
            assert fits, f"{record.external_id} never had a line {quantity} × {price} {name}"


def marks_of(record: Any) -> list[str]:
    """The marks that a record's documents may carry, the first one first."""
    issues = range(1, ISSUES_MAX)
    return [identity.marker("shop", "invoice", record.external_id, issue) for issue in issues]


def mark_in(document: dict[str, Any]) -> str | None:
    """The mark that a document carries."""
    return identity.find_marker(document.get("Url"), document.get("Reference"))


def issue_of(record: Any, document: dict[str, Any]) -> int:
    """The how-manieth document of its record this is."""
    return marks_of(record).index(mark_in(document) or "") + 1
