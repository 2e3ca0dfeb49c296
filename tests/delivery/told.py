"""Changes as they are told, for tests of what takes them."""

import datetime

from counterfoil.model.change import Change

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def a_change(identity="c1", **more):
    """A change of an invoice that was paid."""
    values = {
        "id": identity, "type": "invoice.paid", "entity": "uk", "tenant_id": "t", "resource": "Invoices",
        "document_id": "d", "n": 7, "turn": 2, "stamp": NOON, "seen_at": NOON, "by": "others", "posting": None,
        "snapshot": False, "fields": ("AmountDue", "Status"), "before": {"Status": "AUTHORISED", "AmountDue": "120.10"},
        "after": {"Status": "PAID", "AmountDue": "0.00"},
    }  # fmt: skip
    return Change(**(values | more))
