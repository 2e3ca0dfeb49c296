"""[pacing], [retention] and [mirror] as they are written: what is asked of Xero how fast, kept here, and for how long.

Called by tables, which is the whole file. What a lane leaves when nothing is said: pacing.
"""

import datetime
from typing import Annotated, Final, Literal

import msgspec

from counterfoil.model.text import END, Line255
from counterfoil.settings import declaring
from counterfoil.settings.declaring import Table

_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class KeptTable(Table, frozen=True, kw_only=True):
    """What each lane leaves to those above it; `looking` is the first and leaves nothing."""

    interactive: Annotated[_Count | None, msgspec.Meta(description="Somebody waits at a screen.")] = None
    realtime: Annotated[_Count | None, msgspec.Meta(description="An event that is to be acted on at once.")] = None
    sync: Annotated[_Count | None, msgspec.Meta(description="Keeping the copy of the ledger up to date.")] = None
    bulk: Annotated[_Count | None, msgspec.Meta(description="Imports that have time.")] = None


class PacingTable(Table, frozen=True, kw_only=True):
    """[pacing] as it is written."""

    day_limit: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        msgspec.Meta(description="Calls a day to one organisation; absent: 1,000 on tier starter, else 5,000."),
    ] = None
    minute_kept: Annotated[
        KeptTable, msgspec.Meta(description="Of 60 calls a minute, what each lane leaves: { sync = 2, bulk = 6 }.")
    ] = KeptTable()
    slots_kept: Annotated[
        KeptTable, msgspec.Meta(description="Of 5 calls at once, what each lane leaves: { sync = 1, bulk = 2 }.")
    ] = KeptTable()
    day_kept: Annotated[
        KeptTable, msgspec.Meta(description="Of the day's calls, what each lane leaves: { bulk = 200 }.")
    ] = KeptTable()
    bulk_window: Annotated[
        Line255 | None,
        msgspec.Meta(
            description="When bulk work may call, on each organisation's own clock: 22:00-06:00 or sat,sun 00:00-24:00; "
            "absent: always."
        ),
    ] = None
    offline_s: Annotated[
        float,
        declaring.seconds(
            "How long an organisation that Xero took offline is left alone; other failures pause for less."
        ),
    ] = 300


_KEPT: Final = r"^([1-9][0-9]{0,4}d|forever)" + END
_CHANGES_KEPT: Final = r"^([2-9]d|[1-9][0-9]{1,4}d|forever)" + END  # a change is tried for 28 hours


def _kept(help_text: str) -> msgspec.Meta:
    return msgspec.Meta(pattern=_KEPT, description=help_text, extra={"rule": 'Days, such as "400d", or "forever".'})


class RetentionSettings(Table, frozen=True, kw_only=True):
    """[retention]: how long what nobody needs any more is kept. Postings, hashes and the audit log are kept for ever."""

    requests: Annotated[str, _kept("The bytes that Xero was sent and answered.")] = "400d"
    raw_rows: Annotated[str, _kept("The raw records behind posted documents.")] = "90d"
    webhooks: Annotated[str, _kept("What Xero's webhooks brought, as it came.")] = "30d"
    changes: Annotated[
        str,
        msgspec.Meta(
            pattern=_CHANGES_KEPT,
            description="What happened at Xero, by name, with what it was before and after.",
            extra={
                "rule": 'At least two days, such as "90d", or "forever": what a feed still tries to hand over is kept.'
            },
        ),
    ] = "90d"

    def kept(self, what: Literal["requests", "raw_rows", "webhooks", "changes"]) -> datetime.timedelta | None:
        """How long one of them is kept; None: for ever."""
        text: str = getattr(self, what)
        return None if text == "forever" else datetime.timedelta(days=int(text.removesuffix("d")))


Mirrorable = Literal[
    "Organisation", "Accounts", "TaxRates", "TrackingCategories", "Currencies", "Items", "Contacts", "Invoices",
    "CreditNotes", "Payments", "Overpayments", "Prepayments", "BankTransactions", "BankTransfers", "ManualJournals",
    "PurchaseOrders", "Quotes",
]  # fmt: skip


class MirrorSettings(Table, frozen=True, kw_only=True):
    """[mirror]: which of an organisation's resources are kept here."""

    resources: Annotated[
        tuple[Mirrorable, ...] | None,
        msgspec.Meta(
            description="Xero's resources, such as Invoices. Absent: all that the flows' consent opens anyway; naming one "
            "more asks for its scope."
        ),
    ] = None
