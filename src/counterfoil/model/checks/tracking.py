"""Are a line's tracking categories and options known and active, and not too many?

Called by flows/sales_invoices. Implements facts 5.5: at most two categories on a line; options are never created from
lines.
"""

from typing import Final

from counterfoil.model import spelling
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding
from counterfoil.model.records import Line

CATEGORIES_MAX: Final = 2


def tracking_findings(line: Line, ledger: Ledger, path: str) -> list[Finding]:
    """Every reason why the line's tracking cannot be posted; empty when it can. Names must be exactly Xero's."""
    found = []
    field = f"{path}.tracking"
    if len(line.tracking) > CATEGORIES_MAX:
        reason = f"`{field}` has {len(line.tracking)} categories; Xero takes {CATEGORIES_MAX} on a line."
        found.append(Finding("tracking-too-many", reason, "Leave the others out.", field))
    for name, option in line.tracking.items():
        finding = _finding(name, option, ledger, f"{field}.{name}")
        if finding is not None:
            found.append(finding)
    return found


def _finding(name: str, option: str, ledger: Ledger, field: str) -> Finding | None:
    category = ledger.tracking.get(name)
    if category is None or not category.active:
        known = [row.name for row in ledger.tracking.values() if row.active]
        reason = f"`{field}`: {ledger.organisation} has no active tracking category {name}."
        return Finding("tracking-unknown", reason, spelling.suggestion(name, known), field, name)
    active = category.options.get(option)
    if active:
        return None
    known = [key for key, is_active in category.options.items() if is_active]
    state = "no option" if active is None else "archived the option"
    reason = f"`{field}`: the tracking category {name} has {state} {option}."
    return Finding(
        "tracking-unknown", reason, f"{spelling.suggestion(option, known)} Or add it in Xero.", field, option
    )
