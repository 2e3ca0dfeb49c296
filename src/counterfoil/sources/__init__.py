"""Where rows come from. Today one source: JSON Lines files (`jsonl`).

Called by app.py and the commands. May import settings, model and errors; never a database, the network or what lies
above. A source gives rows one at a time and in order, and never stops at a bad one: it says what is wrong and goes on.
"""

import msgspec

from counterfoil.model.prepared import Finding


class Row(msgspec.Struct, frozen=True):
    """One good row. `source` is where it stands ("sales.jsonl:17"), `hash` the SHA-256 of its bytes in hex."""

    source: str
    raw: bytes
    hash: str


class BadRow(msgspec.Struct, frozen=True):
    """One row of which no record can be made. `content_hash` is SHA-256 in hex, of what was read of it if too long."""

    source: str
    content_hash: str
    finding: Finding
    external_id: str | None = None
