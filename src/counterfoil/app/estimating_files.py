"""Files, read as a stream and counted: what `estimate` needs to know of them. No connection, no database of the user's, no call.

Called by cli/estimate. Records are counted as they are; rows become records by a flow's mapping; rows without one are
taken for a document each. Rows that have to be gathered are spooled in a database of their own, deleted at the end. Memory
is bounded: a batch of records, and a bitmap of BITS for each entity, by which different customers are counted to about 0.1 %
(up to five million; Whang et al., linear counting).
"""

import contextlib
import datetime
import hashlib
import math
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from counterfoil import errors, flows, settings
from counterfoil.app import estimating
from counterfoil.app.estimating import Counted, Estimate
from counterfoil.app.mapped import MappedFlow
from counterfoil.flows import FlowKind
from counterfoil.model import sheet, tiers
from counterfoil.model.ports import Clock
from counterfoil.model.prepared import Finding
from counterfoil.model.records import SalesInvoice
from counterfoil.settings import FlowSettings, Settings
from counterfoil.sources import BadRow, jsonl, sniffing
from counterfoil.sources import rows as source_rows
from counterfoil.sources.files import refuse_pipe
from counterfoil.store.database import Database

BITS: Final = 1 << 20
ENTITIES_MAX: Final = 500  # entities told apart; what further ones have counts for the last
RECORD_KIND: Final = "sales_invoices"  # what records without a flow are
UNNAMED: Final = "(one organisation)"
OWNER: Final = "estimate"

EMPTY: Final = (
    "The organisations are taken for empty: what one has already is read once, 1 call and about 2.4 MB for each 1,000 "
    "contacts and invoices."
)
ANSWERS: Final = "The sizes of answers are those of the sandbox, uncompressed; whether answers to writes are charged for is not known."
ROWS: Final = (
    "{name}: no flow maps its rows, so each row is taken for a document of one line with a customer of its own."
)
MAPPED: Final = "{name}: its rows become records by flow {flow}."

Progress = Callable[[int], None]


class _Customers:
    """How many different names there were, about."""

    def __init__(self) -> None:
        self._bits = bytearray(BITS // 8)

    def add(self, name: str) -> None:
        place = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % BITS
        self._bits[place >> 3] |= 1 << (place & 7)

    @property
    def count(self) -> int:
        empty = BITS - int.from_bytes(self._bits).bit_count()
        return round(-BITS * math.log(empty / BITS)) if empty else BITS * 14


class _Tally:
    """The counts of all entities."""

    def __init__(self) -> None:
        self.by_entity: dict[str, tuple[Counted, _Customers]] = {}
        self.records = 0
        self.refused = 0

    def add(self, entity: str, record: SalesInvoice, flow: FlowSettings | None) -> None:
        """A good record."""
        counted, customers = self._of(entity)
        counted.documents += 1
        counted.lines += len(record.lines)
        counted.payments += len(record.payments)
        counted.approved += (record.status or (flow.status if flow else "DRAFT")) == "AUTHORISED"
        counted.own_numbers += flow is None or flow.number != "xero"
        customers.add(record.contact.external_id)

    def add_row(self, name: str) -> None:
        """A row that nothing is known of."""
        counted, customers = self._of(UNNAMED)
        counted.documents += 1
        counted.lines += 1
        counted.own_numbers += 1
        customers.add(name)

    def _of(self, entity: str) -> tuple[Counted, _Customers]:
        if entity not in self.by_entity and len(self.by_entity) >= ENTITIES_MAX:
            entity = next(reversed(self.by_entity))
        if entity not in self.by_entity:
            self.by_entity[entity] = Counted(entity), _Customers()
        return self.by_entity[entity]

    def counted(self) -> list[Counted]:
        """By entity."""
        for counted, customers in self.by_entity.values():
            counted.contacts = min(customers.count, counted.documents)
        return [self.by_entity[name][0] for name in sorted(self.by_entity)]


async def estimate(
    files: Sequence[Path], loaded: Settings | None, clock: Clock, *, flow: str | None = None, times: int = 1,
    progress: Progress = lambda _bytes: None,
) -> Estimate:  # fmt: skip
    """What the first run of these files costs. `loaded` None: there is no configuration; then records, or rows as they are.

    `flow`: the one whose mapping is used; None: the only one that fits a file. `progress` is told the bytes read of all
    files. Raises InputError as the sources do, ConfigurationError for a flow that there is not.
    """
    compiled = settings.compile_flows(loaded, flows.kinds()) if loaded else {}
    if flow is not None and flow not in compiled:
        raise errors.ConfigurationError(
            f"There is no flow {flow!r}.", remedy=f"There are: {', '.join(compiled) or 'none'}."
        )
    tally, notes, used, before = _Tally(), [EMPTY, ANSWERS], [], 0
    for path in files:
        refuse_pipe(path)
        chosen = compiled[flow] if flow is not None else _fitting(compiled, path)
        done = before

        def take(read: int, before: int = before) -> None:
            progress(before + read)

        note = await _count(tally, path, chosen, loaded, clock, take)
        notes += [note] if note else []
        used += [chosen] if chosen else []
        before = done + (jsonl.total_bytes(path) or 0)
    tier = tiers.BY_NAME[loaded.xero.tier if loaded else "core"]
    minute = loaded.xero.calls_per_minute if loaded else 60
    batch = loaded.posting.batch if loaded else 50
    with_credits = any(one.negative == "credit_note" or one.on_change == "reissue" for one in used)
    costs = [
        estimating.of_entity(
            one, batch=batch, calls_per_minute=minute, calls_per_day=tier.calls_per_day, credits=with_credits
        )
        for one in tally.counted()
    ]
    return estimating.of_all(
        costs, records=tally.records, refused=tally.refused, times=times, tier_now=tier, assumed=notes
    )


def _fitting(compiled: dict[str, FlowSettings], path: Path) -> FlowSettings | None:
    """The only flow whose mapping names columns that the file has; for records the only flow that takes some."""
    if _holds_records(path):
        found = [one for one in compiled.values() if one.map is None]
        return found[0] if len(found) == 1 else None
    found = []
    for one in compiled.values():
        if one.map is not None and one.source.is_tabular:
            with contextlib.suppress(errors.InputError, errors.ConfigurationError):
                MappedFlow(one, flows.kind(one.kind)).check_columns(path)
                found.append(one)
    return found[0] if len(found) == 1 else None


def _holds_records(path: Path) -> bool:
    """Whether the first good line is a record; of JSON Lines without one, too."""
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        return False
    first = next((row for row in jsonl.read(path) if not isinstance(row, BadRow)), None)
    return first is None or flows.kind(RECORD_KIND).identify(first.raw)[0] is not None


async def _count(
    tally: _Tally, path: Path, flow: FlowSettings | None, loaded: Settings | None, clock: Clock, progress: Progress
) -> str:
    """Count one file; → what was assumed for it."""
    kind = flows.kind(flow.kind if flow else RECORD_KIND)
    if flow is not None and flow.map is not None:
        async with contextlib.aclosing(_mapped(flow, kind, path, clock, progress)) as made:
            async for raw in made:
                _take(tally, kind, raw, flow, loaded)
        return MAPPED.format(name=path.name, flow=flow.table)
    if flow is not None or _holds_records(path):
        for row in jsonl.read(path, progress):
            _take(tally, kind, None if isinstance(row, BadRow) else row.raw, flow, loaded)
        return ""
    for one in source_rows(sniffing.sniff(path).settings, path, progress):
        tally.records += 1
        if isinstance(one, BadRow):
            tally.refused += 1
        else:
            tally.add_row(one.hash)
    return ROWS.format(name=path.name)


async def _mapped(
    flow: FlowSettings, kind: FlowKind, path: Path, clock: Clock, progress: Progress
) -> AsyncGenerator[bytes | None]:
    """The JSON of each record that rows make; None for one that cannot be made. Instants are days in UTC."""
    mapped = MappedFlow(flow, kind)

    async def zone(_entity: str) -> datetime.tzinfo:
        return datetime.UTC

    with tempfile.TemporaryDirectory(prefix="counterfoil-estimate-") as folder:
        database = Database(f"sqlite:///{folder}/spool.db", clock, alone=True)
        await database.open()
        try:
            async with contextlib.aclosing(mapped.rows(database, OWNER, path, progress, zone)) as rows:
                async for row in rows:
                    cells = None if isinstance(row, BadRow) else sheet.unpack(row.raw)
                    made = mapped.made(cells, datetime.UTC) if cells else ()
                    yield None if isinstance(made, tuple) else made.raw
        finally:
            await database.close()


def _take(tally: _Tally, kind: FlowKind, raw: bytes | None, flow: FlowSettings | None, loaded: Settings | None) -> None:
    """One record: counted for its entity, or refused."""
    tally.records += 1
    record: Any = None if raw is None else kind.decode(raw)
    if not isinstance(record, SalesInvoice):
        tally.refused += 1
        return
    entity: str | Finding = record.entity or UNNAMED
    if flow is not None and loaded is not None:
        entity = kind.entity_of(record, flow, loaded.entities)
    if isinstance(entity, Finding):
        tally.refused += 1
    else:
        tally.add(entity, record, flow)
