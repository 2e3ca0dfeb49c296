"""One change of a document, named by meaning: what is kept, and delivered to whoever asked for it.

Made by mirror/meaning, kept by store/happenings, carried out by delivery. Pure. Design §3.5.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `before` and `after` as model/observed has them; None: it was not there, or is gone.

    `fields`: the paths that differ, sorted; of a look that saw several things happen, each change has all of them.
    """

    id: str  # 40 hexadecimal characters: the same change has the same id, whoever sees it, also after a restore
    name: str  # "invoice.paid"
    tenant_id: str
    resource: str  # Xero's plural
    document_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    fields: tuple[str, ...]
    stamp: datetime.datetime | None  # Xero's; None where it gives none
    seen_at: datetime.datetime  # ours
    revision: int | None  # ours, field for field: the posting's revision; None: somebody else's doing
    snapshot: bool
    posting: int | None = (
        None  # ours, whose revision it is: the document's own, or the payment or credit that settles it
    )
    was: str = ""  # a digest of what the document said before it; "": it was not there
    state: str = ""  # the same of what it says after it; where both are equal, its id says which time it is
