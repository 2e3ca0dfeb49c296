"""The service keeps the copy of each ledger up: a first load, then what is due, and nothing of what nobody asked for."""

from typing import Any

from counterfoil.store import mirrored
from tests.posting.workbench import sale

CHOSEN = 'every = "1h"\n[mirror]\nresources = ["Contacts", "Items"]'


def reads(served: Any, resource: str) -> int:
    """How often the first organisation's list was asked for."""
    path, tenant = f"/api.xro/2.0/{resource}", served.sandbox.tenant(1)
    found = [one for one in served.sandbox.requests() if (one["method"], one["tenant"]) == ("GET", tenant)]
    return len([one for one in found if one["path"].startswith(path)])


async def test_what_is_chosen_is_loaded_and_then_kept_up(served):
    """Nobody said sync; after a quarter of an hour what a person did is held, by one call of each resource."""
    served.configure(flow=CHOSEN)
    tenant = served.sandbox.tenant(1)

    def count(name):
        async def counted():
            return await at.read(lambda conn: mirrored.count(conn, tenant, name))

        return counted

    served.sandbox.make(tenant, "Contacts", {"Name": "First"})
    async with served.serving() as at:
        await at.until(lambda: reads(served, "Contacts") == 1 and reads(served, "Items") == 1)

        async def loaded():
            readings = await at.read(mirrored.readings)
            return len([one for one in readings if one.caught_up_at]) == 6  # of three entities

        await at.until(loaded)
        held = await count("Contacts")()
        served.sandbox.make(tenant, "Contacts", {"Name": "Second"})
        served.clock.forward(minutes=16)

        async def there():
            return await count("Contacts")() == held + 1

        await at.until(there)
        await at.until(lambda: reads(served, "Items") == 2)
        assert reads(served, "Contacts") == 2


async def test_who_only_posts_pays_for_no_copy(served):
    """Without [mirror] and without a sync: nothing but what posting reads."""
    served.configure(flow='every = "1h"')
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers(1)) == 1)
        served.clock.forward(minutes=30)
        await at.until(lambda: served.said("postings") or served.said("flow"))
    assert reads(served, "Items") == 0


async def test_what_a_feed_is_about_is_kept_up_though_nobody_synced(served):
    """It said "ok, 0 handed over" for ever: nobody had read what its changes would be told from."""
    served.configure(
        flow='every = "1h"\n[feeds.customers]\non = ["contact.*"]\nentities = ["acme-uk"]\nto = { jsonl = "customers.jsonl" }\n'
    )
    async with served.serving() as at:
        await at.until(lambda: reads(served, "Contacts") == 1)

        async def known():
            return [one for one in await at.read(mirrored.readings) if one.caught_up_at]

        await at.until(known)
        found = {(one.tenant_id, one.resource) for one in await known()}
        assert found == {(served.sandbox.tenant(1), "Contacts")}  # of one company, and nothing else


async def test_a_module_of_handlers_may_ask_for_anything(served, monkeypatch):
    """It is not imported to find out."""
    (served.folder / "handlers_of_anything.py").write_text(
        "from counterfoil import on\n@on('item.created')\ndef made(change):\n    del change\n"
    )
    monkeypatch.syspath_prepend(str(served.folder))
    served.configure(flow='every = "1h"\n[handlers]\nmodule = "handlers_of_anything"\n')
    async with served.serving() as at:
        await at.until(lambda: reads(served, "Contacts") == 1 and reads(served, "Items") == 1)
