"""The engine's sandbox and workbench."""

from tests.posting.conftest import bench, sandbox

__all__ = ["bench", "sandbox"]
