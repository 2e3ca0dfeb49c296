"""What a run called and drew is kept per day, organisation, flow, lane and resource, and is what Xero's own meter says."""

import datetime

import pytest

from counterfoil import errors, open_books
from counterfoil.app import usage
from counterfoil.store import schema
from counterfoil.xero import metering
from tests.posting.workbench import sale

EPOCH = datetime.date(1970, 1, 1)


async def used(bench):
    async with open_books(bench.config) as books:
        return await usage.usage(books, EPOCH)


async def test_ours_is_what_xeros_meter_says_to_the_byte(bench):
    """A run with new customers, payments to prove and a second run: reads and writes apart, the organisation free."""
    sales = [sale(n, contact={"external_id": f"c-{n}", "name": f"Person {n}"}) for n in range(60)]
    await bench.run_async(sales)
    await bench.run_async(sales)
    rows = [one for one in await used(bench) if one.is_egress]
    theirs = bench.sandbox.get("/_sandbox/usage")["apps"]
    (metered,) = [tenant for app in theirs for tenant in app["tenants"]]
    ours = (sum(one.calls for one in rows), sum(one.read_bytes for one in rows), sum(one.write_bytes for one in rows))
    assert ours == (metered["calls"], metered["read_bytes"], metered["write_bytes"])
    assert {(one.entity, one.flow) for one in rows} <= {(bench.entity, "shop"), (bench.entity, "")}
