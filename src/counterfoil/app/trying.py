"""`flow test`: rows → record → the lines that Xero would have, without a connection; and what golden files say of it.

Called by cli/flow and the library. Makes no call: it uses what was read of the organisation last, or a ledger on paper.
A golden file holds rows and what became of them when a person accepted it; later the same rows must become the same.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors, flows
from counterfoil.app.intake import Blocked, Intake
from counterfoil.model import paper, sheet
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow

GOLDEN_MAX: Final = 200  # records that a golden file keeps
GOLDEN_BYTES_MAX: Final = 1 << 26
FORM: Final = 1


class Tried(msgspec.Struct, frozen=True):
    """One record tried. `raw` is what is kept of it; `rows` its cells, none when the source holds records.

    `record` is its JSON as plain values, `predicted` what Xero would store; both None when it is refused, and
    `findings` say why. `assumed`: what is not known of the organisation yet.
    """

    source: str
    external_id: str | None
    raw: bytes
    rows: tuple[dict[str, str], ...]
    record: Any
    predicted: Any
    findings: tuple[Finding, ...]
    assumed: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """One record of a golden file: what came in, and what it became."""

    source: str
    raw: str
    outcome: Any


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
        self._intake = Intake(books, flow, self._kind, offline=True)

    async def records(self, path: Path) -> AsyncIterator[Tried]:
        """The records of a file, in its order, each tried. Raises InputError as the source does."""
        async for row in self._intake.read(path):
            if isinstance(row, BadRow):
                yield Tried(row.source, row.external_id, b"", (), None, None, (row.finding,))
            else:
                yield await self.one(row.source, row.raw)

    async def one(self, source: str, raw: bytes) -> Tried:
        """What becomes of one record, from what is kept of it."""
        rows = sheet.unpack(raw)
        cells = () if rows is None else tuple(row.cells for row in rows)
        checked = await self._intake.check(raw)
        if isinstance(checked.prepared, Prepared):
            return self._told(source, raw, cells, checked.record, checked.prepared)
        if not isinstance(checked.prepared, Blocked) and checked.entity is not None:
            return Tried(source, self._intake.identified(raw)[0], raw, cells, None, None, checked.findings)
        return self._on_paper(source, raw, cells)

    def _on_paper(self, source: str, raw: bytes, cells: tuple[dict[str, str], ...]) -> Tried:
        external_id, entity = self._intake.identified(raw)
        made = self._intake.made(raw)
        record = made if isinstance(made, tuple) else self._kind.decode(made)
        if isinstance(record, tuple):
            return Tried(source, external_id, raw, cells, None, None, record)
        settings = self._books.settings.entities.get(entity)
        if settings is None:
            found = self._kind.entity_of(record, self._flow, self._books.settings.entities)
            return Tried(source, external_id, raw, cells, _plain(record), None, (found,))
        ledger, assumed, knows_rates = paper.ledger(record, settings)
        unchecked = record if knows_rates else msgspec.structs.replace(record, expected_total=None)
        prepared = self._prepared(unchecked, ledger)
        if isinstance(prepared, tuple):
            return Tried(source, external_id, raw, cells, _plain(record), None, prepared, assumed)
        return msgspec.structs.replace(self._told(source, raw, cells, record, prepared), assumed=assumed)

    def _prepared(self, record: Any, ledger: Ledger) -> Prepared | tuple[Finding, ...]:
        found: Prepared | tuple[Finding, ...] = self._kind.prepare(record, ledger, self._flow)
        return found

    @staticmethod
    def _told(source: str, raw: bytes, cells: tuple[dict[str, str], ...], record: Any, prepared: Prepared) -> Tried:
        return Tried(source, prepared.external_id, raw, cells, _plain(record), _plain(prepared.predicted), ())


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, str_keys=True)


def outcome(tried: Tried) -> dict[str, Any]:
    """What a golden file keeps of a tried record: the record and its lines, or the causes of its refusal."""
    if tried.record is None or tried.predicted is None:
        return {"refused": [f"{one.cause}: {one.reason}" for one in tried.findings]}
    return {"record": tried.record, "predicted": tried.predicted}


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
        then, now = _flat(one.outcome), _flat(outcome(tried))
        fields = [*then, *(name for name in now if name not in then)]
        found += [
            Difference(one.source, tried.external_id, name, then.get(name, "nothing"), now.get(name, "nothing"))
            for name in fields
            if then.get(name) != now.get(name)
        ]
    return found


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """{"record.lines[0].tax": "standard", …}."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}" if path else str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{n}]", one) for n, one in enumerate(value)]
    else:
        return {path: str(value)}
    return {name: text for place, one in pairs for name, text in _flat(one, place).items()}
