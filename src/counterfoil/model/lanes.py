"""The lanes: what goes first where work waits for a place, in a tenant's minute and in a process alike.

Called by xero/pacing and runtime. Design §3.4.
"""

from typing import Final, Literal

Lane = Literal["looking", "interactive", "realtime", "sync", "bulk"]
LANES: Final[tuple[Lane, ...]] = ("looking", "interactive", "realtime", "sync", "bulk")  # first come the first of these
