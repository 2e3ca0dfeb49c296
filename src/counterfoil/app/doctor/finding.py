"""What a check found: one sentence, and what to do.

Called by every check and by bundle. Pure. `check` and `code` never change, so that programs and a support bundle can go
by them; `facts` are numbers, days and flags only, so that a bundle can hold them: names stand in the message alone.
"""

import datetime
from typing import Final, Literal

import msgspec

from counterfoil import errors

OK: Final = "ok"
WARNING: Final = "warning"
PROBLEM: Final = "problem"
ALTERED: Final = (
    "Was the database changed by hand or damaged? Restore a backup (`counterfoil restore`); for a consent, "
    "`counterfoil connect` writes it anew; `counterfoil audit verify` says what else was touched."
)
Level = Literal["ok", "warning", "problem"]
Fact = int | bool | datetime.date | datetime.datetime


class Finding(msgspec.Struct, frozen=True):
    """One finding. `subject`: which entity, consent or file it is about; None: the installation."""

    check: str
    code: str
    level: Level
    message: str
    remedy: str = ""
    subject: str | None = None
    facts: dict[str, Fact] = {}


def ok(check: str, message: str, *, subject: str | None = None, **facts: Fact) -> Finding:
    """All is as it should be."""
    return Finding(check, OK, OK, message, "", subject, facts)


def warning(check: str, code: str, message: str, remedy: str, *, subject: str | None = None, **facts: Fact) -> Finding:
    """Work goes on, and a person should look."""
    return Finding(check, code, WARNING, message, remedy, subject, facts)


def problem(check: str, code: str, message: str, remedy: str, *, subject: str | None = None, **facts: Fact) -> Finding:
    """Something does not work, or soon will not."""
    return Finding(check, code, PROBLEM, message, remedy, subject, facts)


def many(number: int, one: str, several: str | None = None) -> str:
    """`1 consent`, `1,200 consents`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def failed(check: str, error: Exception, *, subject: str | None = None) -> Finding:
    """A check that an error ended: what the error says, and its own remedy."""
    if isinstance(error, errors.CounterfoilError):
        remedy = error.remedy or "Put it right, then `counterfoil doctor` again."
        return problem(check, error.code, error.message, remedy, subject=subject)
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return problem(check, "system", f"{reason}.", "Put it right, then `counterfoil doctor` again.", subject=subject)
    # Its words may hold what somebody wrote there.
    return problem(
        check, "unreadable", f"This could not be looked at: what is stored for it cannot be read ({type(error).__name__}).",
        ALTERED, subject=subject,
    )  # fmt: skip
