"""Records whose rows stand in their source twice: an export that was put together with itself, or two that overlap.

Called by checking for a record of which such rows were marked (model/sheet.marked) and change what it is. Pure. Its own
total proves it, or refuses it; without one it is held until a person says that all its rows are meant.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil.model import fixes
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.model.sheet import SheetRow
from counterfoil.store.problems import STANDS_TWICE

if TYPE_CHECKING:
    from counterfoil.app.checking import Checked
    from counterfoil.mapping import MappedRecord

SHOWN_MAX: Final = 3
TOTAL_DIFFERS: Final = "total-differs"
GIVE_IT_ONCE: Final = "Give the source with each row once and run again."
Decode = Callable[[bytes], Any]


def judged(
    checked: "Checked", rows: Sequence[SheetRow], repeated: Sequence["MappedRecord"], decode: Decode
) -> "Checked":
    """The record refused or held for its rows, or as it is: where it has a total of its own that agrees.

    `rows`: all of the record's. `repeated`: the record, or the sales of its day, that would be another one with each row
    once.
    """
    if not isinstance(checked.prepared, Prepared):
        found = tuple(_told(finding, rows) for finding in checked.findings)
        return msgspec.structs.replace(checked, findings=found)
    if checked.prepared.hold is not None or all(_has_its_own_total(one, decode) for one in repeated):
        return checked
    held = msgspec.structs.replace(checked.prepared, hold=_held(checked.prepared, rows))
    return msgspec.structs.replace(checked, prepared=held)


def _has_its_own_total(one: "MappedRecord", decode: Decode) -> bool:
    """The record says what it comes to, whatever its rows are: a sum over them would be doubled as they are.

    Nought says nothing: twice nought is nought.
    """
    total, once = _total(decode(one.raw)), _total(decode(one.once or b""))
    return bool(total) and total == once


def _total(record: Any) -> Decimal | None:
    return None if isinstance(record, tuple) else record.expected_total


def _told(finding: Finding, rows: Sequence[SheetRow]) -> Finding:
    """A total that differs, with the likely reason."""
    if fixes.base_cause(finding.cause) != TOTAL_DIFFERS:
        return finding
    reason = f"Rows of it stand in the source twice ({_pairs(rows)}). {finding.reason}"
    return msgspec.structs.replace(finding, cause=STANDS_TWICE, reason=reason, remedy=GIVE_IT_ONCE)


def _held(prepared: Prepared, rows: Sequence[SheetRow]) -> Finding:
    total = f"{prepared.predicted.total} {prepared.predicted.currency}"
    return Finding(
        STANDS_TWICE,
        f"Rows of {prepared.external_id} stand in the source twice ({_pairs(rows)}); all of them together make {total}, "
        "and nothing says that this is right.",
        f"{GIVE_IT_ONCE} If all of them are meant, `counterfoil problems retry`; `check.total` in the flow would tell by "
        "itself.",
    )


def _pairs(rows: Sequence[SheetRow]) -> str:
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.hash, row.source)
    twice = {row.source: first[row.hash] for row in rows if row.again}
    shown = [f"{earlier} and {later}" for later, earlier in list(twice.items())[:SHOWN_MAX]]
    more = f"; and {len(twice) - SHOWN_MAX} more" if len(twice) > SHOWN_MAX else ""
    return "; ".join(shown) + more
