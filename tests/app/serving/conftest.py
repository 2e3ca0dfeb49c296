"""The engine's sandbox and an installation that is served in this process."""

import pytest

from tests.app.serving.office import Served
from tests.posting.conftest import sandbox

__all__ = ["sandbox"]


@pytest.fixture
def served(sandbox, tmp_path):
    """An installation on an empty sandbox."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Served(tmp_path, sandbox)
