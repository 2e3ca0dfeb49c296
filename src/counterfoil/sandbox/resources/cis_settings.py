"""CISSettings of a contact and of the organisation: who deducts what in Britain's building trade; read only (facts 5.1, 5.7).

Called by `resources`, which puts it before both handlers. A person sets them (`/_sandbox/organisation`, `cis`). A contact that
never was a subcontractor has none (404), nor has an organisation outside Britain.
"""

import dataclasses
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources.resource import Resource

PLURAL: Final = "CISSettings"
KEY: Final = "cis"
RATE_MAX: Final = 100
_PARENTS: Final = frozenset({"Contacts", "Organisations"})
_FIELDS: Final = frozenset({"contractor", "subcontractor", "rate", "contacts"})


def with_settings(resource: Resource) -> Resource:
    """The resource with CISSettings on each of its rows, if Xero has them there."""
    if resource.plural not in _PARENTS:
        return resource
    own, shown = resource.handle, _contact if resource.plural == "Contacts" else _organisation

    def handle(call: Call) -> Answer:
        return shown(call) if len(call.path) == 2 and call.path[1].lower() == PLURAL.lower() else own(call)

    return dataclasses.replace(resource, handle=handle)


def put(books: Books, given: Any) -> None:
    """{"contractor", "subcontractor", "rate", "contacts": {ContactID: per cent, null = no longer}}. Raises TypeError, ValueError."""
    if not isinstance(given, dict) or given.keys() - _FIELDS:
        raise TypeError(f"cis is an object of {', '.join(sorted(_FIELDS))}")
    row = dict(books.table("settings").get(KEY) or {"contacts": {}})
    for field in given.keys() & {"contractor", "subcontractor"}:
        if not isinstance(given[field], bool):
            raise TypeError(f"cis.{field} is true or false")
        row[field] = given[field]
    if "rate" in given:
        row["rate"] = _rate(given["rate"])
    contacts = given.get("contacts", {})
    if not isinstance(contacts, dict):
        raise TypeError("cis.contacts is an object of ContactID and per cent")
    for contact_id, rate in contacts.items():
        if books.table("Contacts").get(contact_id.lower()) is None:
            raise ValueError(f"no such contact: {contact_id}")
        row["contacts"] = {**row["contacts"], contact_id.lower(): None if rate is None else _rate(rate)}
    books.table("settings").put(KEY, row)


def _rate(given: Any) -> Decimal:
    try:
        rate = Decimal(str(given))
    except InvalidOperation:
        rate = Decimal(-1)
    if isinstance(given, bool) or not rate.is_finite() or not 0 <= rate <= RATE_MAX:
        raise ValueError(f"a CIS rate is between 0 and {RATE_MAX}")
    return wire.number(rate)


def _contact(call: Call) -> Answer:
    contact_id = call.path[0].lower()
    told = (call.books.table("settings").get(KEY) or {"contacts": {}})["contacts"]
    if call.books.table("Contacts").get(contact_id) is None or contact_id not in told:
        _refuse(call)
    rate = told[contact_id]
    # Of a contact that is no longer one, Xero has no rate: the schema says so.
    shown = {"CISEnabled": False} if rate is None else {"CISEnabled": True, "Rate": rate}
    return _answered(call, shown)


def _organisation(call: Call) -> Answer:
    if call.path[0].lower() != call.books.tenant_id or call.books.organisation["CountryCode"] != "GB":
        _refuse(call)
    told = call.books.table("settings").get(KEY) or {}
    shown = {
        "CISContractorEnabled": told.get("contractor", False),
        "CISSubContractorEnabled": told.get("subcontractor", False),
    }
    return _answered(call, shown | ({"Rate": told["rate"]} if "rate" in told else {}))


def _refuse(call: Call) -> None:
    raise Refusal(answers.not_found() if call.method == "GET" else answers.not_implemented())


def _answered(call: Call, shown: dict[str, Any]) -> Answer:
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    return answers.envelope(call.world, call.client_id, PLURAL, [shown])
