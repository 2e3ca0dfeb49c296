"""The engine's sandbox and workbench, and one with a planted person's history in it."""

import pytest

from tests.app.privacy import planted
from tests.posting.conftest import bench, sandbox

__all__ = ["bench", "sandbox"]


@pytest.fixture
def shop(bench):
    """A shop that posted to many and to the person, read it all back, and saw the person's contact change."""
    report = bench.run(planted.history())
    assert (report.posted, report.held, report.rejected) == (6, 0, 0)
    planted.synced(bench)
    tenant = bench.sandbox.tenant(1)
    (contact,) = [one for one in bench.sandbox.ledger(tenant)["Contacts"] if one.get("Name") == planted.NAME]
    bench.contact_id = contact["ContactID"]
    bench.sandbox.advance(5)
    bench.sandbox.edit(tenant, bench.contact_id, Name="Zelda Quixotl-Grueville")
    planted.synced(bench)
    return bench
