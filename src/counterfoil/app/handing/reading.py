"""What a program sent: a list of records or rows, or JSON Lines, each judged by itself and strictly.

Called by taking. Pure of the database. Bounded by RECORDS_MAX and by what a body may have. A key that stands twice in one
object, a number that is none, or half a character is the finding of its own record; the others go on.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil import errors
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import FlowSettings
from counterfoil.sources import ROW_BYTES_MAX, BadRow, Row, objects, strict_json

if TYPE_CHECKING:
    from counterfoil.app.mapped import MappedFlow

RECORDS_MAX: Final = 1_000
SOURCE: Final = "http"  # where such a record stands, for people: "http:" and the first characters of its hash
_HASH_SHOWN: Final = 16


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body with a word for what it holds; exactly one of the two."""

    records: list[msgspec.Raw] | None = None
    rows: list[msgspec.Raw] | None = None


class Given(msgspec.Struct, frozen=True):
    """One record as it was sent. `n`: its place, of a record that rows make the place of the first; `finding`: why it is none."""

    n: int
    row: Row | None
    finding: Finding | None = None


_list = msgspec.json.Decoder(list[msgspec.Raw])
_body = msgspec.json.Decoder(_Body)


def read(flow: FlowSettings, mapped: "MappedFlow | None", body: bytes, *, lines: bool) -> list[Given]:
    """The records of a body, in its order. `lines`: it is JSON Lines.

    A bare list, and JSON Lines, hold what the flow's source would: rows where it maps them, else records. Raises InputError
    for a body that is neither, too long, or whose rows cannot be gathered because one of them cannot be read.
    """
    elements, are_rows = _elements(body, lines=lines, mapped=mapped is not None)
    if not elements:
        raise _refused("There is no record in the body.", 'Send a list, or {"records": [ … ]}.')
    if len(elements) > RECORDS_MAX:
        raise _refused(
            f"The body has {len(elements):,} records; at most {RECORDS_MAX:,} are taken.", "Send fewer at a time."
        )
    if not are_rows:
        return [_record(n, raw) for n, raw in enumerate(elements)]
    if mapped is None:
        raise _refused(f"Flow {flow.table} maps no rows.", 'Send {"records": [ … ]}, or write [flows.NAME.map].')
    return _gathered(flow, mapped, elements)


def _elements(body: bytes, *, lines: bool, mapped: bool) -> tuple[Sequence[bytes], bool]:
    if lines:
        return [line for line in (one.strip() for one in body.split(b"\n")) if line], mapped
    if not body.strip():
        return (), mapped
    try:
        if body.lstrip()[:1] != b"{":
            return [bytes(one) for one in _list.decode(body)], mapped
        found = _body.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(" - at")[0]
        raise _refused(
            f"The body cannot be read: {told}.", "Send a JSON list of objects in UTF-8, or JSON Lines."
        ) from None
    if (found.records is None) == (found.rows is None):
        raise _refused("The body needs `records` or `rows`, one of the two.", 'Send {"records": [ … ]}.')
    given = found.records if found.records is not None else found.rows or []
    return [bytes(one) for one in given], found.records is None


def _refused(message: str, remedy: str) -> errors.InputError:
    return errors.InputError(message, remedy=remedy)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _source(digest: str) -> str:
    """The same for the same content, so that what comes twice is one problem."""
    return f"{SOURCE}:{digest[:_HASH_SHOWN]}"


def _judged(raw: bytes, what: str) -> dict[str, Any] | Finding:
    if len(raw) > ROW_BYTES_MAX:
        reason = f"The {what} has {len(raw):,} bytes; at most {ROW_BYTES_MAX:,} are taken."
        return Finding("record-too-long", reason, "Send less in one.")
    return strict_json.decode(raw, what)


def _record(n: int, raw: bytes) -> Given:
    found = _judged(raw, "record")
    if isinstance(found, Finding):
        return Given(n, None, found)
    digest = _digest(raw)
    return Given(n, Row(_source(digest), raw, digest))


def _gathered(flow: FlowSettings, mapped: "MappedFlow", elements: Sequence[bytes]) -> list[Given]:
    """Rows as the records that they make. One that cannot be read may lack in any of them: then none is made."""
    rows: list[SheetRow] = []
    places: list[int] = []
    for n, raw in enumerate(elements):
        value = _judged(raw, "row")
        digest = _digest(raw)
        of_it: Sequence[SheetRow | BadRow] = ()
        if not isinstance(value, Finding):
            of_it = objects.rows(value, flow.source.explode, f"{SOURCE}:{n + 1}", digest, digest)
            value = next((one.finding for one in of_it if isinstance(one, BadRow)), value)
        if isinstance(value, Finding):
            raise _refused(f"Row {n + 1} cannot be read: {value.reason}", f"{value.remedy} No row was taken.")
        rows += [one for one in of_it if isinstance(one, SheetRow)]
        places += [n] * (len(rows) - len(places))
    return [_made(places[at], made) for at, made in mapped.gathered(rows)]


def _made(n: int, made: Row | BadRow) -> Given:
    if isinstance(made, BadRow):
        return Given(n, None, made.finding)
    return Given(n, Row(_source(made.hash), made.raw, made.hash))
