"""What a record may say but we do not post yet: refused by name, never ignored.

Called by flows/sales_invoices. A field leaves this file in the change that posts it.
"""

from counterfoil.model.prepared import Finding
from counterfoil.model.records import SalesInvoice


def unposted_findings(record: SalesInvoice) -> list[Finding]:
    """One finding for each field that is given and not posted yet."""
    given = [
        ("attachments", bool(record.attachments), "Attachments are not posted yet"),
        *(
            (f"lines[{index}].item_code", True, "Items are not posted yet")
            for index, line in enumerate(record.lines)
            if line.item_code is not None
        ),
    ]
    return [
        Finding("not-posted-yet", f"`{field}`: {reason}.", f"Leave `{field}` out for now.", field)
        for field, is_given, reason in given
        if is_given
    ]
