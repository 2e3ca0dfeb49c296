"""What planning is asked and what it answers: records that were checked, the plan of one source, each record's fate.

Called by planning and whoever hands records to it or carries its decisions out. No logic but what a plan says of itself.
"""

import datetime
from decimal import Decimal

import msgspec

from counterfoil.model.binding import Binding
from counterfoil.model.fixes import Fixed
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.posting import erased
from counterfoil.posting.changing import Policy
from counterfoil.posting.deciding import Decision
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.store import credited, postings
from counterfoil.store.credited import Chain
from counterfoil.store.database import Connection

LIMIT_FIRST = "limit-first"  # the cause of what a first run holds back
BATCH = 300  # records per transaction: what it costs is shared by more, and others wait 20 ms for it at most


class Claim(msgspec.Struct, frozen=True):
    """What a record that did not pass its checks says of itself, so that what waits can be shown with its money."""

    date: datetime.date | None
    currency: str | None
    total: Decimal | None


class Item(msgspec.Struct, frozen=True):
    """One record of the source, checked: `prepared`, or the findings that say why not. `n` counts the source's records."""

    n: int
    source: str
    content: bytes  # the record as the source gave it
    content_hash: str
    record_hash: str
    external_id: str | None
    entity: str | None
    prepared: Prepared | None
    findings: tuple[Finding, ...] = ()
    claim: Claim | None = None
    blocked: str = (
        ""  # nothing can be said of it now: "later" (run again, or a consent is lost) or "person" (binding, going live)
    )
    fixed: tuple[Fixed, ...] = ()  # what stored corrections did to it
    mapped: bytes | None = None  # the record that rows became; None: `content` is the record
    parts: tuple[str, ...] = ()  # the sales of a day's document
    erased: bool = False  # its customer was erased: nothing of it is kept (posting/erased)


class Planned(msgspec.Struct, frozen=True):
    """An item and its fate."""

    item: Item
    decision: Decision
    contact: ContactDecision | None = None
    existing: postings.Posting | None = None
    twin: str | None = None  # the source of a record with the same external id and other content
    issue: int = 1  # counts the documents that were made for this record, one after the other
    chain: Chain = credited.NONE  # what credits its document


class Plan(msgspec.Struct):
    """What stays the same while a source is planned."""

    flow: str
    flow_id: str
    on_namesake: str
    bindings: dict[str, Binding]
    seen: dict[str, tuple[str, str]] = {}  # external id → (record hash, source), of this source alone
    adopted: dict[str, str] = {}  # document id → external id of the record that adopts it in this run
    room: int | None = None  # documents that may still be made in a flow's first run (`limit_first`); None: any number
    on_change: str = "hold"
    complete: bool = False
    remap: bool = False
    again: bool = False
    closed: dict[str, datetime.date] = {}  # entity → nothing up to this day of its books may move
    lock_date: str = "hold"
    credits: bool = False  # the flow may make credit notes, so the mirror has those of its organisations
    remapped: int = 0  # records left alone since only the mapping changed
    older: int = 0  # records left alone since a later version is posted
    keyed: erased.Keyed | None = None  # the keyed hash by which erased customers are recognised

    def policy(self, entity: str) -> Policy:
        """How changes are treated."""
        return Policy(self.on_change, self.complete, self.remap, self.again, self.closed.get(entity), self.lock_date)


class Writing(msgspec.Struct, frozen=True):
    """One transaction that writes a batch down."""

    connection: Connection
    plan: Plan
    run_id: int
    now: datetime.datetime
