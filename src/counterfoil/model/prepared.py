"""A record that passed its flow's checks, ready to be planned: what flows/ hand to posting/.

A flow kind turns one record into a `Prepared`, or into `Finding`s that say why not. Neither touches Xero.
"""

import datetime
from decimal import Decimal
from typing import Any

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One reason why a record may not be posted (or a warning). `cause` is stable and groups problems."""

    cause: str  # "account-unknown", "total-differs", "tax-not-allowed", …
    reason: str  # a sentence that names field and value
    remedy: str  # a sentence that says what to do
    field: str = ""
    value: str = ""


class ContactWanted(msgspec.Struct, frozen=True):
    """The customer of a record. `external_id` is the user's own key; it becomes Xero's ContactNumber."""

    external_id: str
    name: str
    email: str | None = None
    element: dict[str, Any] = {}  # the wire form of a Contacts element, used when the contact has to be created


class PredictedLine(msgspec.Struct, frozen=True):
    """One line as Xero will store it, by our arithmetic. Amounts in the document's currency."""

    account_code: str | None
    tax_type: str | None
    line_amount: Decimal
    tax_amount: Decimal


class Predicted(msgspec.Struct, frozen=True):
    """What we expect Xero to store; compared with what it did store. Amounts in `currency`."""

    status: str
    date: datetime.date
    due_date: datetime.date | None
    currency: str
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    lines: tuple[PredictedLine, ...]


class Prepared(msgspec.Struct, frozen=True):
    """One document to be made. `number` None: Xero numbers it, and we find it again by its Reference."""

    external_id: str
    entity: str
    contact: ContactWanted
    number: str | None
    reference: str
    element: dict[str, Any]  # the wire form without Contact, Url and marker; the posting engine adds those
    predicted: Predicted
    warnings: tuple[Finding, ...] = ()
