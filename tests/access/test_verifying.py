"""Any change of the audit log's rows is found: random changes of every column, rows taken out, put in, moved, swapped."""

import asyncio
import datetime

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.access.audit import AuditLog
from counterfoil.access.vault import Vault
from counterfoil.access.verifying import FIRST, Verifier
from counterfoil.store import audit as rows
from counterfoil.store import schema
from counterfoil.store.database import Database
from tests.access.conftest import Keys
from tests.xero.fakes import FakeClock

LENGTH = 9
COLUMNS = ("entity", "seq", "at", "actor", "act", "data", "previous", "hash")
TEXTS = ("entity", "actor", "act", "previous", "hash")


class Log:
    """A database with a chain of LENGTH entries and one of two, put back as it was before each change."""

    def __init__(self, path):
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.database = Database(f"sqlite:///{path}", self.clock)
        self.log = AuditLog(Vault(Keys(bytes(32))), "somebody@here", self.clock.now)
        self.runner.run(self.database.open())
        for n in range(LENGTH):
            self.do(lambda conn, n=n: self.log.append(conn, "acme", f"act {n % 3}", {"n": n, "id": "ab" * 8}))
            self.clock.elapsed += 1
        for _ in range(2):
            self.do(lambda conn: self.log.append(conn, "other", "bound", {}))
        self.kept = self.do(lambda conn: conn.execute(sa.text("SELECT * FROM audit")).all())
        self.kept_heads = self.do(lambda conn: conn.execute(sa.text("SELECT * FROM audit_heads")).all())

    def do(self, work):
        """One transaction."""
        return self.runner.run(self.database.run(work))

    def restore(self):
        """Both tables as they were written."""

        def work(conn):
            for name, kept in (("audit", self.kept), ("audit_heads", self.kept_heads)):
                conn.execute(sa.text(f"DELETE FROM {name}"))
                for row in kept:
                    marks = ", ".join(f":{column}" for column in row._mapping)
                    conn.execute(sa.text(f"INSERT INTO {name} VALUES ({marks})"), dict(row._mapping))

        self.do(work)

    def sql(self, text, **values):
        """What somebody with the database does to it."""
        self.do(lambda conn: conn.execute(sa.text(text), values))

    def verify(self, entity="acme", heads=()):
        """What verifying finds."""

        def steps(conn):
            verifier = Verifier(self.log.keys, entity, heads, batch=4)  # a chain of nine has borders
            while not verifier.step(conn):
                pass
            return verifier.found()

        return self.runner.run(self.database.read(steps))

    def all_whole(self):
        """Whether every chain that there should be is whole."""
        names = self.runner.run(self.database.read(rows.entities))
        return all(self.verify(name).is_whole for name in names)

    def close(self):
        """End its thread and its loop."""
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    made = Log(tmp_path_factory.mktemp("audit") / "db")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _as_it_was(log):
    log.restore()


def flipped(raw, place, bit):
    """The bytes with one bit of one of them changed."""
    at = place % len(raw)
    return raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]


def test_untouched_chains_are_whole(log):
    """Length and head are those of the last entry, whatever the size of the batches."""
    found = log.verify()
    assert (found.length, found.broken_at, found.head) == (LENGTH, None, log.kept[LENGTH - 1].hash)
    assert log.all_whole()


@settings(deadline=None, max_examples=200)
@given(column=st.sampled_from(COLUMNS), n=st.integers(1, LENGTH), place=st.integers(0, 200), bit=st.integers(0, 7))
def test_any_changed_byte_is_found(log, column, n, place, bit):
    """A bit of any column of any row, also one after which a text is no text any more."""
    log.restore()
    where = "WHERE entity = 'acme' AND seq = :n"
    kept = log.kept[n - 1]._mapping[column]
    if column in ("seq", "at"):
        value = kept ^ (1 << (place % 40))
        if column == "seq" and 1 <= value <= LENGTH:
            value += LENGTH  # two rows of one number cannot be
        log.sql(f"UPDATE audit SET {column} = :value {where}", value=value, n=n)
    else:
        raw = kept.encode() if isinstance(kept, str) else kept
        cast = "CAST(:value AS TEXT)" if column in TEXTS else ":value"
        log.sql(f"UPDATE audit SET {column} = {cast} {where}", value=flipped(raw, place, bit), n=n)
    found = log.verify()
    assert not found.is_whole
    assert found.broken_at == (1 if column == "seq" and value < 1 else n)  # a row in front of all others is the first


@settings(deadline=None, max_examples=60)
@given(first=st.integers(1, LENGTH), count=st.integers(1, LENGTH))
def test_any_missing_row_is_found(log, first, count):
    """Rows taken out of the beginning, the middle or the end; the first of them is named."""
    log.restore()
    log.sql("DELETE FROM audit WHERE entity = 'acme' AND seq >= :a AND seq < :b", a=first, b=first + count)
    assert log.verify().broken_at == first


@settings(deadline=None, max_examples=60)
@given(a=st.integers(1, LENGTH), b=st.integers(1, LENGTH))
def test_any_swapped_or_moved_row_is_found(log, a, b):
    """Two rows that change places, or one that takes another's."""
    log.restore()
    if a == b:
        log.sql("UPDATE audit SET entity = 'other', seq = 3 WHERE entity = 'acme' AND seq = :a", a=a)
        assert log.verify("other").broken_at == 3
    else:
        for old, new in ((a, -1), (b, a), (-1, b)):
            log.sql("UPDATE audit SET seq = :new WHERE entity = 'acme' AND seq = :old", old=old, new=new)
    assert log.verify().broken_at == min(a, b)


@settings(deadline=None, max_examples=60)
@given(seq=st.sampled_from([-5, 0, LENGTH + 1, LENGTH + 2, 99]), like=st.integers(1, LENGTH))
def test_any_inserted_row_is_found(log, seq, like):
    """A copy of a row that we wrote, put anywhere."""
    log.restore()
    log.sql(
        "INSERT INTO audit SELECT entity, :seq, at, actor, act, data, previous, hash FROM audit "
        "WHERE entity = 'acme' AND seq = :like",
        seq=seq,
        like=like,
    )
    assert not log.verify().is_whole


def test_a_row_that_stands_twice_is_found(log):
    """Also where the table lost its key, and the second one stands on a batch's border."""
    log.sql("ALTER TABLE audit RENAME TO audit_kept")
    log.sql("CREATE TABLE audit AS SELECT * FROM audit_kept")
    for n in (4, 5):
        log.sql(f"INSERT INTO audit SELECT * FROM audit_kept WHERE entity = 'acme' AND seq = {n}")
        assert not log.verify().is_whole
        log.sql("DELETE FROM audit")
        log.sql("INSERT INTO audit SELECT * FROM audit_kept")
    log.sql("DROP TABLE audit")
    log.sql("ALTER TABLE audit_kept RENAME TO audit")
    assert log.all_whole()


@settings(deadline=None, max_examples=80)
@given(column=st.sampled_from(("seq", "hash", "seal")), place=st.integers(0, 100), bit=st.integers(0, 7))
def test_a_changed_seal_is_found(log, column, place, bit):
    """What says where the chain ends is sealed itself."""
    log.restore()
    kept = log.kept_heads[0]._mapping[column]
    value = kept ^ (1 << (place % 20)) if column == "seq" else flipped(kept.encode(), place, bit)
    cast = ":value" if column == "seq" else "CAST(:value AS TEXT)"
    log.sql(f"UPDATE audit_heads SET {column} = {cast} WHERE entity = 'acme'", value=value)
    assert not log.verify().is_whole


@pytest.mark.parametrize("value", ["'text'", "1.5", "x'00'", "''"])
@pytest.mark.parametrize("column", ["at", "data", "hash", "previous", "act"])
def test_values_of_other_kinds_are_found(log, column, value):
    """SQLite keeps anything in any column: none of it ends in an exception."""
    log.sql(f"UPDATE audit SET {column} = {value} WHERE entity = 'acme' AND seq = 5")
    assert log.verify().broken_at == 5


def test_a_chain_that_is_gone_as_a_whole_is_missed(log):
    """Its entity has bound or sent something, so there was one."""
    for table in ("audit", "audit_heads"):
        log.sql(f"DELETE FROM {table} WHERE entity = 'acme'")
    assert log.verify().is_whole
    now = datetime.datetime.now(datetime.UTC)
    values = dict.fromkeys([column.name for column in schema.bindings.columns], "x")
    values |= {"entity": "acme", "is_demo": False, "stopped": None, "bound_at": now, "verified_at": now}
    log.do(lambda conn: conn.execute(sa.insert(schema.bindings).values(values)))
    try:
        found = log.verify()
        assert (found.broken_at, log.all_whole()) == (1, False)
    finally:
        log.sql("DELETE FROM bindings")


@settings(deadline=None, max_examples=40)
@given(left=st.integers(0, LENGTH), then=st.integers(0, 3))
def test_a_database_put_back_is_noticed_by_a_head(log, left, then):
    """A whole earlier state verifies by itself; a head that was printed later than it is missed, an earlier one found."""
    log.restore()
    heads = [row.hash for row in log.kept[:LENGTH]]
    for table in ("audit", "audit_heads"):
        log.sql(f"DELETE FROM {table} WHERE entity = 'acme'")
    for n in range(left):
        row = log.kept[n]._mapping
        log.sql("INSERT INTO audit VALUES (:entity, :seq, :at, :actor, :act, :data, :previous, :hash)", **row)
    if left:
        seal = log.do(lambda conn: log.log.keys(conn).seal("acme", left, heads[left - 1]))
        log.sql(
            "INSERT INTO audit_heads VALUES ('acme', :seq, :hash, :seal)", seq=left, hash=heads[left - 1], seal=seal
        )
    for _ in range(then):
        log.do(lambda conn: log.log.append(conn, "acme", "later", {}))
    found = log.verify(heads=heads)
    assert (found.broken_at, found.length) == (None, left + then)
    assert set(found.missing_heads) == set(heads[left:])
    assert log.verify(heads=[one[:16] for one in heads[:left]] + [FIRST]).is_whole
