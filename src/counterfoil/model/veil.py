"""Personal text taken out of Xero's documents, and of what we send: ids, numbers, amounts, dates and marks stay. Pure.

Called by store/erased for what comes in again and by app/privacy for what is there. What may stay is listed; everything else
of an erased person's document is replaced, so that a field that Xero adds tomorrow is not kept by mistake.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from counterfoil.model import record

ERASED: Final = "erased"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_NUMBERS: Final = frozenset({"InvoiceNumber", "CreditNoteNumber", "PurchaseOrderNumber", "QuoteNumber", "Number"})
_WORDS: Final = frozenset(  # of Xero's, never of a person's
    {
        "AccountCode", "AccountType", "AccountsPayableTaxType", "AccountsReceivableTaxType", "AddressType",
        "BankAccountType", "Code", "ContactStatus", "CurrencyCode", "DefaultCurrency", "ItemCode", "LineAmountTypes",
        "PaymentType", "PhoneType", "PurchasesDefaultAccountCode", "SalesDefaultAccountCode", "SourceTransactionType",
        "Status", "StatusAttributeString", "TaxType", "Type", "status", "currency", "account_code", "tax_type", "read",
    }
)  # fmt: skip
_AMOUNTS: Final = re.compile(
    r"(Amount|Amounts|Total|SubTotal|TotalTax|Due|Paid|Credited|Rate|Quantity|Price|Cost|Credit|Discount|"
    r"amount|total|sub_total|total_tax|rounding)$"
)
_SETTINGS: Final = frozenset({"Account", "BankAccount", "Tracking", "TrackingCategories", "lines"})
_DATE: Final = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/|\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d)?)?")
_DIGITS: Final = re.compile(r"-?\d{1,20}(\.\d{1,10})?")
_MARK: Final = re.compile(r"(?:^|\s)([a-z2-7]{16})$")
_MARKED_URL: Final = re.compile(r"/p/[a-z2-7]{16}(?=$|[/?#])")
_OF_A_CONTACT: Final = re.compile(rb'"ContactID":\s*"([^"]{1,60})"')
_IDS: Final = ("InvoiceID", "CreditNoteID", "PurchaseOrderID", "QuoteID")
Tells = Callable[[str], bool]
_UNDER: Final = ("Invoice", "CreditNote", "Prepayment", "Overpayment")


def text(value: str) -> str:
    """What stands in its place: nothing for nothing, the mark of ours for a text that ends in one."""
    if not value or value == ERASED:
        return value
    mark = _MARK.search(value)
    return f"{ERASED} {mark[1]}" if mark else ERASED


def mentions(body: bytes, contact_ids: Collection[str]) -> bool:
    """Whether one of these contacts stands anywhere in a document: quick, for all that come by."""
    return any(found.decode("ascii", "replace") in contact_ids for found in _OF_A_CONTACT.findall(body))


def body(raw: bytes, contact_ids: Collection[str], numbers: Collection[str] = ()) -> bytes:
    """One document's JSON without what is personal of these contacts; as it came when it is not about them.

    `numbers`: the documents, by id, whose own number is a word of the person's.
    """
    found = record.plain(raw)
    veiled = document(found, contact_ids, numbers)
    return raw if veiled is found else _ENCODER.encode(veiled)


def like(raw: bytes, was: bytes, contact_ids: Collection[str], numbers: Collection[str] = ()) -> bytes:
    """A document that says nothing of its contact, as the same document was before: without the text if that was theirs."""
    found = record.plain(raw)
    names_nobody = isinstance(found, dict) and not any(name in found for name in ("Contact", "ContactID", *_UNDER))
    return _ENCODER.encode(whole(found, numbers)) if names_nobody and is_about(record.plain(was), contact_ids) else raw


def document(found: Any, contact_ids: Collection[str], numbers: Collection[str] = ()) -> Any:
    """The same of a document that is read already."""
    if not isinstance(found, dict):
        return found
    if is_about(found, contact_ids):
        return whole(found, numbers)
    return _others(found, contact_ids)


def is_about(found: Mapping[str, Any], contact_ids: Collection[str]) -> bool:
    """Whether a document is one of these contacts, or belongs to one: an invoice, a payment of it."""
    if found.get("ContactID") in contact_ids:
        return True
    under = (found, *(one for name in _UNDER if isinstance(one := found.get(name), dict)))
    contacts = (one.get("Contact") for one in under)
    return any(isinstance(one, dict) and one.get("ContactID") in contact_ids for one in contacts)


def whole(found: Any, numbers: Collection[str] = (), tells: Tells | None = None) -> Any:
    """Everything that may be personal in a document, in an element that is sent, or in what is expected of it.

    `tells`: whether a number is a word of the person's, where their words are known.
    """
    return _Veil(numbers, tells).of(found, "", "", named=False)


def _others(found: Any, contact_ids: Collection[str]) -> Any:
    """Somebody else's document that names them: only the part about them."""
    if isinstance(found, list):
        parts = [_others(one, contact_ids) for one in found]
        return found if all(one is was for one, was in zip(parts, found, strict=True)) else parts
    if not isinstance(found, dict):
        return found
    if found.get("ContactID") in contact_ids:
        return whole(found)
    inner = {name: _others(one, contact_ids) for name, one in found.items()}
    return found if all(inner[name] is one for name, one in found.items()) else inner


class _Veil:
    """Lies over one document."""

    def __init__(self, numbers: Collection[str], tells: Tells | None) -> None:
        self._numbers = numbers
        self._tells = tells

    def of(self, value: Any, name: str, parent: str, *, named: bool) -> Any:
        """A part of it. `named`: of a document whose number tells."""
        if isinstance(value, dict):
            tells = bool(self._numbers) and any(value.get(one) in self._numbers for one in _IDS)
            return {key: self.of(one, key, name, named=tells) for key, one in value.items()}
        if isinstance(value, list):
            return [self.of(one, name, parent, named=named) for one in value]
        if isinstance(value, str) and not self._stays(value, name, parent, named=named):
            return text(value)
        return value

    def _stays(self, value: str, name: str, parent: str, *, named: bool) -> bool:
        if name in _NUMBERS:
            return not (named or "@" in value or (self._tells is not None and self._tells(value)))
        if name in {"Url", "url"}:
            return bool(_MARKED_URL.search(value))
        if name.endswith(("ID", "IDs", "UTC", "_id")) or name in _WORDS or parent in _SETTINGS:
            return True
        return bool(_DATE.fullmatch(value)) or bool(_AMOUNTS.search(name) and _DIGITS.fullmatch(value))
