import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access import audit
from counterfoil.access.audit import FIRST, AuditLog
from counterfoil.access.vault import Vault
from counterfoil.store import audit as rows
from counterfoil.store import schema
from counterfoil.store.database import Database
from tests.access.conftest import Keys
from tests.xero.fakes import FakeClock


@pytest.fixture
async def log(tmp_path):
    clock = FakeClock()
    database = Database(f"sqlite:///{tmp_path}/db", clock)
    await database.open()
    made = AuditLog(Vault(Keys(bytes(32))), "somebody@here", clock.now)
    made.database = database
    for entity, act in (("acme", "bound"), ("", "consented"), ("acme", "stopped"), ("acme", "resumed")):
        await database.run(lambda conn, e=entity, a=act: made.append(conn, e, a, {"tenant": "t-1"}))
    yield made
    await database.close()


async def verify(log, entity="acme"):
    return await log.database.read(lambda conn: log.verify(conn, entity))


async def test_a_whole_chain(log):
    """Each entity has its own chain, in order, and its head stands for all of it."""
    chain = await verify(log)
    entries = await log.database.read(lambda conn: rows.chain(conn, "acme"))
    assert (chain.length, chain.broken_at, chain.head) == (3, None, entries[-1].hash)
    assert [(e.seq, e.act, e.actor) for e in entries] == [
        (1, "bound", "somebody@here"),
        (2, "stopped", "somebody@here"),
        (3, "resumed", "somebody@here"),
    ]
    assert (await verify(log, "")).length == 1
    assert await log.database.read(rows.entities) == ["", "acme"]


async def test_an_empty_chain(log):
    """An entity without acts verifies."""
    assert await verify(log, "nobody") == audit.Chain("nobody", 0, FIRST, None)


CHANGES = {
    "act": {"act": "unbound"},
    "actor": {"actor": "another@here"},
    "data": {"data": b'{"tenant":"t-2"}'},
    "previous": {"previous": "1" * 64},
    "hash": {"hash": "1" * 64},
}


@pytest.mark.parametrize("values", CHANGES.values(), ids=CHANGES)
async def test_a_changed_entry_is_found(log, values):
    """Whatever of an entry is changed, verifying names it."""
    where = (schema.audit.c.entity == "acme") & (schema.audit.c.seq == 2)
    await log.database.run(lambda conn: conn.execute(sa.update(schema.audit).where(where).values(values)))
    assert (await verify(log)).broken_at == 2


async def test_a_removed_entry_is_found(log):
    """A gap breaks the chain, and so does a cut end: the chain's own seal says how long it was."""
    where = (schema.audit.c.entity == "acme") & (schema.audit.c.seq == 3)
    await log.database.run(lambda conn: conn.execute(sa.delete(schema.audit).where(where)))
    cut = await verify(log)
    assert (cut.broken_at, cut.why) == (3, "Its last entry is missing.")
    where = (schema.audit.c.entity == "acme") & (schema.audit.c.seq == 1)
    await log.database.run(lambda conn: conn.execute(sa.delete(schema.audit).where(where)))
    assert (await verify(log)).broken_at == 1


async def test_only_the_key_makes_chains(log):
    """Whoever has the database but not the key cannot put a root of their own in place of the chain's."""
    other = AuditLog(Vault(Keys(bytes([1]) * 32)), "somebody@here", log.database.clock.now)
    with pytest.raises(errors.MasterKeyError, match="another master key"):
        await log.database.read(lambda conn: other.verify(conn, "acme"))
    await log.database.run(lambda conn: conn.execute(sa.delete(schema.secrets)))
    assert (await verify(log)).broken_at == 1
    await log.database.run(lambda conn: log.append(conn, "acme", "bound", {}))  # with a root made anew
    assert (await verify(log)).broken_at == 1


async def test_what_was_cut_off_is_missed_for_ever(log):
    """Who takes entries off the end and lets the product go on has not hidden it: the next entry says so first."""
    for table in (schema.audit, schema.audit_heads):
        where = (table.c.entity == "acme") & (table.c.seq == 3)
        await log.database.run(lambda conn, t=table, w=where: conn.execute(sa.delete(t).where(w)))
    await log.database.run(lambda conn: log.append(conn, "acme", "bound", {}))
    entries = await log.database.read(lambda conn: rows.chain(conn, "acme"))
    assert [(one.seq, one.act) for one in entries] == [
        (1, "bound"),
        (2, "stopped"),
        (3, "chain broken"),
        (4, "bound"),
    ]
    found = await verify(log)
    assert (found.broken_at, found.is_whole) == (3, False)


async def test_several_chains_in_one_transaction(log):
    """They are written by entity, so that two transactions never wait for each other's."""
    acts = [("b", "x", {}), ("", "y", {}), ("a", "z", {})]
    await log.database.run(lambda conn: log.append_all(conn, acts))
    heads = await log.database.read(rows.heads)
    assert [(one.entity, one.seq) for one in heads] == [("", 2), ("a", 1), ("acme", 3), ("b", 1)]


def test_many_ids_are_counted_and_cut():
    """An entry never grows with its act."""
    assert audit.some(range(1000)) == {"count": 1000, "ids": list(range(audit.IDS_MAX))}


async def test_names_are_hashed(log):
    """A name becomes the same meaningless text each time."""
    first, again = await log.database.run(lambda conn: [log.keyed_hash(conn, "Ngaio") for _ in range(2)])
    assert (first, "Ngaio" in first) == (again, False)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_heads SET hash = CAST(x'ff' AS TEXT) WHERE entity = 'acme'",
        "UPDATE audit_heads SET hash = x'ff' WHERE entity = 'acme'",
        "UPDATE audit_heads SET seq = 'x' WHERE entity = 'acme'",
        "UPDATE audit_heads SET seq = 9223372036854775807 WHERE entity = 'acme'",
        "UPDATE audit SET seq = 'x' WHERE entity = 'acme' AND seq = 3",
        "UPDATE audit SET seq = 9223372036854775807 WHERE entity = 'acme' AND seq = 3",
    ],
)
async def test_whatever_the_end_was_made_into_the_log_goes_on(log, change):
    """Nobody can stop us from acting by writing nonsense there: the next act is added, and the break stays seen."""
    await log.database.run(lambda conn: conn.execute(sa.text(change)))
    for act in ("bound", "unbound"):
        await log.database.run(lambda conn, a=act: log.append(conn, "acme", a, {}))
    assert (await verify(log)).is_whole is False
    written = await log.database.read(
        lambda conn: list(conn.execute(sa.select(schema.audit.c.act).where(schema.audit.c.entity == "acme")).scalars())
    )
    assert {"bound", "unbound", "chain broken"} <= set(written)
