"""Events of what was written: one for each document that a commit made or changed (facts 6.1, 6.2).

Called by `subscriptions`. Pure. A change that does not move a document's stamp makes no event.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.tables import Change, Row
from counterfoil.sandbox.unknowns import Unknowns

CATEGORY_OF: Final = {
    "Contacts": "CONTACT",
    "Invoices": "INVOICE",
    "CreditNotes": "CREDITNOTE",
    "Prepayments": "PREPAYMENT",
    "Overpayments": "OVERPAYMENT",
    "Payments": "PAYMENT",
}
SUBSCRIPTION: Final = "SUBSCRIPTION"
CATEGORIES: Final = (*CATEGORY_OF.values(), SUBSCRIPTION)
CATEGORIES_DEFAULT: Final = ("CONTACT", "INVOICE")
_SINGULAR: Final = {plural: plural.removesuffix("s") for plural in CATEGORY_OF}
# What a payment or an allocation changes on the document that it is for.
_OF_PAYMENTS: Final = frozenset(
    {
        "AmountDue", "AmountPaid", "AmountCredited", "RemainingCredit", "AppliedAmount", "FullyPaidOnDate", "Payments",
        "CreditNotes", "Prepayments", "Overpayments", "Allocations", "UpdatedDateUTC", "UpdatedDateUTCString", "Status",
    }
)  # fmt: skip
_PAID: Final = frozenset({"AUTHORISED", "PAID"})
_INFERRED: Final = frozenset({"PAYMENT", "OVERPAYMENT"})  # nobody has seen their `data`


class Event(NamedTuple):
    """One event of a tenant; `wire` is the object as it is sent. `client_id`: the tenant is this app, which alone is told."""

    tenant_id: str
    category: str
    wire: dict[str, Any]
    client_id: str = ""


def of(changes: Iterable[Change], api_url: str, unknowns: Unknowns) -> list[Event]:
    """The events of one commit, in the order in which documents were first touched.

    Whether paying or crediting a document is one, and what those of payments hold, is not known (facts 11.1, 11.15).
    """
    silent = unknowns.plays("paid-documents", "silent")
    untold = {"Payments"} if unknowns.plays("payment-events", "none") else set()
    first: dict[tuple[str, str, str], Row | None] = {}
    last: dict[tuple[str, str, str], Row | None] = {}
    events = []
    for change in changes:
        if change.table.name == "app_subscriptions" and change.after is not None:
            events.append(_of_subscription(change.after, api_url, is_new=change.before is None))
        if change.table.name in CATEGORY_OF and change.table.name not in untold:
            key = (change.table.space, change.table.name, change.key)
            first.setdefault(key, change.before)
            last[key] = change.after
    for key, after in last.items():
        before, (tenant_id, plural, _) = first[key], key
        if after is None or not _is_told(before, after, silent_payments=silent):
            continue
        category = CATEGORY_OF[plural]
        sent = _wire(tenant_id, plural, after, api_url, is_new=before is None)
        if category in _INFERRED and unknowns.plays("payment-events", "without-data"):
            del sent["data"]
        events.append(Event(tenant_id, category, sent))
    return events


def _is_told(before: Row | None, after: Row, *, silent_payments: bool) -> bool:
    if before is None:
        return True
    if before.get("UpdatedDateUTC") == after.get("UpdatedDateUTC"):
        return False
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return not (silent_payments and changed <= _OF_PAYMENTS and {before["Status"], after["Status"]} <= _PAID)


def _wire(tenant_id: str, plural: str, row: Row, api_url: str, *, is_new: bool) -> dict[str, Any]:
    """In the order of keys that was seen, which is another one in the newer categories."""
    own_id = row[f"{_SINGULAR[plural]}ID"]
    category = CATEGORY_OF[plural]
    what = {"resourceUrl": f"{api_url}/api.xro/2.0/{plural}/{own_id}", "resourceId": own_id}
    when = {"eventDateUtc": _moment(row)}
    kind = {"eventType": "CREATE" if is_new else "UPDATE"}
    about = {"eventCategory": category}
    tenant = {"tenantId": tenant_id, "tenantType": "ORGANISATION"}
    if category in CATEGORIES_DEFAULT:
        return what | when | kind | about | tenant
    return what | tenant | about | kind | when | {"data": _data(category, row)}


def _of_subscription(row: Row, api_url: str, *, is_new: bool) -> Event:
    """Of the App Store: the tenant is the application. In the order of keys that contacts and invoices have."""
    own_id, client_id = row["shown"]["id"], row["client_id"]
    application = guid_of(f"{client_id}/application")
    sent = {
        "resourceUrl": f"{api_url}/appstore/2.0/subscriptions/{own_id}",
        "resourceId": own_id,
        "eventDateUtc": _moment(row),
        "eventType": "CREATE" if is_new else "UPDATE",
        "eventCategory": SUBSCRIPTION,
        "tenantId": application,
        "tenantType": "APPLICATION",
    }
    return Event(application, SUBSCRIPTION, sent, client_id)


def _moment(row: Row) -> str:
    moment = wire.moment_of(row["UpdatedDateUTC"])
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}"


def _data(category: str, row: Row) -> dict[str, Any]:
    """What the newer categories say beside; of overpayments and payments it is inferred from prepayments."""
    data = {"Type": row.get("Type") or row.get("PaymentType"), "Status": row["Status"]}
    if category != "CREDITNOTE":
        data["UpdatedDateUTCString"] = wire.iso_stamp(wire.moment_of(row["UpdatedDateUTC"]))
    return data
