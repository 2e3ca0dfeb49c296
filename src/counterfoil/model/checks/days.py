"""May a document be posted on its date, and when does it fall due?

Called by flows/sales_invoices. Implements design §5.4 (due date: the record, then its terms, then the organisation's)
and the lock dates of facts 5.0 and 5.1; the lock days themselves are locked.
"""

import datetime

from counterfoil.model import terms
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding
from counterfoil.model.records import SalesInvoice

BEFORE_START = "before-start"  # counted as unchanged: the user said that nothing older is ever posted


def date_findings(date: datetime.date, ledger: Ledger) -> list[Finding]:
    """Why nothing may be posted on `date`; the entity's `start` first, and then alone."""
    value = date.isoformat()
    if ledger.start is not None and date < ledger.start:
        reason = f"`date` is {value}, before {ledger.start}, the start of {ledger.entity}."
        return [Finding(BEFORE_START, reason, f"Nothing to do, or move entities.{ledger.entity}.start.", "date", value)]
    locks = (
        ("before-lock-date", "Xero's period lock date", ledger.period_lock_date),
        ("before-lock-date", "Xero's end of year lock date", ledger.end_of_year_lock_date),
        ("before-closed-through", f"closed_through of {ledger.entity}", ledger.closed_through),
    )
    return [
        Finding(
            cause,
            f"`date` is {value}; {name} is {lock}, and nothing on or before it can be posted.",
            "Give a later date, or have the books opened by somebody who may.",
            "date",
            value,
        )
        for cause, name, lock in locks
        if lock is not None and date <= lock
    ]


def due_date(record: SalesInvoice, status: str, ledger: Ledger) -> datetime.date | Finding | None:
    """The day on which the record falls due. None: nobody says, and the status does not need one.

    The terms of the contact in Xero are not known here; the organisation's stand in for them.
    """
    if record.due_date is not None:
        return record.due_date
    wanted = record.terms or ledger.sales_terms
    if wanted is not None:
        try:
            return terms.due_date(record.date, wanted)
        except OverflowError:
            field = "terms" if record.terms else "date"
            return Finding("wrong-value", f"`{field}` leads past the year 9999.", "Correct the date.", field)
    if status != "AUTHORISED":
        return None
    reason = f"`due_date` is missing, and neither `terms` nor {ledger.organisation} gives one; AUTHORISED needs it."
    return Finding("due-date-missing", reason, "Give `due_date` or `terms`, or set default terms in Xero.", "due_date")


def due_warnings(date: datetime.date, due: datetime.date | None) -> tuple[Finding, ...]:
    """What is strange about a due date but no reason to refuse."""
    if due is None or due >= date:
        return ()
    reason = f"`due_date` {due} is before `date` {date}."
    return (Finding("due-before-date", reason, "Check both dates.", "due_date", due.isoformat()),)
