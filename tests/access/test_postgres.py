"""The same on Postgres, where transactions really run side by side."""

import asyncio

import pytest

from counterfoil.store import bindings
from counterfoil.store.database import Database
from tests.access.conftest import Installation


@pytest.fixture
async def here(server, sandbox, tmp_path):
    made = Installation(tmp_path / "unused", sandbox)
    made.database = Database(server.get_uri(), made.clock)
    for part in (made.tokens, made.connections, made.bindings, made.consent):
        part._database = made.database
    async with made:
        yield made


async def test_side_by_side_on_postgres(here, sandbox):
    """Consents, listings, binds and refreshes at once: one grant, one binding, one whole chain, no driver's error."""
    first, second = await asyncio.gather(here.connect(), here.connect())
    assert first.grant_id == second.grant_id
    bound = await asyncio.gather(*(here.bindings.bind("acme", sandbox.tenant(1)) for _ in range(8)))
    assert {one.tenant_id for one in bound} == {sandbox.tenant(1)}
    both = (here.bindings.bind(entity, sandbox.tenant(2)) for entity in ("b", "c"))
    got = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in got) == ["Binding", "OrganisationTaken"]
    old = await here.tokens.access_token(first.grant_id)
    fresh = await asyncio.gather(*(here.tokens.access_token(first.grant_id, rejected=old) for _ in range(8)))
    assert (len(set(fresh)), old in fresh) == (1, False)
    chain = await here.database.read(lambda conn: here.audit.verify(conn, "acme"))
    assert (chain.broken_at, len(await here.database.read(bindings.everything))) == (None, 2)
