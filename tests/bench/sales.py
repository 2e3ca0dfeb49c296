"""The sales that are imported: three lines each, five per customer, as a shop's software would push them."""

import json
from pathlib import Path
from typing import Any

PER_CUSTOMER = 5


def sale(n: int) -> dict[str, Any]:
    """The n-th sale."""
    customer = n // PER_CUSTOMER
    goods = (("Widgets, blue", "2", "10.50"), ("Gadget", str(1 + n % 5), "7.35"), ("Delivery", "1", "4.99"))
    return {
        "external_id": f"order-{n}",
        "entity": "acme-uk",
        "contact": {
            "external_id": f"cust-{customer}",
            "name": f"Customer {customer} Ltd",
            "email": f"accounts@customer-{customer}.example",
        },
        "date": "2026-11-02",
        "due_date": "2026-12-02",
        "number": f"SHOP-{n}",
        "reference": f"PO {n}",
        "status": "AUTHORISED",
        "lines": [
            {"description": what, "quantity": many, "unit_amount": price, "account_code": "200", "tax_type": "OUTPUT2"}
            for what, many, price in goods
        ],
    }


def write(path: Path, count: int) -> Path:
    """`count` sales as JSON Lines."""
    with path.open("w") as file:
        file.writelines(json.dumps(sale(n)) + "\n" for n in range(count))
    return path
