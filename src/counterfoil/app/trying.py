"""`flow test`: rows → record → the lines that Xero would have, without a connection; and what golden files say of it.

Called by cli/flow and the library. Makes no call: it uses what was read of the organisation last, or a ledger on paper.
A golden file holds rows and what became of them when a person accepted it; later the same rows must become the same.
"""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors, flows
from counterfoil.app.intake import Intake
from counterfoil.model import paper, sheet
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow

GOLDEN_MAX: Final = 200  # records that a golden file keeps
GOLDEN_BYTES_MAX: Final = 1 << 26
FORM: Final = 1


class Tried(msgspec.Struct, frozen=True):
    """One record tried. `raw` is what is kept of it; `rows` its cells, none when the source holds records.

    `record` is its JSON as plain values, None when none could be made; `predicted` what Xero would store, None when it is
    refused, and `findings` say why. `assumed`: what is not known of the organisation yet.
    """

    source: str
    external_id: str | None
    raw: bytes
    rows: tuple[dict[str, str], ...]
    record: Any = None
    predicted: Any = None
    findings: tuple[Finding, ...] = ()
    assumed: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """One record of a golden file: what came in, and what it became."""

    source: str
    raw: str
    outcome: dict[str, Any]


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A golden file."""

    form: int
    flow: str
    records: tuple[Kept, ...]


class Difference(msgspec.Struct, frozen=True):
    """One field of one record that would differ now."""

    source: str
    external_id: str | None
    field: str
    then: str
    now: str


class Trier:
    """Tries records of one flow."""

    def __init__(self, books: Any, flow: FlowSettings) -> None:
        self._books = books
        self._flow = flow
        self._kind = flows.kind(flow.kind)
        self._intake = Intake(books, flow, self._kind, trying=True)

    async def records(self, path: Path) -> AsyncGenerator[Tried]:
        """The records of a file, in its order, each tried. Raises InputError as the source does."""
        async with contextlib.aclosing(self._intake.read(path)) as rows:
            async for row in rows:
                if isinstance(row, BadRow):
                    yield Tried(row.source, row.external_id, b"", (), findings=(row.finding,))
                else:
                    yield await self.one(row.source, row.raw)

    async def one(self, source: str, raw: bytes) -> Tried:
        """What becomes of one record, from what is kept of it."""
        rows = sheet.unpack(raw)
        cells = () if rows is None else tuple(row.cells for row in rows)
        blank = Tried(source, self._intake.checking.identified(raw)[0], raw, cells)
        if not await self._intake.checking.knows(raw):
            return self._on_paper(blank)
        checked = await self._intake.checking.check(raw)
        record = None if checked.record is None else _plain(checked.record)
        if not isinstance(checked.prepared, Prepared):
            return _with(blank, record=record, findings=checked.findings)
        held = checked.stopped_by
        return _with(blank, record=record, predicted=_plain(checked.prepared.predicted), findings=held)

    def _on_paper(self, blank: Tried) -> Tried:
        """The same while nothing is known of the organisation: by what the record itself names."""
        entity = self._intake.checking.identified(blank.raw)[1]
        made = self._intake.checking.made(blank.raw)
        record = made if isinstance(made, tuple) else self._kind.decode(made)
        if isinstance(record, tuple):
            return _with(blank, findings=record)
        entities = self._books.settings.entities
        settings = entities.get(entity or self._flow.entity)
        if settings is None:
            return _with(blank, record=_plain(record), findings=(self._kind.entity_of(record, self._flow, entities),))
        ledger, assumed, knows_rates = paper.ledger(record, settings)
        if self._intake.checking.needs_a_zone(blank.raw):
            assumed = (*assumed, "The organisation's time zone is not known yet: instants are read as days in UTC.")
        unchecked = record if knows_rates else msgspec.structs.replace(record, expected_total=None)
        prepared: Prepared | tuple[Finding, ...] = self._kind.prepare(unchecked, ledger, self._flow)
        if isinstance(prepared, tuple):
            return _with(blank, record=_plain(record), findings=prepared, assumed=assumed)
        return _with(blank, record=_plain(record), predicted=_plain(prepared.predicted), assumed=assumed)


_with = msgspec.structs.replace


def _plain(value: Any) -> Any:
    """As it comes out of a golden file: lists, and amounts as text."""
    return _listed(msgspec.to_builtins(value, str_keys=True))


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(one) for name, one in value.items()}
    return [_listed(one) for one in value] if isinstance(value, list | tuple) else value


def outcome(tried: Tried) -> dict[str, Any]:
    """What a golden file keeps of a tried record: the record, its lines in Xero, the reasons of its refusal.

    Lines that were only assumed are left out: that they differ once the organisation is known would say nothing.
    """
    kept: dict[str, Any] = {}
    if tried.record is not None:
        kept["record"] = tried.record
    if tried.predicted is not None and not tried.assumed:
        kept["predicted"] = tried.predicted
    if tried.predicted is None:
        kept["refused"] = [f"{one.cause}: {one.reason}" for one in tried.findings]
    return kept


def golden_path(books: Any, flow: FlowSettings) -> Path:
    """Where a flow's golden file is: golden/NAME.json beside the configuration."""
    folder: Path = books.settings.path.parent / "golden"
    return folder / f"{flow.table}.json"


def keep(path: Path, flow: FlowSettings, tried: list[Tried]) -> None:
    """Write a golden file, whole or not at all. Raises InputError."""
    kept = tuple(Kept(one.source, one.raw.decode(), outcome(one)) for one in tried[:GOLDEN_MAX] if one.raw)
    body = msgspec.json.format(msgspec.json.encode(Golden(FORM, flow.table, kept)), indent=1) + b"\n"
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(exist_ok=True)
        beside.write_bytes(body)
        beside.replace(path)
    except OSError as cause:
        raise errors.InputError(f"{path} cannot be written: {cause.strerror}.") from cause


def kept(path: Path) -> Golden | None:
    """A golden file; None when there is none. Raises InputError when it is broken."""
    try:
        if path.stat().st_size > GOLDEN_BYTES_MAX:
            raise errors.InputError(f"{path} is too large to be a golden file.")
        found = msgspec.json.decode(path.read_bytes(), type=Golden)
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise errors.InputError(f"{path} cannot be read: {cause.strerror}.") from cause
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        remedy = "Restore it from version control, or delete it and accept anew."
        raise errors.InputError(f"{path} is no golden file: {cause}.", remedy=remedy) from None
    if found.form != FORM:
        raise errors.InputError(f"{path} has form {found.form}; this version reads {FORM}.", remedy="Accept anew.")
    return found


async def differences(trier: Trier, golden: Golden) -> list[Difference]:
    """What the kept rows become now that they did not become then, field by field."""
    found = []
    for one in golden.records:
        tried = await trier.one(one.source, one.raw.encode())
        then, now = map(_flat, _comparable(one.outcome, outcome(tried)))
        fields = [*then, *(name for name in now if name not in then)]
        found += [
            Difference(one.source, tried.external_id, name, then.get(name, "nothing"), now.get(name, "nothing"))
            for name in fields
            if then.get(name) != now.get(name)
        ]
    return found


def _comparable(was: dict[str, Any], becomes: dict[str, Any]) -> list[dict[str, Any]]:
    """What both have, and the reasons of what is refused: where there was no record, a hundred fields would say nothing."""
    names = {"record", "predicted"} & was.keys() & becomes.keys() | {"refused"}
    return [{name: value for name, value in each.items() if name in names} for each in (was, becomes)]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """{"record.lines[0].tax": "standard", …}."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{n}]", one) for n, one in enumerate(value)]
    else:
        return {path: str(value)}
    return {name: text for place, one in pairs for name, text in _flat(one, place).items()}
