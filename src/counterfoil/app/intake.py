"""Rows become items ready to be decided: decoded, given their entity and its ledger, checked by the flow's kind.

Called by running, previewing, trying, fixing, handing and matching_contacts. What the checks say: checking. Memory holds one batch. Calls: as ledgers says.
"""

import contextlib
import datetime
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil import errors
from counterfoil.app import at_once, claims
from counterfoil.app.checking import Checked, Checking, together
from counterfoil.app.ledgers import Blocked, Ledgers
from counterfoil.flows import FlowKind
from counterfoil.model import sheet
from counterfoil.model.binding import Binding
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding
from counterfoil.posting import nothing_new
from counterfoil.posting.plans import BATCH, Claim, Item, Plan
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow, Row, jsonl
from counterfoil.store import runs
from counterfoil.store.problems import DAY_UNKNOWN

if TYPE_CHECKING:
    from counterfoil.app.mapped import MappedFlow


class Intake:
    """Reads one source for one flow."""

    def __init__(
        self, books: Any, flow: FlowSettings, kind: FlowKind, *, offline: bool = False, trying: bool = False,
        late: bool = False,
    ) -> None:  # fmt: skip
        """`offline`: no call is made. `trying`: nor is it an error that nothing is known of an organisation yet.

        `late`: Xero is asked about an entity only when a record of it is not one that was posted as it is.
        """
        self._books = books
        self._flow = flow
        self._kind = kind
        self._credits = flow.negative == "credit_note" or flow.on_change == "reissue"
        self._ledgers = Ledgers(books, flow, offline=offline, trying=trying, credits=self._credits, late=late)
        self._mapped: MappedFlow | None = books.mapped.get(flow.table)
        self.checking = Checking(books, flow, kind, self._ledgers)
        self.bytes_read = 0

    @property
    def bindings(self) -> dict[str, Binding]:
        """The entities that turned up, with their organisations."""
        return self._ledgers.bindings

    @property
    def blocked(self) -> dict[str, errors.CounterfoilError]:
        """Entities whose records could not be planned, and why."""
        return self._ledgers.blocked

    @property
    def notices(self) -> dict[str, tuple[str, ...]]:
        """What to know of each entity that gets AUTHORISED documents."""
        return self._ledgers.notices

    async def batches(self, source: Path, first: int = 0) -> AsyncGenerator[list[Item]]:
        """Items in the source's order, a batch at a time, from number `first` on; before it empty ones. To be closed (spooled rows)."""
        n = 0
        async with contextlib.aclosing(self.read(source)) as records:
            async for rows in _chunks(records):
                passed = min(max(0, first - n), len(rows))
                yield await self.rows(rows[passed:], n + passed) if passed < len(rows) else []
                n += len(rows)

    async def read(self, source: Path) -> AsyncGenerator[Row | BadRow]:
        """The records of a source that holds them, or the rows that a mapping makes them of. To be closed, as `batches`."""
        if self._mapped is None:
            for row in jsonl.read(source, self._count):
                yield row
            return
        books = self._books
        rows = self._mapped.rows(books.database, books.owner, source, self._count, self._zone)
        async with contextlib.aclosing(rows):
            async for made in rows:
                yield made

    async def _zone(self, entity: str) -> datetime.tzinfo | None:
        """The time zone of an entity's organisation; UTC while it cannot be asked, None when nothing is known of it."""
        if entity not in self._books.settings.entities:
            return None
        ledger = await self._ledgers.of(entity)
        if isinstance(ledger, Blocked):
            return datetime.UTC
        return self._ledgers.zone(ledger)

    async def records(self, contents: Sequence[bytes]) -> list[Item]:
        """Items of records that a program hands over."""
        return await self.rows(
            [Row(f"records:{n}", raw, hashlib.sha256(raw).hexdigest()) for n, raw in enumerate(contents, 1)]
        )

    async def rows(self, rows: Sequence[Row | BadRow], first: int = 0) -> list[Item]:
        """Items of rows that are at hand; the first is the source's record number `first`.

        Organisations that they need are asked at the same time, before the first record is checked.
        """
        await self._ledgers.of_all(self._entities(rows))
        items = [await self._item(first + index, row) for index, row in enumerate(rows)]
        if tenants := dict(self._ledgers.unasked):
            known = nothing_new.entities_to_ask
            to_ask = await self._books.database.read(lambda conn: known(conn, self._flow.id, items, tenants))
            await self._ledgers.ask(sorted(to_ask))
            pairs = zip(items, rows, strict=True)
            items = [await self._item(one.n, row) if one.entity in to_ask else one for one, row in pairs]
        await at_once.each(sorted(self.checking.approved), self._ledgers.notice)
        return items

    def _entities(self, rows: Sequence[Row | BadRow]) -> list[str]:
        """The organisations that rows name, in their order: those of the configuration, where there are several."""
        entities = self._books.settings.entities
        if self._flow.entity is not None or len(entities) == 1:
            return []  # there is one, and the first record asks for it
        named = (self.checking.identified(row.raw)[1] for row in rows if isinstance(row, Row))
        return [entity for entity in dict.fromkeys(named) if entity is not None and entity in entities]

    async def plan(self, *, remap: bool = False, again: bool = False) -> Plan:
        """A plan for this source: nothing decided yet, and how the flow treats changes and its first run.

        `remap`: what only the mapping changed is applied. `again`: what was undone is posted anew.
        """
        flow = self._flow
        room = None
        if flow.limit_first is not None:
            made, on_their_way = await self._books.database.read(lambda conn: runs.made_and_open(conn, flow.id))
            room = None if made else flow.limit_first - on_their_way
        return Plan(
            flow.table, flow.id, flow.on_namesake, self.bindings, room=room, on_change=flow.on_change,
            complete=flow.complete, remap=remap, again=again, closed=self._ledgers.closed, lock_date=flow.lock_date,
            credits=self._credits, keyed=self._books.access.audit.keyed_hash,
        )  # fmt: skip

    def _count(self, bytes_read: int) -> None:
        self.bytes_read = bytes_read

    async def _item(self, n: int, row: Row | BadRow) -> Item:
        if isinstance(row, BadRow):
            kept = sheet.pack_part(row.rows) if row.rows else b"null"
            blocked = "person" if row.finding.cause == DAY_UNKNOWN else ""
            return Item(
                n, row.source, kept, row.content_hash, row.content_hash, row.external_id, None, None, (row.finding,),
                blocked=blocked,
            )  # fmt: skip
        checked = await self.checking.check(row.raw, rows=getattr(row, "rows", None))
        item = self._judged(n, row, checked)
        if checked.fixed or checked.mapped is not None:
            return msgspec.structs.replace(item, fixed=checked.fixed, mapped=checked.mapped, parts=checked.parts)
        return item

    def _judged(self, n: int, row: Row, checked: Checked) -> Item:
        record, entity, prepared = checked.record, checked.entity, checked.prepared
        if isinstance(prepared, Blocked):
            external_id = record.external_id if record is not None else self.checking.identified(row.raw)[0]
            return Item(
                n, row.source, row.raw, row.hash, row.hash, external_id, entity, None, (prepared.finding,),
                blocked=prepared.until,
            )  # fmt: skip
        if record is None:
            refused = self._refused(n, row, self.checking.identified(row.raw)[0], entity, checked.findings)
            return msgspec.structs.replace(refused, claim=claims.of(row.raw, self._mapped, self._base(entity)))
        record_hash = self._kind.record_hash(record)
        if entity is None:
            return self._refused(n, row, record.external_id, None, checked.findings)
        if prepared is None:
            bound = entity if entity in self.bindings else None
            refused = self._refused(n, row, record.external_id, bound, checked.findings)
            claim = Claim(record.date, record.currency or self._base(entity), record.expected_total)
            return msgspec.structs.replace(refused, record_hash=record_hash, claim=claim)
        return Item(n, row.source, row.raw, row.hash, record_hash, record.external_id, entity, prepared)

    def _base(self, entity: str | None) -> str | None:
        """The currency of an entity's books, as far as they were read."""
        ledger = self._ledgers.known(entity) if entity is not None else None
        return ledger.base_currency if isinstance(ledger, Ledger) else None

    def _refused(
        self, n: int, row: Row, external_id: str | None, entity: str | None, findings: tuple[Finding, ...]
    ) -> Item:
        one = together(findings)
        return Item(n, row.source, row.raw, row.hash, row.hash, external_id, entity, None, (one,))


async def _chunks(rows: AsyncIterator[Row | BadRow]) -> AsyncIterator[list[Row | BadRow]]:
    chunk: list[Row | BadRow] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
