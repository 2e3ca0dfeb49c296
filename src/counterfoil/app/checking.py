"""What the checks say of one record: rows mapped, fixes laid over it, its entity's ledger asked, the flow's kind heard.

Called by intake for each record, and by fixing and trying for one. Calls: as ledgers says.
"""

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil.app import standing_twice
from counterfoil.app.ledgers import Blocked, Ledgers
from counterfoil.flows import FlowKind
from counterfoil.model import fixes, shape, sheet, time_zones
from counterfoil.model.checks import unseen
from counterfoil.model.fixes import Fix, Fixed
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import FlowSettings
from counterfoil.store import fixes as stored_fixes

if TYPE_CHECKING:
    from counterfoil.app.mapped import MappedFlow

# Findings about Xero's settings: what they miss may have been added since it was cached.
SETTINGS_FIELDS = ("account", "account_code", "tax", "tax_type", "tracking", "currency")


class Checked(msgspec.Struct, frozen=True):
    """What the checks say of one record, stored fixes included: `prepared`, or the findings that say why not.

    `record` None: it could not be decoded. `entity` None: nobody knows whose it is. `fixed`: what fixes did to it.
    """

    record: Any
    entity: str | None
    prepared: "Prepared | Blocked | None"
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    of_cells: bool = False  # the findings are the mapping's: their fields are columns
    mapped: bytes | None = None  # the record's JSON where rows became it
    parts: tuple[str, ...] = ()  # the sales of a day's document

    @property
    def stopped_by(self) -> tuple[Finding, ...]:
        """All that a fix may speak for: why it is refused, or why it would be held."""
        if self.findings or not isinstance(self.prepared, Prepared):
            return self.findings
        stop = unseen.found(self.prepared, self.parts) or self.prepared.hold
        return (stop,) if stop is not None else ()


class Checking:
    """Checks the records of one flow against the ledgers that one source's records go into."""

    def __init__(self, books: Any, flow: FlowSettings, kind: FlowKind, ledgers: Ledgers) -> None:
        self._books = books
        self._flow = flow
        self._kind = kind
        self._is_guarded = books.settings.xero.is_live and not flow.live
        self._ledgers = ledgers
        self._mapped: MappedFlow | None = books.mapped.get(flow.table)
        self._fixes: list[Fix] | None = None
        self.approved: set[str] = set()  # entities that get AUTHORISED documents

    def identified(self, raw: bytes) -> tuple[str | None, str | None]:
        """(external_id, entity) of what is kept of a record, as far as they can be told."""
        rows = sheet.unpack(raw)
        if rows is None or self._mapped is None:
            found: tuple[str | None, str | None] = self._kind.identify(raw)
            return found
        return self._mapped.identify(rows)

    def made(self, raw: bytes) -> bytes | tuple[Finding, ...]:
        """The record's JSON of what is kept of it, without a ledger: instants are taken as UTC. Fixes are left out."""
        rows = sheet.unpack(raw)
        if rows is None or self._mapped is None:
            return raw
        found = self._mapped.made(rows, datetime.UTC)
        return found if isinstance(found, tuple) else found.raw

    def needs_a_zone(self, raw: bytes) -> bool:
        """Whether a day of the record hangs on the organisation's time zone."""
        rows = sheet.unpack(raw)
        if rows is None or self._mapped is None:
            return False
        found = self._mapped.made(rows, None)
        return isinstance(found, tuple) and any(finding.cause == time_zones.UNKNOWN for finding in found)

    async def knows(self, raw: bytes) -> bool:
        """Whether the organisation of a record was read before, so that it can be checked without asking."""
        entity = self.identified(raw)[1] or self._flow.entity
        if entity is None or entity not in self._books.settings.entities:
            return False
        return isinstance(await self._ledgers.of(entity), Ledger)

    async def check(
        self, raw: bytes, laid: Sequence[Fix] | None = None, *, rows: Sequence[SheetRow] | None = None
    ) -> Checked:
        """Check one record with fixes laid over it: those that are stored for its flow, or those of `laid` alone.

        `rows`: those that `raw` keeps, where they are at hand.
        A fix may let through what needs the next one, so this goes on until none speaks any more.
        """
        if self._fixes is None:
            self._fixes = await self._books.database.read(lambda conn: stored_fixes.current(conn, self._flow.id))
        left = list(self._fixes if laid is None else laid)
        if self._mapped is not None and (found := rows or sheet.unpack(raw)) is not None:
            return await self._check_rows(self._mapped, found, left)
        if not left:
            return await self._check_once(raw)
        checked, _raw = await self._check_json(raw, left)
        return checked

    async def _check_rows(self, mapped: "MappedFlow", rows: Sequence[SheetRow], left: list[Fix]) -> Checked:
        """Map rows, with the fixes of their cells, and check the record that they make."""
        entity = mapped.entity(rows)
        ledger = await self._ledgers.of(entity) if entity and entity in self._books.settings.entities else None
        if isinstance(ledger, Blocked):
            return Checked(None, entity, ledger)
        zone = self._ledgers.zone(ledger) if ledger else None
        notes: tuple[Fixed, ...] = ()
        made = mapped.made(rows, zone)
        for _round in range(fixes.ROUNDS_MAX):
            if not isinstance(made, tuple) or not left:
                break
            rows, new = fixes.apply_cells(rows, left, made, *mapped.identify(rows))
            if not new:
                break
            notes += new
            made = mapped.made(rows, zone)
        if isinstance(made, tuple):
            found = tuple(_zone_named(finding, ledger) for finding in made) if ledger else made
            return Checked(None, entity if ledger else None, None, found, notes, of_cells=True)
        checked, raw = await self._check_json(made.raw, left)
        explained = mapped.explained(checked.findings, made, lambda record: self._alone(record, ledger))
        fixed = notes + checked.fixed
        if notes:
            checked = _noted(checked, notes)
        whole = msgspec.structs.replace(checked, findings=explained, fixed=fixed, mapped=raw, parts=made.parts)
        return standing_twice.judged(whole, rows, made.repeated, self._kind.decode) if made.repeated else whole

    def _alone(self, record: Any, ledger: Ledger | None) -> Any:
        """One sale of a day, checked by itself."""
        return self._kind.prepare(record, ledger, self._flow) if ledger is not None else None

    async def _check_json(self, raw: bytes, left: list[Fix]) -> tuple[Checked, bytes]:
        """What the checks say, and the record with all that fixes did to it."""
        raw, notes = fixes.apply(raw, left)
        checked = await self._check_once(raw)
        for _round in range(fixes.ROUNDS_MAX):
            raw, new = fixes.apply(raw, left, checked.stopped_by, checked.entity) if left else (raw, ())
            if not new:
                break
            notes += new
            left = [fix for fix in left if fix.id not in {note.fix for note in new}]
            checked = await self._check_once(raw)
        return (_noted(checked, notes) if notes else checked), raw

    async def _check_once(self, raw: bytes) -> Checked:
        record = self._kind.decode(raw)
        if isinstance(record, tuple):
            entity = self._kind.identify(raw)[1] or self._flow.entity
            return Checked(None, entity if await self._known(entity) else None, None, record)
        entity = self._kind.entity_of(record, self._flow, self._books.settings.entities)
        if isinstance(entity, Finding):
            return Checked(record, None, None, (entity,))
        prepared = await self._prepare(record, entity)
        if isinstance(prepared, tuple):
            return Checked(record, entity, None, prepared)
        return Checked(record, entity, prepared)

    async def _known(self, entity: str | None) -> bool:
        """True when the entity of a broken record is one whose organisation we know."""
        if entity is None or entity not in self._books.settings.entities:
            return False
        return isinstance(await self._ledgers.of(entity), Ledger)

    async def _prepare(self, record: Any, entity: str) -> Prepared | Blocked | tuple[Finding, ...]:
        ledger = await self._ledgers.of(entity)
        if isinstance(ledger, Blocked):
            return ledger
        prepared = self._kind.prepare(record, ledger, self._flow)
        if isinstance(prepared, tuple) and self._ledgers.may_be_stale(entity) and any(map(_of_settings, prepared)):
            ledger = await self._ledgers.read_afresh(entity)
            if isinstance(ledger, Blocked):
                return ledger
            prepared = self._kind.prepare(record, ledger, self._flow)
        if isinstance(prepared, Prepared) and prepared.predicted.status == "AUTHORISED":
            if (found := self._not_live(prepared)) is not None:
                return Blocked(found, "person")
            self.approved.add(entity)
        result: Prepared | tuple[Finding, ...] = prepared
        return result

    def _not_live(self, prepared: Prepared) -> Finding | None:
        """The first AUTHORISED documents of a flow into a live organisation need a person's word (design §3.1)."""
        if not self._is_guarded or self._ledgers.bindings[prepared.entity].is_demo:
            return None
        return Finding(
            "not-live",
            f"AUTHORISED documents of flow {self._flow.table} do not yet go into a live organisation.",
            f"Look at some drafts in Xero first, then write live = true in [flows.{self._flow.table}].",
            "status",
            "AUTHORISED",
        )


def _noted(checked: Checked, notes: tuple[Fixed, ...]) -> Checked:
    """What fixes did stands among the notes that `plan` and `why` show."""
    prepared = checked.prepared
    if isinstance(prepared, Prepared):
        said = tuple(f"Fixed: {note.said}." for note in notes)
        predicted = msgspec.structs.replace(prepared.predicted, notes=(*said, *prepared.predicted.notes))
        prepared = msgspec.structs.replace(prepared, predicted=predicted)
    return msgspec.structs.replace(checked, prepared=prepared, fixed=notes)


def _zone_named(finding: Finding, ledger: Ledger) -> Finding:
    """Where an instant has no day although the organisation is known: what Xero calls its zone, and what to write."""
    if finding.cause != time_zones.UNKNOWN:
        return finding
    return msgspec.structs.replace(
        finding,
        reason=f"{finding.reason} Xero calls the time zone of {ledger.organisation} {shape.shown(ledger.timezone)}.",
        remedy=f'Write it into [entities.{ledger.entity}], such as timezone = "Europe/London".',
    )


def _of_settings(finding: Finding) -> bool:
    return finding.field.rsplit(".", 1)[-1].split("[")[0] in SETTINGS_FIELDS or "tracking" in finding.field


def together(findings: tuple[Finding, ...]) -> Finding:
    """All that is wrong with one record, as one finding under the first one's cause."""
    first = findings[0]
    by_value = _of_settings(first) or first.cause == "lookup-unknown"
    cause = f"{first.cause}:{first.value}" if by_value and first.value else first.cause
    remedies = list(dict.fromkeys(finding.remedy for finding in findings if finding.remedy))
    return Finding(
        cause, " ".join(finding.reason for finding in findings), " ".join(remedies), first.field, first.value
    )
