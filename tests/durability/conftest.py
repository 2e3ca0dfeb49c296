"""The engine's sandbox and workbench, also for tests with processes of their own."""

from tests.posting.conftest import bench, sandbox

__all__ = ["bench", "sandbox"]
