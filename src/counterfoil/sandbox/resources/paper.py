"""A document as PDF: GET {Parent}/{id} with Accept: application/pdf, or {id}/pdf as the SDKs ask (facts 4.1).

Called by `resources`, which puts it before the documents' own handlers. One page with the number, the contact, the lines
and the total: enough to be opened, not Xero's layout. The page's own font has no letters beyond Latin; others are "?".
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

TYPE: Final = "application/pdf"
NUMBERS: Final[Mapping[str, str]] = {
    "Invoices": "InvoiceNumber",
    "CreditNotes": "CreditNoteNumber",
    "Quotes": "QuoteNumber",
    "PurchaseOrders": "PurchaseOrderNumber",
}
LINES_MAX: Final = 45  # what one page holds


def with_pdf(resource: Resource) -> Resource:
    """The resource with each of its documents on paper, if Xero prints them."""
    if resource.plural not in NUMBERS:
        return resource
    own = resource.handle

    def handle(call: Call) -> Answer:
        return _printed(call, resource.plural) if is_asked(call.method, call.path, call.headers) else own(call)

    return dataclasses.replace(resource, handle=handle)


def is_asked(method: str, path: tuple[str, ...], headers: Mapping[str, str]) -> bool:
    """One document, as PDF."""
    if method != "GET" or not path:
        return False
    is_path = len(path) == 2 and path[1].lower() == "pdf"
    return is_path or (len(path) == 1 and headers.get("accept", "").strip().lower() == TYPE)


def _printed(call: Call, plural: str) -> Answer:
    row = call.books.table(plural).get(call.path[0].lower())
    if row is None:
        raise Refusal(answers.not_found())
    return Answer(200, written(_words(row, plural)), TYPE)


def _words(row: Row, plural: str) -> list[str]:
    head = [
        f"{plural.removesuffix('s')} {row.get(NUMBERS[plural]) or ''}",
        str(row["Contact"].get("Name", "")),
        str(row.get("DateString", ""))[:10],
    ]
    lines = [f"{line.get('Description', '')}   {line.get('LineAmount', '')}" for line in row.get("LineItems", [])]
    return [*head, "", *lines[:LINES_MAX], "", f"Total {row.get('Total', '')} {row.get('CurrencyCode', '')}"]


def written(lines: list[str]) -> bytes:
    """A PDF of one A4 page with these lines."""
    text = b"BT /F1 11 Tf 50 790 Td 15 TL " + b" ".join(b"(%s) Tj T*" % _escaped(line) for line in lines) + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for n, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (n, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end


def _escaped(line: str) -> bytes:
    plain = line.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
