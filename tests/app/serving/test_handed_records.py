"""Records that a process took and could not plan any more: the service does, and posts them."""

import hashlib
import json

from counterfoil.store import handed
from tests.posting.workbench import sale

HOURLY = 'every = "1h"'


async def keep(books, *records, flow_id="shop"):
    """On disk, as a process that was killed the moment after its answer leaves them."""
    rows = []
    for n, record in enumerate(records):
        raw = json.dumps(record).encode()
        digest = hashlib.sha256(raw).hexdigest()
        rows.append({
            "request": f"r{n // 2}", "flow_id": flow_id, "actor": "api-key:till", "n": n, "source": f"http:{digest[:16]}",
            "content_hash": digest, "record": raw, "external_id": record["external_id"], "entity": record["entity"],
            "received_at": books.clock.now(),
        })  # fmt: skip
    await books.database.run(lambda conn: handed.add(conn, rows))


async def test_what_was_taken_and_not_planned_is_planned_and_posted(served):
    """Each once, though one came in two requests; what is of a flow that is gone waits."""
    served.configure(flow=HOURLY)
    served.sales()
    books = await served.books()
    await keep(books, sale(1), sale(2), sale(1), sale(3))
    await keep(books, sale(9), flow_id="gone")
    await books.close()
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers(1)) == 3)
        assert await at.read(handed.flows) == {"gone"}
    assert set(served.marks().values()) == {1}


async def test_what_xero_cannot_be_asked_about_is_tried_again_later(served):
    """It waits in the tables, not in calls, and is planned when Xero is back."""
    served.configure(flow=HOURLY)
    served.sales()
    books = await served.books()
    await keep(books, sale(1))
    await books.close()
    served.sandbox.fault("503", path="/api.xro", count=10_000)
    async with served.serving() as at:
        await at.until(lambda: served.said("records", bad=True))
        served.sandbox.clear_faults()
        served.clock.forward(minutes=6)
        await at.until(lambda: len(served.numbers(1)) == 1)
