"""Rows become items ready to be decided: decoded, given their entity and its ledger, checked by the flow's kind.

Called by running and previewing. Reads reference data and catches the mirror up once per entity, when its first record
turns up. Memory holds one batch. Cost per entity: at most 5 calls for reference data, and 1 per 1,000 changed documents.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.flows import FlowKind
from counterfoil.mirror import reference
from counterfoil.model.binding import Binding
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.posting import kinds
from counterfoil.posting.planning import BATCH, Claim, Item
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow, Row, jsonl

# Findings about Xero's settings: what they miss may have been added since it was cached.
SETTINGS_FIELDS = ("account", "account_code", "tax", "tax_type", "tracking", "currency")
MARKED_FIELDS = SETTINGS_FIELDS  # problems with these are grouped by the value as well: each needs its own cure


class Blocked(msgspec.Struct, frozen=True):
    """Why records cannot be planned now: until "later" (run again) or until a "person" did something."""

    finding: Finding
    until: str
    error: errors.CounterfoilError | None = None


def _finding(error: errors.CounterfoilError, entity: str) -> Finding:
    """An error as every record of its entity gets it; each entity's is a problem of its own."""
    return Finding(f"{error.code}:{entity}", error.message, error.remedy or "Run again.", "entity", entity)


class Intake:
    """Reads one source for one flow."""

    def __init__(self, books: Any, flow: FlowSettings, kind: FlowKind, *, offline: bool = False) -> None:
        self._books = books
        self._flow = flow
        self._kind = kind
        self._offline = offline
        self._ledgers: dict[str, Ledger | Blocked] = {}
        self._refreshed: set[str] = set()
        self.bindings: dict[str, Binding] = {}
        self.bytes_read = 0

    @property
    def blocked(self) -> dict[str, errors.CounterfoilError]:
        """Entities whose records could not be planned, and why."""
        return {
            entity: b.error for entity, b in self._ledgers.items() if isinstance(b, Blocked) and b.error is not None
        }

    async def batches(self, source: Path) -> AsyncIterator[list[Item]]:
        """Items in the source's order, a batch at a time."""
        n = 0
        for rows in _chunks(jsonl.read(source, self._count)):
            yield [await self._item(n + index, row) for index, row in enumerate(rows)]
            n += len(rows)

    async def records(self, contents: Sequence[bytes]) -> list[Item]:
        """Items of records that a program hands over."""
        rows = [Row(f"records:{n}", raw, hashlib.sha256(raw).hexdigest()) for n, raw in enumerate(contents, 1)]
        return [await self._item(n, row) for n, row in enumerate(rows)]

    def _count(self, bytes_read: int) -> None:
        self.bytes_read = bytes_read

    async def _item(self, n: int, row: Row | BadRow) -> Item:
        if isinstance(row, BadRow):
            return Item(
                n, row.source, b"null", row.content_hash, row.content_hash, row.external_id, None, None, (row.finding,)
            )
        record = self._kind.decode(row.raw)
        if isinstance(record, tuple):
            external_id, entity = self._kind.identify(row.raw)
            entity = entity or self._flow.entity
            return self._refused(n, row, external_id, entity if await self._known(entity) else None, record)
        entity = self._kind.entity_of(record, self._flow, self._books.settings.entities)
        if isinstance(entity, Finding):
            return self._refused(n, row, record.external_id, None, (entity,))
        prepared = await self._prepare(record, entity)
        if isinstance(prepared, Blocked):
            return Item(
                n, row.source, row.raw, row.hash, row.hash, record.external_id, entity, None, (prepared.finding,),
                blocked=prepared.until,
            )  # fmt: skip
        if isinstance(prepared, tuple):
            bound = entity if entity in self.bindings else None
            refused = self._refused(n, row, record.external_id, bound, prepared)
            ledger = self._ledgers[entity]
            base = ledger.base_currency if isinstance(ledger, Ledger) else None
            claim = Claim(record.date, record.currency or base, record.expected_total)
            return msgspec.structs.replace(refused, record_hash=self._kind.record_hash(record), claim=claim)
        record_hash = self._kind.record_hash(record)
        return Item(n, row.source, row.raw, row.hash, record_hash, record.external_id, entity, prepared)

    def _refused(
        self, n: int, row: Row, external_id: str | None, entity: str | None, findings: tuple[Finding, ...]
    ) -> Item:
        one = together(findings)
        return Item(n, row.source, row.raw, row.hash, row.hash, external_id, entity, None, (one,))

    async def _known(self, entity: str | None) -> bool:
        """True when the entity of a broken record is one whose organisation we know."""
        if entity is None or entity not in self._books.settings.entities:
            return False
        return isinstance(await self._ledger(entity), Ledger)

    async def _prepare(self, record: Any, entity: str) -> Prepared | Blocked | tuple[Finding, ...]:
        ledger = await self._ledger(entity)
        if isinstance(ledger, Blocked):
            return ledger
        prepared = self._kind.prepare(record, ledger, self._flow)
        if isinstance(prepared, tuple) and entity not in self._refreshed and any(map(_of_settings, prepared)):
            self._refreshed.add(entity)
            self._ledgers[entity] = ledger = await self._read_ledger(entity, fresh=True)
            prepared = self._kind.prepare(record, ledger, self._flow)
        if isinstance(prepared, Prepared) and (found := self._not_live(prepared)) is not None:
            return Blocked(found, "person")
        result: Prepared | tuple[Finding, ...] = prepared
        return result

    def _not_live(self, prepared: Prepared) -> Finding | None:
        """The first AUTHORISED documents of a flow into a live organisation need a person's word (design §3.1)."""
        is_live = self._books.settings.xero.is_live
        if prepared.predicted.status != "AUTHORISED" or self._flow.live or not is_live:
            return None
        if self.bindings[prepared.entity].is_demo:
            return None
        return Finding(
            "not-live",
            f"AUTHORISED documents of flow {self._flow.table} do not yet go into a live organisation.",
            f"Look at some drafts in Xero first, then write live = true in [flows.{self._flow.table}].",
            "status",
            "AUTHORISED",
        )

    async def _ledger(self, entity: str) -> Ledger | Blocked:
        found = self._ledgers.get(entity)
        if found is None:
            try:
                client = await self._books.client(entity)
                if client.binding.stopped is not None:
                    raise errors.WrongLedger(
                        client.binding.stopped, remedy=f"See `counterfoil entities verify {entity}`."
                    )
                self.bindings[entity] = client.binding
                if not self._offline:
                    for resource in kinds.ORDER:
                        await self._books.catch_up_safely(client, resource)
                found = await self._read_ledger(entity, fresh=False)
            except (errors.Reconnect, errors.RunAgain) as error:
                found = Blocked(
                    _finding(error, entity), "later" if isinstance(error, errors.RunAgain) else "person", error
                )
            self._ledgers[entity] = found
        return found

    async def _read_ledger(self, entity: str, *, fresh: bool) -> Ledger:
        client = await self._books.client(entity)
        wire = await reference.load(
            client, self._books.database, fresh=fresh and not self._offline, offline=self._offline
        )
        if not wire["Organisation"]:
            raise errors.InputError(
                f"Nothing is known yet of {entity}'s organisation.",
                remedy="Leave --offline out once, so that it is read.",
            )
        await self._books.check_fingerprint(client.binding, wire["Organisation"][0])
        return Ledger.from_wire(
            wire["Organisation"][0],
            wire["Accounts"],
            wire["TaxRates"],
            wire["TrackingCategories"],
            wire["Currencies"],
            self._books.settings.entities[entity],
        )


def _of_settings(finding: Finding) -> bool:
    return finding.field.rsplit(".", 1)[-1].split("[")[0] in SETTINGS_FIELDS or "tracking" in finding.field


def together(findings: tuple[Finding, ...]) -> Finding:
    """All that is wrong with one record, as one finding under the first one's cause."""
    first = findings[0]
    cause = f"{first.cause}:{first.value}" if _of_settings(first) and first.value else first.cause
    remedies = list(dict.fromkeys(finding.remedy for finding in findings if finding.remedy))
    return Finding(
        cause, " ".join(finding.reason for finding in findings), " ".join(remedies), first.field, first.value
    )


def _chunks(rows: Iterator[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    chunk: list[Row | BadRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
