"""ManualJournals: a bookkeeper's own debits and credits (facts 5.15).

Called through `resources`. Life cycle DRAFT to POSTED or DELETED, POSTED to VOIDED. What the facts have no sentence for
has one of ours.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox import arithmetic, wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import coding, document_lines, document_rules, history, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "ManualJournals"
LINES_MIN: Final = 2
ORDER: Final = (
    "Date", "Status", "LineAmountTypes", "UpdatedDateUTC", "ManualJournalID", "Narration", "JournalLines", "Url",
    "ShowOnCashBasisReports", "HasAttachments",
)  # fmt: skip
LINE_ORDER: Final = (
    "Description", "TaxType", "LineAmount", "TaxAmount", "AccountCode", "Tracking", "AccountID", "IsBlank",
)  # fmt: skip
NEXT: Final = {
    "DRAFT": {"DRAFT", "POSTED", "DELETED"},
    "POSTED": {"POSTED", "VOIDED"},
    "DELETED": set[str](),
    "VOIDED": set[str](),
}
NOT_FOR_CREATION: Final = "Manual journal not of valid status for creation"
NOT_FOR_MODIFICATION: Final = "Manual journal not of valid status for modification"
NO_NARRATION: Final = "The Narration field is mandatory"
TOO_FEW_LINES: Final = "A manual journal needs at least two journal lines"
UNBALANCED: Final = "The total debits ({debits:.2f}) must equal total credits ({credits:.2f})"
SHAPE: Final = shape.Shape(
    ManualJournalID=shape.guid,
    Narration=shape.text,
    JournalLines=shape.array_of(document_lines.SHAPE),
    Date=shape.day,
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    Status=shape.enum("ManualJournalStatus", "DRAFT", "POSTED", "DELETED", "VOIDED", "ARCHIVED"),
    Url=shape.text,
    ShowOnCashBasisReports=shape.boolean,
)
_COPIED: Final = ("Narration", "LineAmountTypes", "Status", "Url", "ShowOnCashBasisReports")
_NO_JOURNAL: Final = frozenset({"BANK", "INVENTORY"})
_ZERO: Final = Decimal(0)


def _created(call: Call, posted: Row) -> Outcome:
    base: Row = {
        "ManualJournalID": call.world.ids.guid(),
        "Date": wire.day(call.books.today(call.world.clock.now())),
        "Status": "DRAFT",
        "LineAmountTypes": "NoTax",
        "JournalLines": [],
        "ShowOnCashBasisReports": True,
        "HasAttachments": False,
    }
    errors = [] if posted.get("Status", "DRAFT") in {"DRAFT", "POSTED"} else [NOT_FOR_CREATION]
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        history.made(call, base["ManualJournalID"])
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    before = call.books.table(PLURAL).get(posted.get("ManualJournalID", ""))
    if before is None:
        return _created(call, posted)
    asked = posted.get("Status", before["Status"])
    errors = [] if asked in NEXT[before["Status"]] else [NOT_FOR_MODIFICATION]
    errors += document_rules.locked(call.books, wire.day_of(before["Date"]))
    outcome = _applied(call, before, posted, errors)
    if not outcome.errors:
        history.added(call, before["ManualJournalID"], "Edited", outcome.element["Narration"])
    return outcome


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    row: Row = {**before, **{key: posted[key] for key in _COPIED if key in posted}}
    if "Date" in posted:
        row["Date"] = wire.day(posted["Date"])
    warnings: list[str] = []
    if row["Status"] in {"DRAFT", "POSTED"} and not errors:
        if not row.get("Narration", "").strip():
            errors.append(NO_NARRATION)
        errors += document_rules.locked(call.books, wire.day_of(row["Date"]))
        if {"JournalLines", "LineAmountTypes", "Status"} & posted.keys() or not before["JournalLines"]:
            lines = _lines(call, row, posted.get("JournalLines") or before["JournalLines"])
            row["JournalLines"] = lines.rows
            errors, warnings = errors + lines.errors, lines.warnings
    if errors:
        own_id = before["ManualJournalID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID
        shown = {**row, "ManualJournalID": own_id}
        return Outcome({key: wire.tidy(shown[key]) for key in ORDER if key in shown}, errors)
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(row["ManualJournalID"], row)
    return Outcome(dict(row), [], warnings)


def _lines(call: Call, row: Row, sent: list[Row]) -> coding.Lines:
    """The journal's lines with accounts, tax and tracking, or what is wrong with them."""
    lines = coding.Lines()
    strict = row["Status"] == "POSTED"
    drafts = [_resolved(call, line, row["LineAmountTypes"], lines, strict=strict) for line in sent]
    rates = call.books.table("TaxRates").rows
    priced = (
        []
        if lines.errors
        else arithmetic.price(
            row["LineAmountTypes"], drafts, lambda tax_type: Decimal(rates[tax_type]["EffectiveRate"]), 2
        ).lines
    )
    if len(sent) < LINES_MIN:
        lines.errors.append(TOO_FEW_LINES)
    on_top = row["LineAmountTypes"] == "Exclusive"
    amounts = [line["LineAmount"] + (line["TaxAmount"] if on_top else _ZERO) for line in priced if "LineAmount" in line]
    debits, credited = (
        sum((each for each in amounts if each > 0), _ZERO),
        sum((each for each in amounts if each < 0), _ZERO),
    )
    if debits + credited:
        lines.errors.append(UNBALANCED.format(debits=debits, credits=credited))
    for line in priced or drafts:
        line["IsBlank"] = "LineAmount" not in line
        lines.rows.append({key: wire.tidy(line[key]) for key in LINE_ORDER if key in line})
    return lines


def _resolved(call: Call, posted: Row, line_amount_types: str, lines: coding.Lines, *, strict: bool) -> Row:
    line: Row = {key: posted[key] for key in LINE_ORDER if key in posted and key != "IsBlank"}
    line["Tracking"] = coding.tracking_of(call.books, line.get("Tracking", []), lines)
    if "LineAmount" not in line:
        return line
    account = coding.account_of(call.books, line, lines, strict=strict)
    if account is not None and (account["Type"] in _NO_JOURNAL or account.get("SystemAccount") == "RETAINEDEARNINGS"):
        lines.errors.append(f"Account code '{account.get('Code')}' is not a valid code for this document.")
    coding.tax_of(call.books, line, account, line_amount_types, lines, strict=strict)
    return line


COLLECTION = Collection(
    plural=PLURAL,
    singular="ManualJournal",
    id_key="ManualJournalID",
    shape=SHAPE,
    unlisted=lambda _, row: {**row, "JournalLines": []},
    form=lambda _: "as it is",
    created=_created,
    saved=_saved,
)
RESOURCE = Resource(PLURAL, "ManualJournal", "accounting.manualjournals", COLLECTION.handle)
