"""Changes as tests write them: a few words, the rest made up."""

import datetime
import hashlib
from pathlib import Path

from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sinks import Tools
from counterfoil.mapping import outward
from counterfoil.model.change import Change

AT = datetime.datetime(2026, 11, 2, 9, 30, tzinfo=datetime.UTC)


def change(n, document="d1", after=None, before=None, *, resource="Invoices", what="invoice.updated", **more):
    """One change of a document; `after` and `before` are its fields beside the id."""
    key = {"Invoices": "InvoiceID", "Contacts": "ContactID", "TaxRates": "TaxType", "Payments": "PaymentID"}[resource]
    return Change(
        **{
            "id": hashlib.sha256(f"{n} {document}".encode()).hexdigest()[:40], "type": what, "entity": "uk",
            "tenant_id": "tenant-1", "resource": resource, "document_id": document, "n": n, "turn": n,
            "stamp": AT + datetime.timedelta(seconds=n), "seen_at": AT + datetime.timedelta(seconds=n), "by": "others",
            "posting": None, "snapshot": False, "fields": ("Total",),
            "before": None if before is None else {key: document} | before,
            "after": None if after is None else {key: document} | after,
        } | more
    )  # fmt: skip


def shaped(columns, each=None, when=None, resources=("Invoices",)):
    """The shape that a map makes."""
    found = outward.compile_feed(outward.Outward(table="books", map=columns, each=each, when=when, resources=resources))
    assert not isinstance(found, tuple), found
    return Shape(found)


def tools(folder, clock=None):
    """What outlets are made with."""
    return Tools(clock=clock, folder=Path(folder))
