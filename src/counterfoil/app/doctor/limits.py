"""The check of Xero's limits: what waits and until when, a day that will not last, bulk hours on an unknown clock.

Called by doctor; it costs no call.
"""

from counterfoil.app import budgets
from counterfoil.app.doctor.finding import Finding, ok, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import bindings

RUN_AGAIN = "Nothing is lost. Run the same command again then; `counterfoil status` says what is left."


async def limits(patient: Patient) -> list[Finding]:
    """Each organisation's budgets, as all processes share them."""
    rows = await budgets.budgets(patient.books)
    found = [
        warning("limits", "waits", f"Calls wait until {wait.until:%Y-%m-%d %H:%M} UTC: {wait.why}.", RUN_AGAIN, subject=one.entity)
        for one in rows
        for wait in one.waits
    ]  # fmt: skip
    found += [
        warning(
            "limits",
            "day-runs-out",
            f"At this pace the day's calls are used up at {one.day_runs_out_at:%Y-%m-%d %H:%M} UTC; {one.day_left:,} are left.",
            "Lower lanes slow down by themselves. Poll less often, or give imports hours with `bulk_window` in [pacing].",
            subject=one.entity,
        )
        for one in rows
        if one.day_runs_out_at is not None and one.day_left
    ]
    found += await _unknown_zones(patient)
    return found or [ok("limits", "Nothing waits for Xero's limits.")]


async def _unknown_zones(patient: Patient) -> list[Finding]:
    return [
        warning(
            "limits",
            "unknown-zone",
            f"Xero's time zone of {one.entity} is not known, so `bulk_window` does not hold bulk work there.",
            f'Write timezone = "Europe/London", or the like, into [entities.{one.entity}].',
            subject=one.entity,
        )
        for one in await patient.books.database.read(bindings.everything)
        if budgets.is_without_hours(patient.books, one)
    ]
