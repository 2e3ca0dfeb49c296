"""[entities.KEY] as it is written: the user's companies, and what is wanted of each.

Called by tables, which is the whole file.
"""

import datetime
from typing import Annotated

import msgspec

from counterfoil.model.modes import Mode
from counterfoil.model.text import END, Line50, Line255
from counterfoil.settings.declaring import Table

_BalancesEvery = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(daily|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h)" + END,
        extra={"rule": 'It is "daily", or hours from "1h" to "168h".'},
    ),
]


class EntityTable(Table, frozen=True, kw_only=True):
    """[entities.KEY]: one of the user's companies."""

    organisation: Annotated[
        Line255 | None, msgspec.Meta(description="Its name in Xero; binding to another is refused.")
    ] = None
    start: Annotated[datetime.date | None, msgspec.Meta(description="Nothing older is ever posted.")] = None
    closed_through: Annotated[
        datetime.date | None, msgspec.Meta(description="Nothing on or before this day is posted.")
    ] = None
    mode: Annotated[
        Mode,
        msgspec.Meta(description="What is written there: normal, draft_only (drafts alone) or read_only (nothing)."),
    ] = "normal"
    timezone: Annotated[
        Line255 | None,
        msgspec.Meta(description="Its time zone where Xero's name for it is not known: Europe/London."),
    ] = None
    bank_balances: Annotated[
        _BalancesEvery | None,
        msgspec.Meta(
            description="How often the balances of its bank accounts are read at Xero: daily, or every so many hours (6h). "
            "Absent: never; setting it asks for one more scope.",
        ),
    ] = None
    accounts: Annotated[dict[Line255, Line50], msgspec.Meta(description="Your names for account codes.")] = (
        msgspec.field(default_factory=dict)
    )
    taxes: Annotated[
        dict[Line255, Line255], msgspec.Meta(description="Your names for tax types or tax rates' names.")
    ] = msgspec.field(default_factory=dict)


class EntitySettings(EntityTable, frozen=True, kw_only=True):
    """The same with its key, which is the table's own name."""

    key: str

    @property
    def balances_every(self) -> datetime.timedelta | None:
        """How old the balances of its bank accounts may grow; None: they are not read."""
        if self.bank_balances is None:
            return None
        hours = 24 if self.bank_balances == "daily" else int(self.bank_balances.removesuffix("h"))
        return datetime.timedelta(hours=hours)
