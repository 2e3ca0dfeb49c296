"""TaxRates: the organisation's rates, deleted ones included; PUT makes one, POST makes or changes one (facts 5.3).

Called through `resources`. One rate for each write; the rates that an edition comes with cannot be changed, and a made
one never loses or renames a component. Xero's sentences are not known; these are ours.
"""

import itertools
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "TaxRates"
ORDER: Final = (
    "Name", "TaxType", "ReportTaxType", "CanApplyToAssets", "CanApplyToEquity", "CanApplyToExpenses",
    "CanApplyToLiabilities", "CanApplyToRevenue", "DisplayTaxRate", "EffectiveRate", "Status", "TaxComponents",
)  # fmt: skip
WITH_RETURNS: Final = frozenset({"AU", "NZ", "UK"})
NO_NAME: Final = "The Name field is mandatory"
TAKEN: Final = "A tax rate with this name already exists"
NO_COMPONENTS: Final = "A tax rate needs at least one tax component"
NO_REPORT: Final = "The ReportTaxType field is mandatory"
SYSTEM: Final = "A system tax rate cannot be changed"
LOST: Final = "All existing tax components must be sent, under their names"
_PLACES: Final = Decimal("0.0001")
_HUNDRED: Final = Decimal(100)
_OWN: Final = re.compile(r"TAX\d{3}")
_COMPONENT: Final = shape.Shape(
    Name=shape.text, Rate=shape.decimal, IsCompound=shape.boolean, IsNonRecoverable=shape.boolean
)
SHAPE: Final = shape.Shape(
    Name=shape.text,
    TaxType=shape.text,
    ReportTaxType=shape.text,
    TaxComponents=shape.array_of(_COMPONENT),
    Status=shape.enum("TaxRateStatus", "ACTIVE", "DELETED", "ARCHIVED", "PENDING"),
)


def _created(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    errors = _problems(call, posted)
    if not posted.get("Name"):
        errors.append(NO_NAME)
    if not posted.get("TaxComponents"):
        errors.append(NO_COMPONENTS)
    if call.books.organisation["Version"] in WITH_RETURNS and not posted.get("ReportTaxType"):
        errors.append(NO_REPORT)
    if errors:
        return Outcome(wire.tidy(posted), errors)
    code = next(code for number in itertools.count(1) if table.get(code := f"TAX{number:03}") is None)
    base: Row = {"TaxType": code, "Status": "ACTIVE", **_classes(posted.get("ReportTaxType", ""))}
    return _stored(call.books, {**base, **{key: value for key, value in posted.items() if key != "TaxType"}})


def _saved(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    code = posted.get("TaxType", "").upper()
    before = table.get(code) if code else _named(call.books, posted.get("Name"))
    if before is None:
        return _created(call, posted)
    errors = _problems(call, posted, before["TaxType"])
    if not _OWN.fullmatch(before["TaxType"]):
        errors = [SYSTEM]
    sent = {component.get("Name") for component in (posted if "TaxComponents" in posted else before)["TaxComponents"]}
    if any(component["Name"] not in sent for component in before["TaxComponents"]):
        errors.append(LOST)
    if errors:
        return Outcome({**before, **wire.tidy(posted)}, errors)
    return _stored(call.books, {**before, **posted, "TaxType": before["TaxType"]})


def _problems(call: Call, posted: Row, own: str = "") -> list[str]:
    holder = _named(call.books, posted.get("Name"))
    return [TAKEN] if holder is not None and holder["TaxType"] != own else []


def _named(books: Books, name: str | None) -> Row | None:
    """The rate of this name that is not deleted."""
    wanted = fold(name)
    rows = (row for row in books.table(PLURAL) if row["Status"] != "DELETED")
    return next((row for row in rows if wanted and fold(row["Name"]) == wanted), None)


def _stored(books: Books, row: Row) -> Outcome:
    components = [
        {
            "Name": one.get("Name", ""),
            "Rate": wire.number(one.get("Rate", Decimal(0)).quantize(_PLACES, ROUND_HALF_UP)),
            "IsCompound": one.get("IsCompound", False),
            "IsNonRecoverable": one.get("IsNonRecoverable", False),
        }
        for one in row["TaxComponents"]
    ]
    simple = sum((one["Rate"] for one in components if not one["IsCompound"]), Decimal(0))
    rate = simple
    for one in components:
        if one["IsCompound"]:  # a tax on the other taxes too
            rate += one["Rate"] * (_HUNDRED + simple) / _HUNDRED
    effective = wire.number(rate.quantize(_PLACES, ROUND_HALF_UP))
    row = {**row, "TaxComponents": components, "DisplayTaxRate": effective, "EffectiveRate": effective}
    row = {key: row[key] for key in ORDER if key in row}
    books.table(PLURAL).put(row["TaxType"], row)
    return Outcome(dict(row))


def _classes(report: str) -> Row:
    """What a made rate may be used with: a tax on income not with expenses, and the other way round."""
    income, expense = "OUTPUT" in report, "INPUT" in report
    neither = not income and not expense
    return {
        "CanApplyToAssets": True,
        "CanApplyToEquity": True,
        "CanApplyToExpenses": expense or neither,
        "CanApplyToLiabilities": True,
        "CanApplyToRevenue": income or neither,
    }


COLLECTION = Collection(
    plural=PLURAL,
    singular="TaxRate",
    id_key="TaxType",
    shape=SHAPE,
    created=_created,
    saved=_saved,
    has_pages=False,
    stamp_key="",
    has_history=False,
    limits={"PUT": 1, "POST": 1},
    summarized=frozenset(),
    key=str.upper,
)
RESOURCE = Resource(PLURAL, "TaxRate", "accounting.settings", COLLECTION.handle)
