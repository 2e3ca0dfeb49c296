"""`GET /v1/entities/{entity}/{resource}` and `…/{document_id}`: the mirrored documents, whole, and how old they are.

Called by application. A resource is Xero's plural in small letters with hyphens: "bank-transactions".
"""

import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.params import PathParameter, QueryParameter

from counterfoil.app import mirrored_documents
from counterfoil.app.mirrored_documents import Read
from counterfoil.model.sought import Sought
from counterfoil.model.whole import PROVISIONAL
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import PAGE_USUAL, After, BooksOf, EntityName, Limit

LAG: Final = "Counterfoil-Lag-Seconds"
AS_OF: Final = "Counterfoil-As-Of"
HEADERS: Final = {
    LAG: "Seconds since the resource was last caught up with Xero.",
    AS_OF: "When that was, in UTC.",
}
IDS_MAX: Final = 100
STATUSES_MAX: Final = 20
TEXT_MAX: Final = 255
ID: Final = "b4b1a1f0-7a0c-4f43-8a1e-1d6f1c3a9d10"
EXAMPLE_DOCUMENT: Final[dict[str, Any]] = {
    "document_id": ID, "status": "AUTHORISED", "stamp": "2026-11-22T10:14:21Z", "deleted_at": None, "missing": [],
    "document": {"InvoiceID": ID, "InvoiceNumber": "SHOP-1001", "Type": "ACCREC", "Status": "AUTHORISED", "Total": 25.20},
}  # fmt: skip
EXAMPLE: Final = {"resource": "invoices", "documents": [EXAMPLE_DOCUMENT], "next": None}

ResourceName = Annotated[
    str,
    PathParameter(
        description=f"Xero's plural in small letters with hyphens: {', '.join(mirrored_documents.SLUGS)}.",
        max_length=100,
    ),
]
DocumentId = Annotated[str, PathParameter(description="Xero's id of the document.", max_length=TEXT_MAX)]
Deleted = Annotated[
    bool, QueryParameter(name="deleted", description="Also what is gone from Xero, or has status DELETED there.")
]


class Document(msgspec.Struct, frozen=True):
    """One document. `document`: as Xero sends it, its dates and numbers too. `stamp`: Xero's UpdatedDateUTC of it.

    `missing`: fields that no answer of Xero's covered yet at this stamp; they are as they were before, or absent.
    `deleted_at`: since when it is known to be gone from Xero.
    """

    document_id: str
    status: str | None
    stamp: datetime.datetime | None
    deleted_at: datetime.datetime | None
    missing: tuple[str, ...]
    document: msgspec.Raw


class Documents(msgspec.Struct, frozen=True):
    """Documents by id. `next`: hand it over as `after` for the next page; null: there are no more now."""

    resource: str
    documents: tuple[Document, ...]
    next: str | None


@registry.get(
    "/v1/entities/{entity:str}/{resource:str}", rights="read", summary="A ledger's documents of one kind",
    description=(
        "Whole documents, as Xero has them. They come by id: nothing that is there from the first page to the last is left "
        "out or comes twice, however much changes meanwhile. A page may hold fewer than `limit`, or none, and have a `next` "
        "all the same: one page looks at a bounded number of documents."
    ),
    refusals=(404, 409), example=EXAMPLE, headers=HEADERS,
)  # fmt: skip
async def list_documents(
    books: BooksOf, entity: EntityName, resource: ResourceName,
    status: Annotated[
        list[str] | None,
        QueryParameter(name="status", max_items=STATUSES_MAX, description="Only with this status; repeatable."),
    ] = None,
    updated_after: Annotated[
        datetime.datetime | None,
        QueryParameter(name="updated_after", description="Only with a stamp of Xero's behind this instant."),
    ] = None,
    ids: Annotated[
        list[str] | None,
        QueryParameter(name="ids", max_items=IDS_MAX, description="Only these documents; repeatable."),
    ] = None,
    contact: Annotated[
        str | None, QueryParameter(name="contact", max_length=TEXT_MAX, description="Only of this ContactID.")
    ] = None,
    number: Annotated[
        str | None, QueryParameter(name="number", max_length=TEXT_MAX, description="Only with this number or code.")
    ] = None,
    date_from: Annotated[
        datetime.date | None, QueryParameter(name="date_from", description="Only dated on this day or later.")
    ] = None,
    date_to: Annotated[
        datetime.date | None, QueryParameter(name="date_to", description="Only dated on this day or earlier.")
    ] = None,
    deleted: Deleted = False,
    limit: Limit = PAGE_USUAL,
    after: After = None,
) -> Response[Documents]:  # fmt: skip
    """A page of them."""
    if updated_after is not None and updated_after.tzinfo is None:
        raise problems.field("updated_after", "An instant needs its offset.", remedy="Such as 2026-11-22T10:00:00Z.")
    sought = Sought(
        statuses=tuple(status or ()), ids=tuple(ids or ()), updated_after=updated_after, contact=contact, number=number,
        first=date_from, last=date_to, deleted=deleted,
    )  # fmt: skip
    read = await mirrored_documents.listed(books, entity, resource, sought, after=after, most=limit)
    return _answer(Documents(resource, tuple(map(_told, read.rows)), read.next), read)


@registry.get(
    "/v1/entities/{entity:str}/{resource:str}/{document_id:str}", rights="read", summary="One document",
    refusals=(404, 409), example=EXAMPLE_DOCUMENT, headers=HEADERS,
)  # fmt: skip
async def get_document(
    books: BooksOf, entity: EntityName, resource: ResourceName, document_id: DocumentId, deleted: Deleted = False
) -> Response[Document]:
    """It, whole, as Xero has it."""
    read = await mirrored_documents.one(books, entity, resource, document_id, deleted=deleted)
    return _answer(_told(read.rows[0]), read)


def _told(row: Any) -> Document:
    missing = tuple(sorted({name.removeprefix(PROVISIONAL) for name in row.missing.split(",") if name}))
    return Document(row.document_id, row.status, row.stamp, row.deleted_at, missing, msgspec.Raw(row.body))


def _answer(content: Any, read: Read) -> Response[Any]:
    as_of = read.as_of.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Response(content, headers={LAG: f"{read.lag_s:.1f}", AS_OF: as_of})


ROUTES: Final = (list_documents, get_document)
