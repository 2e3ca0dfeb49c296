"""What a record may say but we do not post yet: refused by name, never ignored.

Called by flows/sales_invoices. A field leaves this file in the change that posts it.
"""

from counterfoil.model.prepared import Finding
from counterfoil.model.records import SalesInvoice


def unposted_findings(record: SalesInvoice) -> list[Finding]:
    """One finding for each field that is given and not posted yet."""
    fields = [f"lines[{index}].item_code" for index, line in enumerate(record.lines) if line.item_code is not None]
    given = [("attachments", "Attachments are not posted yet")] if record.attachments else []
    given += [(field, "Items are not posted yet") for field in fields]
    return [
        Finding("not-posted-yet", f"`{field}`: {reason}.", f"Leave `{field}` out for now.", field)
        for field, reason in given
    ]
