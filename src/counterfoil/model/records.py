"""The records that flows take: today the sales invoice (design §5.4). Its JSON Schema is published in docs/records/.

Called by flows/, the sample generator and whoever builds records in Python. A record says what happened in the user's
own words; nothing here knows a ledger. Decimals come as strings or numbers and are never floats; dates are ISO.
"""

import datetime
import decimal
import functools
import json
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import money, shape, text
from counterfoil.model.prepared import Finding
from counterfoil.model.terms import Terms
from counterfoil.model.totals import Amounts

LINES_MAX: Final = 1_000
PAYMENTS_MAX: Final = 50
Status = Literal["DRAFT", "SUBMITTED", "AUTHORISED"]


def _number(places: int, digits: int, description: str, **rules: Any) -> msgspec.Meta:
    """A decimal with at most `places` decimals and `digits` before the point; in JSON a string or a number."""
    return msgspec.Meta(
        description=f"{description} At most {places} decimals.",
        extra={"places": places, "digits": digits, **rules},
    )


_PRICE_RULE: Final = "Xero keeps 4 decimals of a price; give the line as a larger unit (per 1,000) or a smaller number."
_RATE_RULE: Final = "Xero keeps 2 decimals of a discount in per cent; give `discount_amount` instead."
Quantity = Annotated[Decimal, _number(4, 8, "How many.")]
Price = Annotated[Decimal, _number(4, 9, "The price of one, in the document's currency.", places_rule=_PRICE_RULE)]
Cents = Annotated[Decimal, _number(2, 10, "An amount in the document's currency.")]
Paid = Annotated[Decimal, _number(2, 10, "What was paid, in the document's currency.", positive=True)]
DiscountRate = Annotated[
    Decimal, _number(2, 3, "Discount in per cent, 0 to 100.", not_negative=True, places_rule=_RATE_RULE)
]
DiscountAmount = Annotated[Decimal, _number(2, 10, "Discount on the whole line.", not_negative=True)]
Version = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
CurrencyRate = Annotated[Decimal, _number(6, 12, "Units of `currency` for one of the base currency.", positive=True)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all parts of a record have in common: unchangeable, and no key that we would not use."""


class Address(Record, frozen=True, kw_only=True):
    """A postal or street address."""

    attention_to: text.Line255 | None = None
    line1: text.Line500 | None = None
    line2: text.Line500 | None = None
    line3: text.Line500 | None = None
    line4: text.Line500 | None = None
    city: text.Line255 | None = None
    region: text.Line255 | None = None
    postal_code: text.Line50 | None = None
    country: text.Line50 | None = None


class Contact(Record, frozen=True, kw_only=True):
    """The customer. All but `external_id` and `name` is used only when the contact has to be created in Xero."""

    external_id: text.ContactKey
    name: text.ContactName
    email: text.Email | None = None
    first_name: text.Line255 | None = None
    last_name: text.Line255 | None = None
    account_number: text.Line50 | None = None
    tax_number: text.Line50 | None = None
    company_number: text.Line50 | None = None
    phone: text.Line50 | None = None
    street_address: Address | None = None
    postal_address: Address | None = None


class Line(Record, frozen=True, kw_only=True):
    """One line. Exactly one of `account_code` and `account`; exactly one of `tax_type` and `tax` unless no_tax."""

    description: text.Description
    quantity: Quantity
    unit_amount: Price
    account_code: Annotated[text.Line50 | None, msgspec.Meta(description="Xero's code of the account.")] = None
    account: Annotated[text.Line255 | None, msgspec.Meta(description="The entity's own name of the account.")] = None
    tax_type: Annotated[text.Line50 | None, msgspec.Meta(description="Xero's TaxType.")] = None
    tax: Annotated[
        text.Line255 | None,
        msgspec.Meta(description="The entity's own name of the tax; \"account default\" takes the account's."),
    ] = None
    tracking: Annotated[
        dict[text.Line100, text.Line100], msgspec.Meta(description="Tracking category to option; at most two.")
    ] = {}
    discount_rate: DiscountRate | None = None
    discount_amount: DiscountAmount | None = None
    tax_amount: Annotated[Cents | None, msgspec.Meta(description="Tax of the line, in place of the computed one.")] = (
        None
    )
    item_code: Annotated[text.Line50 | None, msgspec.Meta(description="Refused: items are not posted yet.")] = None


class Payment(Record, frozen=True, kw_only=True):
    """One payment that came with the sale. Exactly one of `account_code` and `account`."""

    date: Annotated[datetime.date, msgspec.Meta(description="The day on which it was paid.")]
    amount: Paid
    account_code: Annotated[text.Line50 | None, msgspec.Meta(description="Xero's code of the account it went to.")] = (
        None
    )
    account: Annotated[
        text.Line255 | None, msgspec.Meta(description="The entity's own name of that account, else Xero's.")
    ] = None
    external_id: Annotated[
        text.PaymentKey | None, msgspec.Meta(description="Needed as soon as the sale has two payments.")
    ] = None
    reference: text.Line255 | None = None
    rate: CurrencyRate | None = None


class SalesInvoice(Record, frozen=True, kw_only=True):
    """One sale that becomes one sales invoice (ACCREC) in Xero."""

    external_id: text.Key
    contact: Contact
    date: Annotated[datetime.date, msgspec.Meta(description="The document's date, such as 2026-11-01.")]
    lines: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    entity: Annotated[
        text.Line255 | None, msgspec.Meta(description="Your key of the company; absent: the flow's `entity`.")
    ] = None
    due_date: Annotated[
        datetime.date | None,
        msgspec.Meta(description="Absent: by `terms`, else by the customer's payment terms in Xero, else by yours."),
    ] = None
    terms: Annotated[Terms | None, msgspec.Meta(description="Payment terms; used when `due_date` is absent.")] = None
    currency: text.CurrencyCode | None = None
    rate: CurrencyRate | None = None
    rate_source: Annotated[
        text.Line100 | None, msgspec.Meta(description="Where `rate` comes from; kept and shown, not sent.")
    ] = None
    number: text.Number | None = None
    reference: text.Line255 | None = None
    amounts: Annotated[Amounts, msgspec.Meta(description="Whether prices contain tax.")] = "exclusive"
    expected_total: Annotated[
        Cents | None,
        msgspec.Meta(
            description="The total by your own books; what Xero would compute otherwise is evened out as the flow says."
        ),
    ] = None
    status: Annotated[Status | None, msgspec.Meta(description="Absent: the flow's `status`, else DRAFT.")] = None
    branding_theme: text.Guid | None = None
    sent: Annotated[bool, msgspec.Meta(description="Already sent to the customer; only when AUTHORISED.")] = False
    url: Annotated[
        text.Link | None,
        msgspec.Meta(description="Your own page of the sale; kept and shown, not sent: our own link stands there."),
    ] = None
    attachments: Annotated[
        tuple[dict[str, Any], ...], msgspec.Meta(description="Refused: attachments are not posted yet.")
    ] = ()
    payments: Annotated[
        tuple[Payment, ...],
        msgspec.Meta(max_length=PAYMENTS_MAX, description="What was paid with the sale; only when AUTHORISED."),
    ] = ()
    version: Annotated[
        Version | None, msgspec.Meta(description="Counts its versions; a lower one never replaces a higher.")
    ] = None


_TYPED: Final = msgspec.json.Decoder(SalesInvoice)
_PLAIN: Final = msgspec.json.Decoder(float_hook=Decimal)
_HASHED: Final = msgspec.json.Encoder(order="sorted")


def decode(raw: bytes) -> SalesInvoice | tuple[Finding, ...]:
    """One JSON object as a record, or every reason why it is none, in the order of the text. Never raises."""
    try:
        record = _TYPED.decode(raw)
        return record if _sound(record) else _findings(_PLAIN.decode(raw)) or record
    except msgspec.ValidationError as error:
        refusal = str(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, decimal.InvalidOperation) as error:
        return (Finding("broken-json", f"This is not JSON: {error}.", "Write one JSON object per record."),)
    return _explained(raw, refusal)


def identify(raw: bytes) -> tuple[str | None, str | None]:
    """(external_id, entity) of a record that may be wrong otherwise, as far as they can be told. Never raises."""
    try:
        plain = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    if not isinstance(plain, dict):
        return None, None
    key, entity = plain.get("external_id"), plain.get("entity")
    return (
        key if isinstance(key, str) and text.is_key(key) else None,
        entity if isinstance(entity, str) and text.is_key(entity) else None,
    )


def record_hash(record: SalesInvoice) -> str:
    """SHA-256 in hex of what the record says: key order, 2 or "2.00", and defaults written out make no difference.

    New optional fields of later versions do not change the hash of records that lack them.
    """
    plain = msgspec.to_builtins(record, builtin_types=(Decimal, datetime.date))
    if plain.get("number") == record.external_id:
        del plain["number"]
    plain.pop("version", None)  # says when the record was written, not what it says
    _make_canonical(plain)
    return sha256(_HASHED.encode(plain)).hexdigest()


def json_schema() -> bytes:
    """The published schema of the sales invoice, formatted; docs/records/sales_invoice.schema.json holds the same."""
    schema = msgspec.json.schema(SalesInvoice)
    _publish(schema)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sales invoice", **schema}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _publish(schema: Any) -> None:
    """msgspec writes decimals as strings and says so; it reads numbers as well, and so do we. Keys: as text says."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            schema["type"] = ["string", "number"]
        if isinstance(pattern := schema.get("pattern"), str):
            schema["pattern"] = text.PUBLISHED.get(pattern, pattern)
        for item in schema.values():
            _publish(item)
    elif isinstance(schema, list):
        for item in schema:
            _publish(item)


def _explained(raw: bytes, refusal: str) -> tuple[Finding, ...]:
    """Everything that is wrong with a refused record; msgspec's own words only if we cannot say it better."""
    try:
        found = _findings(_PLAIN.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, decimal.InvalidOperation) as error:
        return (Finding("broken-json", f"This is not JSON: {error}.", "Write one JSON object per record."),)
    return found or (Finding("wrong-value", f"{refusal}.", "Correct it where the record comes from."),)


def _findings(plain: Any) -> tuple[Finding, ...]:
    return tuple(_finding(misfit) for misfit in shape.misfits(plain, SalesInvoice))


def _finding(misfit: shape.Misfit) -> Finding:
    field = shape.written(misfit.path)
    where = f"`{field}` {misfit.reason}" if field else f"The record {misfit.reason}"
    return Finding(
        misfit.cause, f"{where}{f': {misfit.value}' if misfit.value else ''}.", misfit.remedy, field, misfit.value
    )


def _make_canonical(fields: dict[str, Any]) -> None:
    """Put the plain writing in the place of every decimal of a record, its lines and its payments."""
    for name, value in fields.items():
        kind = type(value)
        if kind is Decimal:
            fields[name] = money.plain(value)
        elif kind is tuple:  # of a record's parts: what JSON holds otherwise is a list
            for part in value:
                _make_canonical(part)
        elif kind is dict:
            _make_canonical(value)


def _sound(record: SalesInvoice) -> bool:
    """Whether every decimal is surely within its bounds, which msgspec cannot check. False only means: look closer."""
    for line in record.lines:
        if not (_within(line.quantity, 4, 8) and _within(line.unit_amount, 4, 9)):
            return False
        rate, discount, tax = line.discount_rate, line.discount_amount, line.tax_amount
        if rate is not None and not (rate >= 0 and _within(rate, 2, 3)):
            return False
        if discount is not None and not (discount >= 0 and _within(discount, 2, 10)):
            return False
        if tax is not None and not _within(tax, 2, 10):
            return False
    for payment in record.payments:
        if not (payment.amount > 0 and _within(payment.amount, 2, 10) and payment.rate is None):
            return False
    total = record.expected_total
    return (total is None or _within(total, 2, 10)) and record.rate is None


@functools.lru_cache(4096)  # the same prices come again and again; 2 and 2.00 are within the same bounds
def _within(amount: Decimal, places: int, digits: int) -> bool:
    _, written, exponent = amount.as_tuple()
    return isinstance(exponent, int) and -places <= exponent <= 0 and len(written) + exponent <= digits
