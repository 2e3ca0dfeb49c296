"""{Parent}/{id}/Attachments: files that hang on a document, a contact or an account (facts 2.5, 5.22, Appendix C).

Called by `resources`, which puts it before the parents' own handlers. Facts quote the greatest size as 3, 10 and 25 MB:
the least counts here. What Xero says to a file that it refuses is not known; the sentences are ours. That a file came
does not move its parent's UpdatedDateUTC, so that nobody counts on it.
"""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import batches
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Attachments"
TABLE: Final = "attachments"
PER_DOCUMENT_MAX: Final = 10
BYTES_MAX: Final = 3_000_000
PARENTS: Final[Mapping[str, str]] = {
    "Accounts": "AccountID",
    "BankTransactions": "BankTransactionID",
    "BankTransfers": "BankTransferID",
    "Contacts": "ContactID",
    "CreditNotes": "CreditNoteID",
    "Invoices": "InvoiceID",
    "ManualJournals": "ManualJournalID",
    "PurchaseOrders": "PurchaseOrderID",
    "Quotes": "QuoteID",
    "Receipts": "ReceiptID",
    "RepeatingInvoices": "RepeatingInvoiceID",
}
_TO_CUSTOMERS: Final = frozenset({"ACCREC", "ACCRECCREDIT"})
_FORBIDDEN: Final = frozenset('<>:"/\\|?*+[](){}\0')
_FIELDS: Final = ("AttachmentID", "FileName", "Url", "MimeType", "ContentLength")
_DEFAULT_TYPE: Final = "application/octet-stream"


def with_attachments(resource: Resource) -> Resource:
    """The resource with Attachments on each of its rows, if Xero has them there."""
    if resource.plural not in PARENTS:
        return resource
    own = resource.handle

    def handle(call: Call) -> Answer:
        is_ours = len(call.path) in {2, 3} and call.path[1].lower() == TABLE
        return _handle(call, resource.plural) if is_ours else own(call)

    return dataclasses.replace(resource, handle=handle)


def _handle(call: Call, plural: str) -> Answer:
    parent = call.books.table(plural).get(call.path[0].lower())
    if parent is None:
        raise Refusal(answers.not_found())
    own_id = parent[PARENTS[plural]]
    kept = call.books.table(TABLE).find("document", own_id)
    if len(call.path) == 2:
        if call.method != "GET":
            raise Refusal(answers.not_implemented())
        return _listed(call, kept)
    same = next((row for row in kept if call.path[2] in {row["AttachmentID"], row["FileName"]}), None)
    if call.method == "GET":
        if same is None:
            raise Refusal(answers.not_found())
        return Answer(200, base64.b64decode(same["content"]), same["MimeType"])
    if call.method not in {"PUT", "POST"}:
        raise Refusal(answers.not_implemented())
    return _kept(call, plural, parent, same, len(kept))


def _kept(call: Call, plural: str, parent: Row, same: Row | None, count: int) -> Answer:
    """A new file, or another content under a name that is there."""
    own_id, name = parent[PARENTS[plural]], call.path[2]
    errors = _errors(name, call.body, count if same is None else 0)
    if errors:
        raise Refusal(answers.validation([{"FileName": name, "ValidationErrors": batches.messages(errors)}]))
    row = {
        "document": own_id,
        "AttachmentID": call.world.ids.guid() if same is None else same["AttachmentID"],
        "FileName": name if same is None else same["FileName"],
        "Url": f"https://api.xero.com/api.xro/2.0/{plural}/{own_id}/Attachments/{quote(name)}",
        "MimeType": call.headers.get("content-type", "").partition(";")[0].strip() or _DEFAULT_TYPE,
        "ContentLength": len(call.body),
        "content": base64.b64encode(call.body).decode(),
    }
    if call.flag("includeonline") and parent.get("Type") in _TO_CUSTOMERS:
        row["IncludeOnline"] = True
    call.books.table(TABLE).put(row["AttachmentID"], row)
    if "HasAttachments" in parent and not parent["HasAttachments"]:
        call.books.table(plural).put(own_id, {**parent, "HasAttachments": True})
    return _listed(call, [row])


def _errors(name: str, content: bytes, count: int) -> list[str]:
    found = []
    if _FORBIDDEN & set(name):
        found.append("The file name contains characters that are not allowed")
    if not content:
        found.append("The file is empty")
    if len(content) > BYTES_MAX:
        found.append(f"The file is larger than {BYTES_MAX} bytes")
    if count >= PER_DOCUMENT_MAX:
        found.append(f"There are {PER_DOCUMENT_MAX} attachments already")
    return found


def _listed(call: Call, rows: list[Row]) -> Answer:
    shown: list[Row] = [{key: row[key] for key in (*_FIELDS, "IncludeOnline") if key in row} for row in rows]
    return answers.envelope(call.world, call.client_id, PLURAL, shown)
