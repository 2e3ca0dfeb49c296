"""What is wrong with an answer of the sandbox, by what Xero publishes: keys that no schema has, values that none allows.

Called by test_openapi for answers of every kind, and by conftest for every answer that the suite sees, the SDK's too.
"""

import contextlib
import json
import re
from decimal import Decimal
from urllib.parse import urlsplit

import urllib3

from tests.conformance import foreign, published

SCHEMAS = published.kept()
REPORT = "ReportWithRow"
OF_REFUSED = frozenset({"ValidationErrors"})
IN_PATHS = {"history": "HistoryRecords", "options": "TrackingOptions"}
# The last form, a month, is of budgets' periods (facts 9).
DATE = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/|\d{4}-\d\d|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z?)?")
HAS_TYPE = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "date": lambda value: isinstance(value, str) and DATE.fullmatch(value) is not None,
}

# Sent by Xero although the published schema lacks it, each with where that is known from.
SEEN = {
    "Invoice": {
        "InvoicePaymentServices": "recorded on lists and single invoices",
        "DateString": "recorded companion of Date",
        "DueDateString": "recorded companion of DueDate",
        "RoundingAmount": "named by the facts (4.6), not by the schema",
        "EnteredTotal": "named by the facts (4.6), not by the schema",
    },
    "CreditNote": {
        "ID": "recorded: the CreditNoteID once more",
        "DateString": "recorded companion of Date",
        "DueDateString": "companion of DueDate, as on invoices",
    },
    "HistoryRecord": {
        "DateUTCString": "recorded companion of DateUTC",
        "ValidationErrors": "in the published example of a note that was made",
    },
    "Item": {
        "QuantityOnBackOrder": "named by the facts (5.6): spec 16.2.0",
        "QuantityAvailable": "named by the facts (5.6): spec 16.2.0",
    },
    "LineItem": {"ValidationErrors": "recorded on lines of write answers"},
    "BankTransaction": {"DateString": "in the published examples"},
    "BankTransfer": {
        "DateString": "in the published examples",
        "CreatedDateUTCString": "in the published examples",
        "StatusAttributeString": "the endpoint has summarizeErrors",
    },
    "BatchPayment": {"StatusAttributeString": "the endpoint has summarizeErrors"},
    "Overpayment": {"ID": "in the published examples", "DateString": "in the published examples"},
    "Prepayment": {"ID": "in the published examples", "DateString": "in the published examples"},
    "PurchaseOrder": {
        "DateString": "recorded companion of Date",
        "DeliveryDateString": "companion of DeliveryDate, as of Date",
        "HasErrors": "recorded",
        "IsDiscounted": "recorded",
        "Type": "recorded: PURCHASEORDER",
    },
    "Receipt": {"ID": "in the published examples"},
    "RepeatingInvoice": {
        "StatusAttributeString": "the endpoint has summarizeErrors",
        "ValidationErrors": "the endpoint has summarizeErrors",
    },
    "ContactGroup": {"HasValidationErrors": "in the published examples"},
    "": {"Message": "of a validation error whose place the schema lacks"},
    "LineItemTracking": {"Options": "recorded: an empty list"},
    "TrackingOption": {
        "HasValidationErrors": "in the published examples of options",
        "IsDeleted": "in the published examples of options",
        "IsArchived": "in the published examples of options",
        "IsActive": "in the published examples of options",
    },
    "Phone": {"ValidationErrors": "recorded on refused contacts"},
    "Envelope": {
        "Id": "recorded",
        "Status": "recorded",
        "ProviderName": "recorded",
        "DateTimeUTC": "recorded",
        "SummarizeErrors": "recorded on quotes",
    },
}


def wrong(url, body):
    """What is wrong with a JSON answer to a call of the Accounting API; nothing for what is none, or no whole JSON."""
    path = urlsplit(url).path
    if not path.lower().startswith(foreign.API):
        return []
    try:
        document = json.loads(body, parse_float=Decimal)
    except ValueError:
        return []
    found = []
    for plural, elements in document.items() if isinstance(document, dict) else ():
        name = schema_of(path, plural)
        if isinstance(elements, list) and name in SCHEMAS:
            found += unknown_keys(name, elements if plural != "Elements" else [bare(element) for element in elements])
            found += [bad for element in elements for bad in unpublished_values(name, element)]
            found += [bad for element in elements for bad in wrong_types(name, element)]
    return sorted(set(found))


def bare(element):
    """A refused element without what every refused element has."""
    return {key: value for key, value in element.items() if key not in OF_REFUSED}


def schema_of(path, plural):
    """The schema of a list's elements; those of a refusal are what was sent to this path."""
    if plural == "Elements":
        parts = path[len(foreign.API) :].strip("/").split("/")
        if parts[0].lower() == "reports":
            return ""  # what is asked of a report is no element
        names = [singular(IN_PATHS.get(part.lower(), part)) for part in parts]
        return next((name for name in reversed(names) if name in SCHEMAS), "")
    if plural == "CISSettings" and "/organisation" in path.lower():
        return "CISOrgSetting"
    return REPORT if plural == "Reports" else singular(plural)


def singular(plural):
    """The schema of one element of a list."""
    return f"{plural.removesuffix('ies')}y" if plural.endswith("ies") else plural.removesuffix("s")


@contextlib.contextmanager
def watching(patch):
    """Every answer is judged as it comes in, refusals too, whoever asked: a bare request or the SDK.

    The SDK raises for a refusal, so it is judged below it, where urllib3 gives it its answers. `patch`: a pytest MonkeyPatch.
    """
    bare, pool = foreign.send, urllib3.PoolManager.request

    def send(url, method, path, **more):
        reply = bare(url, method, path, **more)
        _judged(path, reply.body)
        return reply

    def request(self, method, url, *rest_of, **more):
        reply = pool(self, method, url, *rest_of, **more)
        if reply.headers.get("Content-Type", "").startswith("application/json"):
            _judged(url, reply.data)
        return reply

    patch.setattr(foreign, "send", send)
    patch.setattr(urllib3.PoolManager, "request", request)
    yield


def _judged(url, body):
    found = wrong(url, body)
    assert not found, f"{urlsplit(url).path}: Xero publishes none of {found}"


def unknown_keys(name, value, path=""):
    """Every key under `value` that neither the schema called `name` nor SEEN has."""
    if isinstance(value, list):
        return [key for entry in value for key in unknown_keys(name, entry, path)]
    if not isinstance(value, dict):
        return []
    members = SCHEMAS.get(name, {}).get("members", {})
    here = f"{path}{name or 'untyped'}."
    found = [f"{here}{key}" for key in value if key not in members and key not in SEEN.get(name, {})]
    for key, entry in value.items():
        found += unknown_keys(members.get(key, {}).get("of", ""), entry, here)
    return found


def unpublished_values(name, value):
    """`Schema.key=value` for every text whose schema enumerates others."""
    wrong = set()
    for key, entry in value.items():
        member = SCHEMAS.get(name, {}).get("members", {}).get(key, {})
        inner = member.get("of", "")
        allowed = member.get("values") or SCHEMAS.get(inner, {}).get("values")
        if allowed and isinstance(entry, str) and entry not in allowed:
            wrong.add(f"{name}.{key}={entry}")
        for nested in entry if isinstance(entry, list) else [entry]:
            if isinstance(nested, dict):
                wrong |= unpublished_values(inner, nested)
    return wrong


def wrong_types(name, value):
    """`Schema.key: type` for every value of another type than the schema says; a date is one of Xero's forms."""
    found = []
    for key, entry in value.items():
        member = SCHEMAS.get(name, {}).get("members", {}).get(key, {})
        type_ = member.get("type")
        if entry is not None and type_ is not None and not HAS_TYPE[type_](entry):
            found.append(f"{name}.{key}: {entry!r} is no {type_}")
        for nested in entry if isinstance(entry, list) else [entry]:
            if isinstance(nested, dict):
                found += wrong_types(member.get("of", ""), nested)
    return found
