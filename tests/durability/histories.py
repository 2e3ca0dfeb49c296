"""Random histories: what can happen to an installation, in any order, from one seed; and the judge of how it ended.

The judge is the sandbox's ledger. A history is a function of its seed but for the machine's timing; its `story` says
what was done, step by step, and is printed when it fails.
"""

import dataclasses
import json
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from tests.durability import changing_records, history_worker
from tests.durability.changing_records import Changes, Content, mark_in, marks_of
from tests.posting.workbench import ENTITIES, Workbench

TIMES = {"request_timeout_s": 0.9, "key_life_s": 360, "quiet_s": 0.5, "second_look_s": 0.1, "batch": 4}
KEY_GONE = 1  # a key that is never used twice
SLOW_S = 0.6  # how long a request may run at Xero: less than a timeout and a quiet period together
TIMEOUT_S = 90
OUTCOMES = ("posted", "updated", "adopted", "unchanged", "rejected", "held", "uncertain", "planned")
POINTS = ("after-freeze", "after-attempt", "after-send", "mid-outcome")
# The app's minute is not among them: its 429 says no time, so every process waits a minute (tests/xero/test_pacing).
WRITE_FAULTS = (
    "lost_answer", "reset", "500_before", "500_after", "503", "truncated", "truncated_json", "bad_gzip", "one_short",
    "reordered", "text_answer", "slow", "slow_answer", "429_minute", "429_concurrent", "429_day", "429_minute",
)  # fmt: skip
READ_FAULTS = (
    "lost_answer",
    "reset",
    "500_before",
    "503",
    "truncated",
    "bad_gzip",
    "429_concurrent",
    "429_day",
    "slow",
)
QUIESCENT_MAX = 12  # runs until nothing moves any more

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.durability.history_worker"])


class Child:
    """One process at work on the installation."""

    def __init__(
        self, bench: Workbench, n: int, command: str, trap: tuple[str, int, str] | None = None, **more: Any
    ) -> None:
        """`more`: `alone` False: as a service; `crowded`: see `history_worker`."""
        self.out = bench.folder / f"answer-{n}.json"
        state = {
            "ready": bench.sandbox.ready, "store": bench.store, "posting": bench.posting, "flow": bench.flow,
            "token": bench.token, **more,
        }  # fmt: skip
        arguments = (bench.folder, state, trap, command, self.out)
        self.process = _forking.Process(target=history_worker.main, args=arguments, daemon=True)
        self.process.start()

    def answer(self) -> dict[str, Any]:
        """Wait for its end; → its answer, {"killed": True} when it killed itself."""
        self.process.join(TIMEOUT_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            return {"crash": f"still at work after {TIMEOUT_S} s"}
        if self.process.exitcode == -signal.SIGKILL:
            return {"killed": True}
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found

    def until_stopped(self) -> bool:
        """Wait until it stopped itself; False: it ended instead."""
        assert self.process.pid is not None
        watched = psutil.Process(self.process.pid)
        while self.process.is_alive():
            try:
                if watched.status() == psutil.STATUS_STOPPED:
                    return True
            except psutil.NoSuchProcess:
                break
            self.process.join(0.01)
        return False

    def go_on(self) -> None:
        """SIGCONT."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGCONT)


class Record:
    """One record of the source, and everything that it ever said."""

    def __init__(self, n: int, dice: random.Random, *, xero_numbers: bool) -> None:
        self.n = n
        self.external_id = f"order-{n}"
        self.number = "xero" if xero_numbers and dice.random() < 0.6 else f"SHOP-{n}"
        self.entity = dice.choice(ENTITIES)
        self.content = Content(unit=9, status=dice.choice(("DRAFT", "AUTHORISED")), customer=dice.randrange(5))
        self.said: set[Content] = set()  # every content that ever stood in the source
        self.bad = ""
        self.entities = {self.entity}
        self.plain = True  # only good content was ever said of it, and nobody touched its document or its number
        self.amended = False  # its good content changed
        self.touched = False  # a person changed its document

    def wire(self) -> dict[str, Any]:
        """As it stands in the source."""
        self.said.add(self.content)
        record = self.content.wire(self.n, self.entity, self.number)
        if self.bad == "account":
            record["lines"][0]["account_code"] = "nowhere"
        elif self.bad == "total":
            record["expected_total"] = "1.00"
        elif self.bad == "date":
            record["date"] = "yesterday"
        return record

    def totals(self, rate: Decimal) -> set[Decimal]:
        """What its document may come to, over everything that it ever said; whole units keep the tax exact."""
        return {
            ((2 * unit + 3) * (1 + rate / 100)).quantize(Decimal("0.01")) for unit in {one.unit for one in self.said}
        }


class History:
    """One seed's history on a workbench."""

    def __init__(
        self, bench: Workbench, seed: int, *, steps: int = 6, records: int = 6, on_change: str | None = None
    ) -> None:
        self.bench, self.seed, self.steps = bench, seed, steps
        self.dice = random.Random(seed)
        self.changes = Changes(seed, on_change)
        bench.flow = self.changes.flow()
        self.story: list[str] = [f"seed {seed}, on_change {self.changes.on_change}"]
        self.faults = 0  # kills, suspends, restores; faults of Xero's are counted from the sandbox's own log
        self.children = 0
        self.stands: dict[str, Any] = {}  # how its processes work: see `history_worker`
        # Xero takes a second document without our number; that nobody shows us the first one twice is beyond us.
        self.stale = self.dice.random() < 0.3
        bench.posting = dict(TIMES)
        self.records = [Record(n, self.dice, xero_numbers=not self.stale) for n in range(records)]
        for record in self.dice.sample(self.records, 2):
            record.bad = self.dice.choice(("account", "total", "date"))
            record.plain = False
        self.repeated: set[str] = set()
        self.twins: set[str] = set()
        self.copy: Path | None = None
        self.moved = self.rolled_back = False
        self.rates = [self._rate(number) for number in (1, 2, 3)]

    def _rate(self, number: int) -> Decimal:
        wanted = "OUTPUT2" if number == 1 else "OUTPUT"
        rows = self.bench.sandbox.ledger(self.bench.sandbox.tenant(number))["TaxRates"]
        return next(Decimal(str(row["EffectiveRate"])) for row in rows if row["TaxType"] == wanted)

    # ---- playing

    def play(self) -> None:
        """Everything that happens, then peace, then the judgement. Raises AssertionError with the story."""
        try:
            self.write()
            for _ in range(self.steps):
                self.change_or_take_back()
                self.step()
            self.make_peace()
            self.judge()
        except AssertionError as failed:
            raise AssertionError("\n".join([str(failed), *self.story])) from failed

    def step(self) -> None:
        """One of the steps, by its weight."""
        self.dice.choices(*zip(*STEPS, strict=True))[0](self)

    def change_or_take_back(self) -> None:
        """Between the steps of a history whose records change."""
        if not self.changes.alive:
            return
        if self.changes.dice.random() < 0.8:
            self.changes.amend(self)
            self.write()
        if self.changes.dice.random() < 0.2:
            self.changes.undo(self)

    def write(self) -> None:
        """The source file as it is now."""
        lines: list[dict[str, Any]] = []
        for record in self.records:
            lines.append(record.wire())
            if record.external_id in self.repeated:
                lines.append(record.wire())
            if record.external_id in self.twins:
                lines.append(record.wire() | {"reference": "another story"})
        self.lines = len(lines)
        self.bench.write(lines)

    def tell(self, text: str) -> None:
        """One more line of the story."""
        self.story.append(text)

    def child(self, command: str, trap: tuple[str, int, str] | None = None) -> Child:
        """A process at work."""
        self.children += 1
        self.tell(f"{command} {trap or ''} key life {self.bench.posting['key_life_s']}")
        return Child(self.bench, self.children, command, trap, **self.stands)

    def heard(self, child: Child) -> dict[str, Any]:
        """Its answer, checked: nothing but our own errors may escape, and a run's outcomes add up to its records."""
        answer = child.answer()
        self.tell(f"  → {answer}")
        assert "crash" not in answer, answer["crash"]
        report = answer.get("report")
        if report is not None and "records" in report:
            assert sum(report[name] for name in OUTCOMES) == report["records"] == self.lines
        if answer.get("killed"):
            self.faults += 1
        return answer

    def trap(self, action: str) -> tuple[str, int, str]:
        """A random named point and passing."""
        points = POINTS if action == "kill" else POINTS[:3]
        return self.dice.choice(points), self.dice.randint(1, 5), action

    def disturb(self) -> None:
        """New sales, and up to three faults at Xero's door, for writes and for reads."""
        for _ in range(self.dice.randint(2, 5)):
            self.records.append(Record(len(self.records), self.dice, xero_numbers=not self.stale))
        self.write()
        for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
            writes = self.dice.random() < 0.7
            kinds = WRITE_FAULTS if writes else (*READ_FAULTS, *(("stale_read",) * 3 if self.stale else ()))
            kind = self.dice.choice(kinds)
            fields: dict[str, Any] = {"method": "PUT" if writes else "GET", "path": "/api.xro/2.0/"}
            if self.dice.random() < 0.6:
                fields["path"] += self.dice.choice(("Invoices", "Invoices", "Contacts"))
            if self.dice.random() < 0.5:
                fields["tenant"] = self.bench.sandbox.tenant(self.dice.randint(1, 3))
            delay_s = {"slow": SLOW_S, "slow_answer": 1.2, "429_minute": 1, "429_day": 1}.get(kind)
            if delay_s is not None:
                fields["delay_s"] = delay_s
            fields |= {
                "count": self.dice.randint(1, 4), "probability": self.dice.choice((0.5, 1)),
                "seed": self.dice.randrange(1000),
            }  # fmt: skip
            self.tell(f"fault {kind} {fields}")
            self.bench.sandbox.fault(kind, **fields)
        self.bench.posting["key_life_s"] = self.dice.choice((360, KEY_GONE))

    # ---- the steps

    def run(self) -> None:
        """One process, left alone or killed."""
        self.disturb()
        command = self.dice.choice(("run", "run", "finish"))
        self.heard(self.child(command, self.trap("kill") if self.dice.random() < 0.6 else None))

    def two_at_once(self) -> None:
        """Two processes at the same time, perhaps one of them killed."""
        self.disturb()
        trap = self.trap("kill") if self.dice.random() < 0.5 else None
        both = [self.child("run", trap), self.child(self.dice.choice(("run", "finish")))]
        for child in both:
            self.heard(child)

    def suspend(self) -> None:
        """A process is stopped, overtaken by another one, and goes on."""
        self.disturb()
        sleeper = self.child("run", self.trap("stop"))
        if sleeper.until_stopped():
            self.faults += 1
            self.heard(self.child(self.dice.choice(("run", "finish"))))
            sleeper.go_on()
        self.heard(sleeper)

    def keep_copy(self) -> None:
        """A backup of the database, taken between two processes."""
        self.tell("copy the database")
        self.copy = self.bench.folder / "copy"
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        for file in self._database_files():
            shutil.copy(file, self.copy / file.name)

    def restore(self) -> None:
        """The backup comes back: as new files, or written over the old ones."""
        if self.moved:
            return
        self.rolled_back = True
        if self.copy is None or not any(self.copy.iterdir()):
            self.keep_copy()
            self.run()
        assert self.copy is not None
        self.changes.roll_back(self.records)
        self.faults += 1
        in_place = self.dice.random() < 0.5
        self.tell(f"restore the copy {'in place' if in_place else 'as new files'}")
        for file in self._database_files():
            if not in_place or not (self.copy / file.name).exists():
                file.unlink()
        for file in self.copy.iterdir():
            (self.bench.folder / file.name).write_bytes(file.read_bytes())

    def delete(self) -> None:
        """The database is gone; its sentinel stays."""
        if self.moved:
            return
        self.rolled_back = True
        self.changes.roll_back(self.records)
        self.faults += 1
        self.tell("delete the database")
        for file in self._database_files():
            file.unlink()
        self.copy = None

    def _database_files(self) -> list[Path]:
        return [file for file in self.bench.folder.glob("counterfoil.db*") if "sentinel" not in file.name]

    def change_records(self) -> None:
        """The shop's software says something else."""
        for record in self.dice.sample(self.records, 2):
            what = self.dice.choice(("unit", "entity", "bad", "good", "repeat", "twin", "no twin", "number"))
            if what == "entity" and self.rolled_back:
                what = "unit"  # a forgotten posting's entity is forgotten with it: see docs/promises/exactly-once.md
            self.tell(f"{record.external_id}: {what}")
            if what == "repeat":
                self.repeated ^= {record.external_id}
                continue
            record.plain = False
            if what == "unit":
                record.content = dataclasses.replace(record.content, unit=record.content.unit + 1)
            elif what == "entity":
                self.moved = True
                record.entity = self.dice.choice(ENTITIES)
                record.entities.add(record.entity)
            elif what == "number":  # of another record, in other letters: Xero does not mind the case
                record.number = self.dice.choice(self.records).number.lower()
                self._same_numbers(record.number)
            elif what in ("twin", "no twin"):
                self.twins = self.twins | {record.external_id} if what == "twin" else self.twins - {record.external_id}
            else:
                record.bad = "" if what == "good" else "account"
        self.write()

    def _same_numbers(self, number: str) -> None:
        for record in self.records:
            if number != "xero" and record.number.lower() == number:
                record.plain = False

    def person(self) -> None:
        """Somebody at Xero's own screen changes a document of ours, or a stranger takes a number."""
        number = self.dice.randint(1, 3)
        tenant = self.bench.sandbox.tenant(number)
        if self.dice.random() < 0.3:
            record = self.dice.choice(self.records)
            if record.number != "xero" and record.entity == ENTITIES[number - 1]:
                self._stranger(tenant, record)
            return
        ours = [one for one in self.bench.living(number) if mark_in(one)]
        if not ours:
            return
        document = self.dice.choice(ours)
        what: dict[str, Any] = self.dice.choice((
            {"Status": "VOIDED"}, {"Status": "DELETED"}, {"InvoiceNumber": f"P-{self.dice.randrange(10**9)}"},
            {"Total": 1}, {"DueDate": "2027-01-31"},
        ))  # fmt: skip
        self.tell(f"a person sets {what} on {document['InvoiceNumber']}")
        self.faults += 1
        for record in self.records:
            if mark_in(document) in marks_of(record):
                record.plain, record.touched = False, True
        self.bench.sandbox.edit(tenant, document["InvoiceID"], **what)

    def _stranger(self, tenant: str, record: Record) -> None:
        record.plain = False
        self._same_numbers(record.number.lower())
        taken = {
            "Type": "ACCREC", "Status": "DRAFT", "InvoiceNumber": record.number, "Contact": {"Name": "A stranger"},
            "Date": "2026-11-01", "LineItems": [{"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}],
        }  # fmt: skip
        self.tell(f"a stranger takes {record.number}")
        self.bench.sandbox.request(
            "POST", f"/_sandbox/document/{tenant}", json.dumps({"Invoices": [taken]}).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip

    def organisation(self) -> None:
        """The organisation goes offline for a while, or its period is locked or opened."""
        tenant = self.bench.sandbox.tenant(self.dice.randint(1, 3))
        what = self.dice.choice(("offline", "lock", "open"))
        self.tell(f"organisation {tenant} {what}")
        self.faults += 1
        if what == "offline":
            count = self.dice.randint(1, 8)
            self.bench.sandbox.fault("503_offline", path="/api.xro/2.0/", tenant=tenant, count=count)
        else:
            day = "2026-11-30" if what == "lock" else None
            self.bench.sandbox.organisation(tenant, period_lock_date=day)

    # ---- the end

    def make_peace(self) -> None:
        """No more faults, open periods; run until nothing moves, try every problem again, and run once more."""
        self.tell("peace")
        self.faults += sum(1 for one in self.bench.sandbox.requests() if one["fault"])
        self.bench.sandbox.clear_faults()
        for number in (1, 2, 3):
            self.bench.sandbox.organisation(self.bench.sandbox.tenant(number), period_lock_date=None)
        self.bench.posting["key_life_s"] = 360
        self._until_quiet()
        self.heard(self.child("retry"))
        self.heard(self.child("finish"))
        self._until_quiet()

    def _until_quiet(self) -> None:
        for _ in range(QUIESCENT_MAX):
            report = self.heard(self.child("run")).get("report")
            if report and report["exit"] in (0, 1) and not report["planned"] and not report["uncertain"]:
                return
        raise AssertionError("the runs come to no end")

    def judge(self) -> None:
        """Each record in Xero once or named; nothing twice, nothing elsewhere, nothing of others touched."""
        before = len(self.bench.writes())
        known = self.heard(self.child("tell"))
        report = self.heard(self.child("run"))["report"]
        assert report["posted"] + report["adopted"] + report["updated"] == 0, "a last run finds nothing to do"
        written = [one for one in self.bench.writes() if one["status"] == 200][before:]
        refused = self.changes.alive and any(cause.startswith("xero:") for cause in known["named"].values())
        quiet = not written if refused else len(self.bench.writes()) == before  # each run tries a refused change again
        assert quiet, f"a last run sends nothing: {written}"
        assert known["duplicates"] == []
        found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for number in (1, 2, 3):
            for document in self.bench.invoices(number):
                found.setdefault(mark_in(document) or "", []).append((number, document))
            self._judge_contacts(number)
        assert found.keys() - {""} <= {mark for record in self.records for mark in marks_of(record)}
        assert {"A stranger"} >= {one["Contact"]["Name"] for _number, one in found.get("", [])}, (
            "nothing unmarked is ours"
        )
        for record in self.records:
            there = [one for mark in marks_of(record) for one in found.get(mark, [])]
            if self.changes.alive:
                self._judge_place(record, there)
                self.changes.judge(record, there, known, self.rates)
            else:
                self._judge_record(record, there, known)

    def _judge_place(self, record: Record, there: list[tuple[int, dict[str, Any]]]) -> None:
        for number, _document in there:
            assert ENTITIES[number - 1] in record.entities, f"{record.external_id} in {ENTITIES[number - 1]}"

    def _judge_record(self, record: Record, there: list[tuple[int, dict[str, Any]]], known: dict[str, Any]) -> None:
        name = record.external_id
        assert len(there) <= 1, f"{name} twice: {[(n, d['InvoiceNumber'], d['Status']) for n, d in there]}"
        named = name in known["named"] or any(f" {name} (" in text for text in known["differences"])
        living = [(number, document) for number, document in there if document["Status"] not in changing_records.GONE]
        if not living:
            assert named, f"{name} is not in Xero, and nobody is told: {known['states'].get(name)}"
            assert not record.plain, f"{name} is good and was not posted: {known['named'].get(name)}"
            return
        [(number, document)] = living
        assert ENTITIES[number - 1] in record.entities, f"{name} in {ENTITIES[number - 1]}"
        right = Decimal(str(document["Total"])) in record.totals(self.rates[number - 1])
        assert right or named, f"{name}: total {document['Total']}, and nobody is told"
        if record.plain:
            assert right, f"{name}: total {document['Total']}"
            assert known["states"][name] == "posted"
            assert document["Status"] == record.content.status
            assert record.number in ("xero", document["InvoiceNumber"])
            assert document["Contact"]["Name"] == f"Customer {record.content.customer}"

    def _judge_contacts(self, number: int) -> None:
        contacts = self.bench.sandbox.ledger(self.bench.sandbox.tenant(number))["Contacts"]
        numbers = [one["ContactNumber"] for one in contacts if one.get("ContactNumber", "").startswith("cust-")]
        assert len(numbers) == len(set(numbers)), "no customer twice"


STEPS: tuple[tuple[Callable[[History], None], int], ...] = (
    (History.run, 8),
    (History.two_at_once, 3),
    (History.suspend, 3),
    (History.keep_copy, 2),
    (History.restore, 2),
    (History.delete, 1),
    (History.change_records, 2),
    (History.person, 3),
    (History.organisation, 1),
)
