"""A page of 100 invoices with 5 lines each, decoded to typed records: ours beside xero-python's, from the same bytes.

The page is the sandbox's own. Each side has a process of its own, so that neither pays for the other's modules, in
turns; theirs as its client decodes an answer, from the response's text to models.
"""

import datetime
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import firm, processes, sales, table
from tests.bench.table import Row

INVOICES = 100
LINES = 5
REPEATS = 9
PASSES = 40
ROOT = Path(__file__).parents[2]
Work = Callable[[], Any]


def rows(folder: Path) -> Iterator[Row]:
    """How many times faster than theirs."""
    path = folder / "page.json"
    with firm.sandbox() as xero:
        token, tenant = xero.connect()["access_token"], xero.tenant(1)
        (contact,) = xero.make(tenant, "Contacts", {"Name": "Customer Ltd", "EmailAddress": "c@customer.example"})
        xero.make(tenant, "Invoices", *(_element(n, contact["ContactID"]) for n in range(INVOICES)))
        path.write_bytes(xero.api("GET", f"Invoices?page=1&pageSize={INVOICES}", token, tenant).body)
    pairs = [(_seconds("ours", path), _seconds("theirs", path)) for _ in range(REPEATS)]
    ours_s, theirs_s = sorted(pairs, key=lambda pair: pair[1] / pair[0])[REPEATS // 2]
    note = f"ours {ours_s * 1000:.1f} ms, theirs {theirs_s * 1000:.1f} ms, {path.stat().st_size:,} bytes"
    yield table.at_least("100 invoices × 5 lines decoded: times faster", theirs_s / ours_s, 15, "×", note)


def _seconds(side: str, path: Path) -> float:
    cost = processes.run([sys.executable, "-m", "tests.bench.decoding", side], ROOT, str(path))
    assert cost.code == 0, cost.err
    return float(json.loads(cost.out))


def _element(n: int, contact_id: str) -> dict[str, Any]:
    """An invoice as `posting` makes it, with the tracking that most shops have."""
    (line, *_rest) = sales.sale(n)["lines"]
    wire = {
        "Description": line["description"],
        "Quantity": 2,
        "UnitAmount": 10.5,
        "AccountCode": "200",
        "Tracking": [{"Name": "Region", "Option": "North"}],
    }
    return {
        "Reference": f"PO {n}",
        "Url": "http://localhost:8321/p/abcdefghabcdefgh",
        "Type": "ACCREC",
        "Contact": {"ContactID": contact_id},
        "Date": "2026-11-02",
        "DueDate": "2026-12-02",
        "Status": "AUTHORISED",
        "InvoiceNumber": f"P-{n}",
        "LineItems": [wire] * LINES,
    }


def main() -> None:
    """Decode the page whose path stdin gives, again and again, with the side that argv names; print seconds a page."""
    work = {"ours": _ours, "theirs": _theirs}[sys.argv[1]](Path(sys.stdin.read()).read_bytes())
    decoded = work()
    assert len(decoded) == INVOICES
    assert len(decoded[-1].line_items) == LINES
    assert decoded[-1].date == datetime.date(2026, 11, 2)
    sys.stdout.write(json.dumps(_cpu_s(work, PASSES)))


def _ours(body: bytes) -> Work:
    from counterfoil.model.invoice import Invoice
    from counterfoil.xero import paging
    from counterfoil.xero.answers import Answer

    return lambda: paging.decode(Answer(status=200, body=body), Invoice, "Invoices").items


def _theirs(body: bytes) -> Work:
    from xero_python.accounting import AccountingApi
    from xero_python.api_client import ApiClient

    api = AccountingApi(ApiClient())

    class Response:
        data = body

        @property
        def text(self) -> str:
            """As its own response does."""
            return self.data.decode("utf8")

    return lambda: api.api_client.deserialize(Response(), "Invoices", api.get_model_finder()).invoices


def _cpu_s(work: Work, times: int) -> float:
    started_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started_s) / times


if __name__ == "__main__":
    main()
