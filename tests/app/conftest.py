"""The engine's sandbox and workbench, and one whose flow maps rows."""

import pytest

from tests.app.till import Till
from tests.posting.conftest import bench, sandbox

__all__ = ["bench", "sandbox"]


@pytest.fixture
def till(sandbox, tmp_path):
    """A mapped flow on an empty sandbox."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Till(tmp_path, sandbox)
