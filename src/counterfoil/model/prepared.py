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


class Predicted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What we expect Xero to store; compared with what it did store. Amounts in `currency`.

    `total` is `sub_total` + `total_tax` + `rounding`. `notes` say in sentences what was done to make the record fit: a
    difference that was evened out, a day that was moved; they are kept with the revision, so that `why` can show them.
    """

    status: str
    date: datetime.date
    due_date: datetime.date | None
    currency: str
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    lines: tuple[PredictedLine, ...]
    rounding: Decimal = Decimal(0)
    notes: tuple[str, ...] = ()


class PaymentWanted(msgspec.Struct, frozen=True):
    """A payment that came with the sale, to be made once its document is posted. `amount` in the document's currency.

    `external_id` is the record's, a slash, and the payment's own key, or "payment" when it is the only one and has none.
    `account` names the account for people.
    """

    external_id: str
    date: datetime.date
    amount: Decimal
    account: str
    reference: str
    element: dict[str, Any]  # the wire form of a Payments element without Invoice and marker


class Prepared(msgspec.Struct, frozen=True):
    """One document to be made. `number` None: Xero numbers it, and we find it again by its Reference.

    `due_open`: neither the record nor its terms say when it falls due. The organisation's terms stand in, and the
    customer's own in Xero come before them once it is known who that is (checks.days.with_contact_terms).
    `difference`: `expected_total` less what Xero would compute by itself, evened out as the flow says; None: none.
    `hold`: why it may not be sent yet, though nothing is wrong with it. `payments` follow it as a chain, in this order.
    `limited`: why payments and changes of it wait, since its entity gets drafts alone; None: they go.
    """

    external_id: str
    entity: str
    contact: ContactWanted
    number: str | None
    reference: str
    element: dict[str, Any]  # the wire form without Contact, Url and marker, a credit note's number as InvoiceNumber
    predicted: Predicted
    warnings: tuple[Finding, ...] = ()
    due_open: bool = False
    difference: Decimal | None = None
    hold: Finding | None = None
    payments: tuple[PaymentWanted, ...] = ()
    kind: str = "invoice"  # or "credit_note": the posting that it becomes
    limited: Finding | None = None
    version: int | None = None  # the source's own count of the record's versions; a lower one never replaces a higher
