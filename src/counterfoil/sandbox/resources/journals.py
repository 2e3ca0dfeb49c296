"""Journals: everything that was posted, by number, at most 100 at a time; for apps that have them (facts 1.7, 5.16).

Called through `resources`. Read only. `offset` is a journal number, not a row; If-Modified-Since looks at CreatedDateUTC.
How Xero refuses an app of a smaller tier that has the scope is not known: here it is 403. On cash basis (paymentsOnly) documents and journals that stay
out of it are left out, and a payment of an invoice shows that share of the invoice's lines.
"""

from collections.abc import Iterable
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.ledger import documents, entry, settling
from counterfoil.sandbox.ledger.entry import Line
from counterfoil.sandbox.resources import listing
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Journals"
PAGE: Final = 100
_DOCUMENTS: Final = frozenset({"Invoices", "CreditNotes"})


def handle(call: Call) -> Answer:
    """GET the next hundred, or one by id or number."""
    if call.method != "GET" or len(call.path) > 1:
        raise Refusal(answers.not_implemented())
    app = call.world.apps.get(call.client_id)
    if call.person is None and (app is None or not app.has_journals):
        raise Refusal(answers.problem(call.world, 403, "Forbidden", "AuthorizationUnsuccessful"))
    table = call.books.table("journals")
    if call.path:
        wanted = call.path[0].lower()
        row = table.get(wanted) or next((row for row in table if _id(call.books, row) == wanted), None)
        if row is None:
            raise Refusal(answers.not_found())
        shown = {key: value for key, value in _shown(call, row).items() if key not in {"SourceID", "SourceType"}}
        return answers.envelope(call.world, call.client_id, PLURAL, [shown])
    rows = listing.filtered(call, _after(call, table), changed=True, stamp_key="at")
    return answers.envelope(call.world, call.client_id, PLURAL, [_shown(call, row) for row in rows[:PAGE]])


def _after(call: Call, table: Iterable[Row]) -> Iterable[Row]:
    offset = listing.integer(call.query.get("offset"), 0)
    cash = call.flag("paymentsonly")
    for row in table:
        if row["n"] > offset and (not cash or _on_cash_basis(row)):
            yield row


def _on_cash_basis(row: Row) -> bool:
    is_document = row["of"].partition("/")[0] in _DOCUMENTS and not row["part"].startswith("stock/")
    return bool(row["cash"]) and not is_document


def _id(books: Books, row: Row) -> str:
    return guid_of(f"{books.tenant_id}/journal/{row['n']}")


def _shown(call: Call, row: Row) -> Row:
    books = call.books
    own_id = _id(books, row)
    shown: Row = {
        "JournalID": own_id,
        "JournalDate": row["day"],
        "JournalNumber": row["n"],
        "CreatedDateUTC": row["at"],
        "Reference": row["reference"],
        "SourceID": row["source"][0],
        "SourceType": row["source"][1],
    }
    lines = [Line(*line) for line in row["lines"]]
    if call.flag("paymentsonly") and row["of"].startswith("Payments/"):
        lines = _with_share(books, row, lines)
    shown["JournalLines"] = [_line(books, f"{own_id}/{place}", line) for place, line in enumerate(lines)]
    return shown


def _with_share(books: Books, row: Row, lines: list[Line]) -> list[Line]:
    """A payment's lines, those of its document in the place of the control account's."""
    payment = books.table("Payments").rows[row["of"].partition("/")[2]]
    document = settling.document_of(books, payment)
    if payment["Invoice"]["Type"] not in {"ACCREC", "ACCPAY"}:
        return lines
    control = entry.system(books, documents.SIDES[document["Type"]][1])
    share = settling.share(books, document, payment["Amount"])
    money = [line for line in lines if line.account != control]
    is_reversal = (money[0].net > 0) != (documents.SIDES[document["Type"]][0] > 0)
    sign = -1 if is_reversal else 1
    return [*money, *(part._replace(net=sign * part.net) for part in share)]


def _line(books: Books, basis: str, line: Line) -> Row:
    account = books.table("Accounts").get(line.account) or {}
    rate = books.table("TaxRates").get(line.tax_type)
    shown: Row = {
        "JournalLineID": guid_of(basis),
        "AccountID": line.account,
        "AccountCode": account.get("Code", ""),
        "AccountType": account.get("Type", "CURRENT"),
        "AccountName": account.get("Name", ""),
        "Description": line.description,
        "NetAmount": wire.number(line.net),
        "GrossAmount": wire.number(line.net + line.tax),
        "TaxAmount": wire.number(line.tax),
    }
    if rate is not None:
        shown |= {"TaxType": rate["TaxType"], "TaxName": rate["Name"]}
    return shown | {"TrackingCategories": list(line.tracking)}


RESOURCE = Resource(PLURAL, "Journal", "accounting.journals", handle)
