"""PaymentServices: addresses where customers pay, of the organisation and of a branding theme (facts 5.23).

Called through `resources` and by `branding_themes`. Those made through the API are of type CUSTOM.
"""

from typing import Final
from urllib.parse import urlsplit

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import batches, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "PaymentServices"
THEMES: Final = "theme payment services"
SCOPE: Final = "paymentservices"
# Xero's own where the published examples have it.
NOT_FOUND: Final = "Payment service could not be found"
NO_NAME: Final = "The PaymentServiceName field is mandatory"
NO_URL: Final = "The PaymentServiceUrl must be a complete http or https address."
SHAPE: Final = shape.Shape(
    PaymentServiceID=shape.guid,
    PaymentServiceName=shape.text,
    PaymentServiceUrl=shape.text,
    PayNowText=shape.text,
)
_PAY_NOW: Final = "Pay by credit card"


def _created(call: Call, posted: Row) -> Outcome:
    errors = [] if posted.get("PaymentServiceName") else [NO_NAME]
    if not _is_address(posted.get("PaymentServiceUrl", "")):
        errors.append(NO_URL)
    if errors:
        return Outcome({**posted, "PaymentServiceID": wire.ZERO_GUID}, errors)
    row = {
        "PaymentServiceID": call.world.ids.guid(),
        "PaymentServiceName": posted["PaymentServiceName"],
        "PaymentServiceUrl": posted["PaymentServiceUrl"],
        "PaymentServiceType": "CUSTOM",
        "PayNowText": posted.get("PayNowText") or _PAY_NOW,
    }
    call.books.table(PLURAL).put(row["PaymentServiceID"], row)
    return Outcome({**row, "ValidationErrors": []})


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # a bracket that belongs to no address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def of_theme(call: Call, theme_id: str) -> Answer:
    """GET those of a branding theme; POST gives it one by its id, or makes a new one for it."""
    if call.method == "GET":
        kept = (call.books.table("settings").get(THEMES) or {}).get(theme_id, [])
        rows = [call.books.table(PLURAL).rows[own_id] for own_id in kept]
        return answers.envelope(call.world, call.client_id, PLURAL, rows)
    if call.method != "POST":
        raise Refusal(answers.not_implemented())
    elements = shape.posted(call, PLURAL, "PaymentService", SHAPE)
    return batches.written(call, PLURAL, elements, lambda posted: _given(call, theme_id, posted), summarize=True)


def _given(call: Call, theme_id: str, posted: Row) -> Outcome:
    row = call.books.table(PLURAL).get(posted.get("PaymentServiceID", ""))
    if row is None and "PaymentServiceID" in posted:
        return Outcome(dict(posted), [NOT_FOUND])
    outcome = _created(call, posted) if row is None else Outcome(dict(row))
    if not outcome.errors:
        settings = call.books.table("settings")
        themes = settings.get(THEMES) or {}
        own_id = outcome.element["PaymentServiceID"]
        settings.put(THEMES, {**themes, theme_id: list(dict.fromkeys([*themes.get(theme_id, []), own_id]))})
    return outcome


COLLECTION = Collection(
    plural=PLURAL,
    singular="PaymentService",
    id_key="PaymentServiceID",
    shape=SHAPE,
    created=_created,
    has_pages=False,
    stamp_key="",
    has_history=False,
)


def _handle(call: Call) -> Answer:
    """The list and PUT; Xero has no address of one service."""
    if call.path:
        raise Refusal(answers.not_found())
    return COLLECTION.handle(call)


RESOURCE = Resource(PLURAL, "PaymentService", SCOPE, _handle)
