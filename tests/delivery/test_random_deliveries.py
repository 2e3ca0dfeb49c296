"""Whatever fails, dies, is replayed or paused in whatever order: nothing is lost, and no document's change overtakes another."""

import asyncio
import datetime
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from counterfoil.delivery.outcome import NeverDelivered, NotDelivered, Unsubscribed
from counterfoil.store import deliveries, feeds
from tests.delivery.desk import Desk, Taker, down, refuses

DOCUMENTS = "abc"
FAILURES = {
    "taken": lambda: None,
    "refused": refuses,
    "down": down,
    "never": lambda: NeverDelivered("no"),
    "raises": lambda: KeyError("x"),
    "gone": lambda: Unsubscribed("it answered 410"),
    "lost": lambda: NotDelivered("no answer", may_have_arrived=True, target_is_down=False),
}
SOAK = "SOAK" in os.environ
pytestmark = pytest.mark.soak
WAYS = [*FAILURES, "killed"]


class Killed(BaseException):
    """The process ends between handing over and writing it down."""


class Deliveries(RuleBasedStateMachine):
    """One feed. `handed`: all that its target ever took, in order, answered or not."""

    @initialize(most=st.sampled_from([1, 1, 3]), at_once=st.sampled_from([1, 3]))
    def begin(self, most, at_once):
        """An empty installation, and a feed that begins."""
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "c.db"
        self.desk = self.loop.run(Desk(f"sqlite:///{self.path}").open())
        self.past = sqlite3.connect(self.path, isolation_level=None)
        self.made, self.handed, self.plan, self.processes = [], [], [], 0
        self.turns = dict.fromkeys(DOCUMENTS, 0)
        self.outlet = Taker(most=most, fails=self.outcome)
        self.subscriber = self.desk.subscriber(self.outlet, at_once=at_once)
        self.overtaken = []
        self.replayed_at = self.begins = 0
        self.first = dict.fromkeys(DOCUMENTS, 1)  # of each document, since it was last sent back
        self.loop.run(self.desk.turn(self.subscriber))

    def outcome(self, change):
        """What becomes of the next change that is handed over."""
        way = self.plan.pop() if self.plan else "taken"
        if way in ("taken", "killed", "lost"):
            self.check_order(change)
            self.handed.append(change.id)
        if way == "killed":
            self.dies = True
            return None
        return FAILURES[way]()

    def check_order(self, change):
        """Every earlier change of its document was taken before, or is a dead letter, since the feed was last sent back."""
        letter, turn = change.id[0], int(change.id[1:])
        earlier = {f"{letter}{n}" for n in range(self.first[letter], turn)} - set(self.handed[self.replayed_at :])
        if earlier:
            for name in sorted(earlier - self.rows("dead_at IS NOT NULL")):
                self.overtaken.append(
                    f"{change.id} before {name}"
                )  # an outlet's exception would be a failure like others

    def rows(self, condition):
        """The ids of the changes in the feed's list, read past the product."""
        query = f"SELECT h.id FROM deliveries d JOIN happenings h ON h.n = d.n WHERE d.feed = 'crm' AND {condition}"
        return {row[0] for row in self.past.execute(query).fetchall()}

    def happen(self, documents):
        """Something happens to documents."""
        names = []
        for letter in documents:
            self.turns[letter] += 1
            names.append(f"{letter}{self.turns[letter]}")
        self.made += names
        self.loop.run(self.desk.record(*names))

    @rule(
        documents=st.lists(st.sampled_from(DOCUMENTS), max_size=5),
        ways=st.lists(st.sampled_from(WAYS), max_size=5),
        seconds=st.sampled_from([0, 5, 31, 600, 40_000]),
    )
    def carry(self, documents, ways, seconds):
        """Something happens, then comes a process's turn; it may die in it."""
        self.happen(documents)
        self.desk.clock.forward(seconds=seconds)
        self.plan, self.dies = list(ways), False
        self.processes += 1

        def point(_name):
            if self.dies:
                raise Killed

        carrier = self.desk.carrier(f"process {self.processes}", point)
        whole = carrier._leave

        async def leave(to):
            if not self.dies:
                await whole(to)

        carrier._leave = leave
        try:
            self.loop.run(carrier.carry(self.subscriber, lambda: False))
        except Killed:
            self.desk.clock.forward(seconds=31)  # its lease ends

    @rule(back=st.integers(0, 20))
    def replay(self, back):
        """A person sends it back."""
        n = max(0, self.loop.run(self.desk.feed()).n - back)  # never forward: that would skip
        self.loop.run(self.desk.database.run(lambda conn: feeds.send_back(conn, "crm", n)))
        self.replayed_at, self.begins = len(self.handed), n
        self.first = {letter: 1 + sum(one[0] == letter for one in self.made[:n]) for letter in DOCUMENTS}

    @rule()
    def retry(self):
        """A person has mended the target."""

        def work(conn):
            deliveries.retry(conn, "crm", None, self.desk.clock.now())
            feeds.awaken(conn, "crm")

        self.loop.run(self.desk.database.run(work))

    @rule(days=st.sampled_from([-400, 400]))
    def jump(self, days):
        """The machine's clock was wrong, or is from now on."""
        self.desk.clock.at += datetime.timedelta(days=days)

    @rule()
    def resume(self):
        """A person begins an ended one again."""
        self.loop.run(self.desk.database.run(lambda conn: feeds.resume(conn, "crm")))

    @invariant()
    def none_overtakes(self):
        """No document's change was handed over before an earlier one was taken or given up."""
        assert getattr(self, "overtaken", []) == []

    @invariant()
    def what_was_not_taken_waits(self):
        """At any moment: taken, waiting, a dead letter, or not looked at yet."""
        waits, taken = self.rows("1"), set(self.handed[self.replayed_at :])
        there = waits | set(self.handed[: self.replayed_at])
        looked = self.made[self.begins : self.loop.run(self.desk.feed()).n]
        assert [name for name in looked if name not in waits | taken] == []
        assert [name for name in self.made[: self.begins] if name not in there | taken] == []

    def teardown(self):
        """At the end everything works, and everything is there."""
        try:
            self.all_is_there()
        finally:
            self.past.close()
            self.loop.run(self.desk.close())
            self.loop.close()
            self.folder.cleanup()

    def all_is_there(self):
        """One turn in which everything is taken brings what is still missing."""
        self.resume()
        self.retry()
        self.desk.clock.forward(seconds=31)
        self.plan, self.dies = [], False
        self.loop.run(self.desk.turn(self.subscriber))
        assert sorted(set(self.handed)) == sorted(self.made)
        standing = self.loop.run(self.desk.standing())
        assert (standing.waiting, standing.dead) == (0, 0)


Deliveries.TestCase.settings = settings(
    max_examples=1_000 if SOAK else 20,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not SOAK,
    phases=(Phase.generate,),
)
TestDeliveries = Deliveries.TestCase
