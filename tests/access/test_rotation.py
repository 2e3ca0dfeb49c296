"""The master key changes while others work, and at every instant a kill leaves something that goes on."""

import asyncio

import msgspec
import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access import key_file, rotation, sealing
from counterfoil.access.audit import AuditLog
from counterfoil.access.key_source import FileSource
from counterfoil.access.refresh import opened, sealed
from counterfoil.access.rotation import Rotation
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import audit as audit_rows
from counterfoil.store import grants, notices, schema, secrets
from counterfoil.store.database import Database
from counterfoil.store.grants import Grant
from counterfoil.xero.identity import TokenSet
from tests import warm
from tests.access.conftest import Keys

GRANTS = 120  # more than two batches
FIRST, SECOND, THIRD = (bytes([n]) * 32 for n in (1, 2, 3))


class Strongroom:
    """A database with grants and an audit chain, and a key source."""

    def __init__(self, url, source):
        self.clock = SystemClock()
        self.database = Database(url, self.clock)
        self.source = source
        self.points = []

    async def fill(self, count=GRANTS):
        """Open it, and put grants and an act into it."""
        await self.database.open()
        self.vault = Vault(self.source)
        self.audit = AuditLog(self.vault, "somebody@here", self.clock.now)
        await self.database.run(lambda conn: self._fill(conn, count))
        return self

    def _fill(self, conn, count):
        now = self.clock.now()
        for n in range(count):
            secret = sealed(self.vault, conn, f"g{n}", TokenSet(f"access-{n}", 1800, f"refresh-{n}"))
            grants.put(
                conn,
                Grant(
                    id=f"g{n}", client_id="app", xero_userid=f"u{n}", scopes="", generation=1, secret=secret, spare=secret,
                    spare_until=now, expires_at=now, refreshed_at=now, refresh_owner=None, refresh_until=None, lost=None,
                ),
            )  # fmt: skip
        self.audit.append(conn, "acme", "bound", {"tenant": "t"})

    async def rotate(self, source=None):
        """A rotation of its key."""
        return await Rotation(self.database, source or self.source, self.points.append).rotate(self.audit)

    async def read_by(self, *keys):
        """Everything that these keys alone open: grants, spares, the audit chain."""
        vault = Vault(Keys(*keys) if keys else self.source)
        rows = await self.database.read(lambda conn: list(conn.execute(sa.select(schema.grants))))
        said = {
            opened(vault, row.id, one).access_token
            for row in rows
            for one in (row.secret, row.spare)
            if one is not None
        }
        log = AuditLog(vault, "somebody@here", self.clock.now)
        return said, (await self.database.read(lambda conn: log.verify(conn, "acme"))).broken_at


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """An empty database on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/db"
        return
    engine = sa.create_engine(
        sa.make_url(request.getfixturevalue("server").get_uri()).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as conn:
        conn.execute(sa.text("DROP DATABASE IF EXISTS rotation WITH (FORCE)"))
        conn.execute(sa.text("CREATE DATABASE rotation"))
    yield engine.url.set(drivername="postgresql", database="rotation").render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(sa.text("DROP DATABASE IF EXISTS rotation WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "counterfoil.key"
    key_file.new(path)
    return path


@pytest.fixture
async def room(url, key):
    made = await Strongroom(url, FileSource(key)).fill()
    yield made
    await made.database.close()


@pytest.fixture
async def small(tmp_path):
    """A small one, with a source that is not ours to write."""
    made = await Strongroom(f"sqlite:///{tmp_path}/db", Keys(FIRST)).fill(3)
    yield made
    await made.database.close()


ALL = {f"access-{n}" for n in range(GRANTS)}


def held(path):
    """The keys of a file."""
    return [one.reveal() for one in key_file.read(path)]


async def test_rotate(room, key):
    """Everything opens with the new key alone, the old one is gone from the file, and the audit chain is whole."""
    (old,) = held(key)
    ended = await room.rotate()
    (new,) = held(key)
    assert (ended.step, ended.rewrapped, ended.unreadable, new != old) == ("done", 2 * GRANTS + 1, 0, True)
    assert await room.read_by(new) == (ALL, None)
    with pytest.raises(errors.MasterKeyError, match="another master key"):
        await room.read_by(old)
    assert (key.stat().st_mode & 0o777, list(key.parent.glob(".*.new"))) == (0o600, [])


async def test_workers_go_on(room, url):
    """While the key changes three times, other processes' vaults seal and open without an error, nothing is lost."""
    databases = [Database(url, SystemClock()) for _ in range(3)]
    done = asyncio.Event()
    rounds = []

    async def work(n, database):
        await database.open()
        vault = Vault(room.source)
        while not done.is_set():
            rounds.append(n)
            grant_id = f"g{(n * 40 + len(rounds)) % GRANTS}"
            await vault.ready(database)

            def again(conn, grant_id=grant_id):
                held = opened(vault, grant_id, grants.get(conn, grant_id).secret)
                renewed = sealed(vault, conn, grant_id, held)
                conn.execute(sa.update(schema.grants).where(schema.grants.c.id == grant_id).values(secret=renewed))

            await database.run(again)
        await database.close()

    async def rotate():
        for _ in range(3):
            before = len(rounds)
            await room.rotate()
            while len(rounds) < before + 20:  # noqa: ASYNC110 - the workers go on in turns with us
                await asyncio.sleep(0)
        done.set()

    await asyncio.gather(rotate(), *(work(n, database) for n, database in enumerate(databases)))
    assert await room.read_by(*held(room.source.path)) == (ALL, None)
    left = await room.database.read(secrets.counts)
    assert left == {room.source.load()[0].fingerprint.hex(): 2 * GRANTS + 1}


POINTS = [
    ("sqlite", "key file written beside", 1), ("sqlite", "both keys in the file", 1), ("sqlite", "the new key in force", 1),
    ("sqlite", "some wrapped anew", 1), ("sqlite", "some wrapped anew", 3), ("sqlite", "everything wrapped anew", 1),
    ("sqlite", "key file written beside", 2), ("postgres", "the new key in force", 1), ("postgres", "some wrapped anew", 3),
]  # fmt: skip


@pytest.mark.parametrize(("url", "point", "nth"), POINTS, indirect=["url"])
async def test_killed_at(room, url, key, point, nth):
    """kill -9 at each step: everything opens and seals, the log says what was done and no more, the next one ends it."""
    was = (await room.database.read(secrets.in_force)).hex()
    rotator = await asyncio.to_thread(
        warm.start, "-m", "tests.access.rotator", url, str(key), point, str(nth), cwd=warm.ROOT
    )
    assert await asyncio.to_thread(rotator.wait) == -9
    assert await room.read_by() == (ALL, None)
    force, counts = await room.database.read(lambda conn: (secrets.in_force(conn).hex(), secrets.counts(conn)))
    chain = await room.database.read(lambda conn: audit_rows.chain(conn, ""))
    told = [(one.act, msgspec.json.decode(one.data)) for one in chain]
    assert [data["key"] for act, data in told if act == "master key rotated"] == [force] * (force != was)
    anew = sum(data["entries"] for act, data in told if act == "entries sealed anew")
    assert anew == (counts.get(force, 0) if force != was else 0)
    await room.database.run(lambda conn: sealed(room.vault, conn, "g0", TokenSet("a", 1, "r")))  # as a worker of before
    await room.rotate()
    (only,) = held(key)
    assert (await room.read_by(only), list(key.parent.glob(".*.new"))) == ((ALL, None), [])


async def test_two_at_once(room, key):
    """The second is refused while the first is at it, and has changed nothing."""
    with key_file.locked(key):
        before = key.read_bytes()
        with pytest.raises(errors.MasterKeyError, match="just now"):
            await room.rotate()
        assert key.read_bytes() == before


async def test_a_key_of_another_machine(room, key, tmp_path):
    """Two machines with copies of the file rotate: the second notices that its key is no longer in force."""
    copy = tmp_path / "copy"
    copy.write_bytes(key.read_bytes())
    copy.chmod(0o600)
    await room.rotate()
    with pytest.raises(errors.MasterKeyError, match="Another master key is in force"):
        await room.rotate(FileSource(copy))
    assert len(held(copy)) == 1


async def test_by_hand(small):
    """A variable or a command: told what to give it, then wrapped anew, then told what to take out."""
    assert (await small.rotate()).step == "give"
    small.source.keys = Keys(SECOND, FIRST).keys
    ended = await small.rotate()
    assert (ended.step, ended.rewrapped) == ("drop", 7)
    assert (await small.rotate()).rewrapped == 0
    assert (await small.read_by(SECOND))[1] is None
    small.source.keys = Keys(SECOND).keys
    assert (await small.rotate()).step == "give"


async def test_a_worker_reads_its_source_once_more(small):
    """Who meets a key that is new to it reads the source again, once; if that does not help, it says so."""
    worker = Keys(FIRST)
    vault = Vault(worker)
    small.source.keys = Keys(SECOND, FIRST).keys
    await small.rotate()
    secret = (await small.database.read(lambda conn: grants.get(conn, "g0"))).secret
    with pytest.raises(errors.MasterKeyError, match="the test holds"):
        opened(vault, "g0", secret)
    assert worker.reads == 2
    with pytest.raises(errors.MasterKeyError):
        await vault.ready(small.database)
    worker.keys = Keys(SECOND).keys
    await vault.ready(small.database)
    assert opened(vault, "g0", secret).access_token == "access-0"


async def test_it_and_its_audit_entry_are_one(small, monkeypatch):
    """A new key is never in force without its entry, and no entry is there without the key; nor is an entry wrapped unsaid."""

    async def acts():
        return [one.act for one in await small.database.read(lambda conn: audit_rows.chain(conn, ""))]

    small.source.keys = Keys(SECOND, FIRST).keys
    append, before = small.audit.append, await small.database.read(secrets.counts)
    for act in ("master key rotated", "entries sealed anew"):

        def failing(conn, entity, said, data, act=act):
            append(conn, entity, said, data)
            if said == act:
                raise errors.StoreError("The disk is full.")

        monkeypatch.setattr(small.audit, "append", failing)
        with pytest.raises(errors.StoreError):
            await small.rotate()
        assert act not in await acts()
        assert await small.database.read(secrets.counts) == before
        force = await small.database.read(secrets.in_force)
        assert (force == Keys(FIRST).keys[0].fingerprint) is (act == "master key rotated")
    monkeypatch.setattr(small.audit, "append", append)
    await small.rotate()
    assert await acts() == ["master key rotated", "entries sealed anew"]


async def test_a_damaged_entry_does_not_stop_it(small):
    """What no key opens is counted and left; the rest is wrapped anew."""
    broken = bytearray((await small.database.read(lambda conn: grants.get(conn, "g1"))).secret)
    broken[-1] ^= 1
    change = sa.update(schema.grants).where(schema.grants.c.id == "g1").values(secret=bytes(broken))
    await small.database.run(lambda conn: conn.execute(change))
    small.source.keys = Keys(SECOND, FIRST).keys
    ended = await small.rotate()
    assert (ended.rewrapped, ended.unreadable) == (6, 1)


async def test_a_lost_key(small):
    """With another key: consents are lost and told, chains go on behind a mark; what comes after it is proved."""
    source = Keys(THIRD)
    vault = Vault(source)
    log = AuditLog(vault, "somebody@here", small.clock.now)
    with pytest.raises(errors.MasterKeyError, match="another master key"):
        await small.database.run(lambda conn: log.append(conn, "acme", "unbound", {}))
    ended = await Rotation(small.database, source, small.points.append).replace(vault, log)
    assert ended.grants == 3
    await small.database.run(lambda conn: log.append(conn, "acme", "bound", {}))
    chain = await small.database.read(lambda conn: log.verify(conn, "acme"))
    assert (chain.broken_at, chain.unproved, chain.length) == (None, 1, 3)
    lost = await small.database.read(lambda conn: grants.get(conn, "g2"))
    assert (lost.lost, lost.spare) == (rotation.GONE, None)
    told = await small.database.read(lambda conn: notices.standing(conn, "reconnect"))
    assert [one.subject for one in told] == ["g0", "g1", "g2"]
    change = sa.update(schema.audit).where(schema.audit.c.seq == 2).values(act="bound")
    await small.database.run(lambda conn: conn.execute(change))
    assert (await small.database.read(lambda conn: log.verify(conn, "acme"))).broken_at == 1


async def test_no_key_is_lost(small):
    """While the key in force is at hand, nothing is given up."""
    with pytest.raises(errors.MasterKeyError, match="at hand"):
        await Rotation(small.database, small.source, small.points.append).replace(small.vault, small.audit)


async def test_two_first_users_at_once(url):
    """Many processes make the audit root and put the first key in force at once: one of each, one whole chain."""
    source = Keys(FIRST)
    databases = [Database(url, SystemClock()) for _ in range(4)]
    for database in databases:
        await database.open()
    logs = [AuditLog(Vault(source), "a@b", database.clock.now) for database in databases]
    await asyncio.gather(
        *(database.run(lambda conn, log=log: log.append(conn, "acme", "bound", {})) for database, log in zip(databases, logs, strict=True))
    )  # fmt: skip
    chain = await databases[0].read(lambda conn: logs[0].verify(conn, "acme"))
    assert (chain.length, chain.broken_at) == (4, None)
    for database in databases:
        await database.close()


async def test_a_root_that_was_rolled_back(small):
    """A transaction that made a root and failed leaves none: the next one makes its own, and the chain is whole."""
    await small.database.run(lambda conn: conn.execute(sa.delete(schema.secrets)))
    await small.database.run(lambda conn: conn.execute(sa.delete(schema.audit)))
    await small.database.run(lambda conn: conn.execute(sa.delete(schema.audit_heads)))
    log = AuditLog(small.vault, "a@b", small.clock.now)

    def fails(conn):
        log.append(conn, "acme", "bound", {})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await small.database.run(fails)
    for _ in range(2):
        await small.database.run(lambda conn: log.append(conn, "acme", "bound", {}))
    assert (await small.database.read(lambda conn: log.verify(conn, "acme"))).broken_at is None


def test_every_sealed_column_is_wrapped_anew():
    """Whatever column of the schema is called a secret or a spare is known to the rotation."""
    named = {
        (table.name, column.name)
        for table in schema.tables.tables.values()
        for column in table.c
        if isinstance(column.type, sa.LargeBinary) and column.name in {"secret", "spare", "sealed"}
    }
    assert {(column.table.name, column.name) for column, _key, _first in secrets._SEALED.values()} == named
    assert (len(sealing.FORM) + 1, sealing.FINGERPRINT_BYTES) == (secrets.FINGERPRINT_AT, secrets.FINGERPRINT_BYTES)
