"""The engine's sandbox and workbench, with a consent that covers everything that can be mirrored."""

import pytest

from counterfoil.mirror import described
from counterfoil.xero import scopes
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import Workbench

__all__ = ["bench", "sandbox", "wide"]


@pytest.fixture
def wide(bench: Workbench) -> Workbench:
    """A bench whose token opens every resource, to read and to write."""
    least = scopes.least(scopes.writes(name, "mirror") for name in described.NAMES)
    bench.token = bench.sandbox.connect(" ".join((*scopes.SIGN_IN, *least)))["access_token"]
    return bench
