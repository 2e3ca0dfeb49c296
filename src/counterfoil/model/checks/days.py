"""May a document be posted on its date, and when does it fall due?

Called by flows/sales_invoices, and by posting/planning once it knows the customer. Implements design §5.4 (due date: the
record, then its terms, then the customer's in Xero, then the organisation's) and the lock dates of facts 5.0 and 5.1;
the lock days themselves are locked.
"""

import datetime
from typing import Any, Literal

import msgspec

from counterfoil.model import terms
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.model.records import SalesInvoice
from counterfoil.model.terms import Terms

BEFORE_START = "before-start"  # counted as unchanged: the user said that nothing older is ever posted
ONE_DAY = datetime.timedelta(days=1)
LockPolicy = Literal["hold", "next-open-day", "refuse"]


class OpenDay(msgspec.Struct, frozen=True):
    """The day on which something is posted: `note` says that it was moved, `hold` that it has to wait."""

    date: datetime.date
    note: str = ""
    hold: Finding | None = None
    findings: tuple[Finding, ...] = ()


def start_findings(date: datetime.date, ledger: Ledger) -> tuple[Finding, ...]:
    """Why nothing is posted of `date`: it is before the entity's `start`. Told alone, whatever else is wrong."""
    if ledger.start is None or date >= ledger.start:
        return ()
    value = date.isoformat()
    reason = f"`date` is {value}, before {ledger.start}, the start of {ledger.entity}."
    return (Finding(BEFORE_START, reason, f"Nothing to do, or move entities.{ledger.entity}.start.", "date", value),)


def open_day(date: datetime.date, ledger: Ledger, policy: LockPolicy, field: str = "date") -> OpenDay:
    """`date` itself when nothing locks it; else what the flow's `lock_date` makes of it."""
    if _is_open(date, ledger):
        return OpenDay(date)
    locked = _lock_findings(date, ledger, field)
    if policy == "refuse":
        return OpenDay(date, findings=tuple(locked))
    if policy == "hold":
        together = " ".join(finding.reason for finding in locked)
        return OpenDay(date, hold=msgspec.structs.replace(locked[0], reason=together))
    through = max(lock for _cause, _name, lock in _locks(ledger) if lock is not None)
    if through == datetime.date.max:
        return OpenDay(date, findings=tuple(locked))
    moved = through + ONE_DAY
    return OpenDay(moved, f"`{field}` is {date}; the books are locked through {through}, so {moved} is posted.")


def closed_through(ledger: Ledger) -> datetime.date | None:
    """The last day of the books that may not move, by Xero's two locks and our own; None: all days are open."""
    return max((lock for _cause, _name, lock in _locks(ledger) if lock is not None), default=None)


def _locks(ledger: Ledger) -> tuple[tuple[str, str, datetime.date | None], ...]:
    return (
        ("before-lock-date", "Xero's period lock date", ledger.period_lock_date),
        ("before-lock-date", "Xero's end of year lock date", ledger.end_of_year_lock_date),
        ("before-closed-through", f"closed_through of {ledger.entity}", ledger.closed_through),
    )


def _is_open(date: datetime.date, ledger: Ledger) -> bool:
    """No lock holds the day; asked for every record, and nearly always so."""
    first, second, ours = ledger.period_lock_date, ledger.end_of_year_lock_date, ledger.closed_through
    return (first is None or date > first) and (second is None or date > second) and (ours is None or date > ours)


def _lock_findings(date: datetime.date, ledger: Ledger, field: str) -> list[Finding]:
    return [
        Finding(
            cause,
            f"`{field}` is {date}; {name} is {lock}, and nothing on or before it can be posted.",
            "Give a later date, or have the books opened by somebody who may.",
            field,
            date.isoformat(),
        )
        for cause, name, lock in _locks(ledger)
        if lock is not None and date <= lock
    ]


def due_date(record: SalesInvoice, date: datetime.date, ledger: Ledger) -> datetime.date | Finding | None:
    """The day on which a document of `date` falls due, as far as the record and the organisation say; None: they do not.

    Unless the record says it (`due_is_open`), the customer's own terms in Xero come first: see `with_contact_terms`.
    """
    if record.due_date is not None:
        return record.due_date
    wanted = record.terms or ledger.sales_terms
    return None if wanted is None else _falls_due(date, wanted, "terms" if record.terms else "date")


def due_is_open(record: SalesInvoice) -> bool:
    """Whether the customer's terms may say when the record falls due."""
    return record.due_date is None and record.terms is None


def with_contact_terms(prepared: Prepared, contact_terms: Terms | None) -> Prepared | Finding:
    """The document due by the customer's own terms in Xero where the record leaves it open; None: it has none.

    A Finding when an AUTHORISED document has no due date even then.
    """
    predicted = prepared.predicted
    if not prepared.due_open:
        return prepared
    if contact_terms is None:
        missing = predicted.due_date is None and predicted.status == "AUTHORISED"
        return _due_missing() if missing else prepared
    due = _falls_due(predicted.date, contact_terms, "date")
    if isinstance(due, Finding):
        return due
    element: dict[str, Any] = {**prepared.element, "DueDate": due.isoformat()}
    return msgspec.structs.replace(
        prepared,
        element=element,
        predicted=msgspec.structs.replace(predicted, due_date=due),
        warnings=due_warnings(predicted.date, due),
    )


def _falls_due(date: datetime.date, wanted: Terms, field: str) -> datetime.date | Finding:
    try:
        return terms.due_date(date, wanted)
    except OverflowError:
        return Finding("wrong-value", f"`{field}` leads past the year 9999.", "Correct the date.", field)


def _due_missing() -> Finding:
    reason = "`due_date` is missing, and neither `terms` nor the customer nor the organisation in Xero gives one."
    remedy = "AUTHORISED needs it: give `due_date` or `terms`, or set default terms in Xero."
    return Finding("due-date-missing", reason, remedy, "due_date")


def due_warnings(date: datetime.date, due: datetime.date | None) -> tuple[Finding, ...]:
    """What is strange about a due date but no reason to refuse."""
    if due is None or due >= date:
        return ()
    reason = f"`due_date` {due} is before `date` {date}."
    return (Finding("due-before-date", reason, "Check both dates.", "due_date", due.isoformat()),)
