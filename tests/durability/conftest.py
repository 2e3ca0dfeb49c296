"""The engine's sandbox and workbench, also for tests with processes of their own."""

from tests.durability.disks import disk
from tests.posting.conftest import bench, sandbox

__all__ = ["bench", "disk", "sandbox"]
