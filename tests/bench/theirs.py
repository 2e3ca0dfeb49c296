"""The same import written with Xero's own SDK, xero-python, as its documentation shows: what we are compared with.

Run by importing.py as a process of its own, with one JSON object on stdin. It reads the same JSON Lines, makes each
contact once, then the invoices with their ContactID, `batch` at a time over one kept connection, and looks at each
element's errors. It keeps nothing, marks nothing and looks at nothing twice: it does less than we do. Prints the CPU
seconds (user + system) of its start and of its work.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from xero_python.accounting import AccountingApi, Contact, Contacts, Invoice, Invoices, LineAmountTypes, LineItem
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

T = TypeVar("T")


class Script:
    """One run of the script. `task`: url, token, client_id, client_secret, tenant, path, batch."""

    def __init__(self, task: dict[str, Any]) -> None:
        secrets = task["client_id"], task["client_secret"]
        client = ApiClient(
            Configuration(oauth2_token=OAuth2Token(*secrets)),
            oauth2_token_getter=lambda: task["token"],
            oauth2_token_saver=lambda _token: None,
        )
        client.configuration.oauth2_token = OAuth2Token(*secrets)  # one per process in this SDK, else shared
        self.api = AccountingApi(client, base_url=f"{task['url']}/api.xro/2.0")
        self.tenant = task["tenant"]
        self.batch = task["batch"]

    def run(self, path: str) -> int:
        """Make the contacts, then the invoices; → how many invoices Xero took."""
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as such a script opens a file
            records = [json.loads(line) for line in file]
        wanted = {record["contact"]["external_id"]: record["contact"] for record in records}
        ids: dict[str, str] = {}
        for part in parts(list(wanted.values()), self.batch):
            body = Contacts(contacts=[contact(one) for one in part])
            made = self.api.create_contacts(self.tenant, body, summarize_errors=False).contacts
            ids.update((one.contact_number, one.contact_id) for one in good(made))
        count = 0
        for part in parts(records, self.batch):
            body = Invoices(invoices=[invoice(one, ids[one["contact"]["external_id"]]) for one in part])
            made = self.api.create_invoices(self.tenant, body, summarize_errors=False, unitdp=4).invoices
            count += len(good(made))
        return count


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def good(elements: list[Any]) -> list[Any]:
    """The elements; ends the script when Xero refused one."""
    for element in elements:
        if element.status_attribute_string == "ERROR" or element.validation_errors:
            sys.exit(f"refused: {element.validation_errors}")
    return elements


def contact(given: dict[str, str]) -> Contact:
    """A customer."""
    return Contact(name=given["name"], contact_number=given["external_id"], email_address=given["email"])


def invoice(given: dict[str, Any], contact_id: str) -> Invoice:
    """A sale."""
    return Invoice(
        type="ACCREC",
        contact=Contact(contact_id=contact_id),
        invoice_number=given["number"],
        reference=given["reference"],
        date=date.fromisoformat(given["date"]),
        due_date=date.fromisoformat(given["due_date"]),
        status=given["status"],
        line_amount_types=LineAmountTypes.EXCLUSIVE,
        line_items=[
            LineItem(
                description=one["description"],
                quantity=Decimal(one["quantity"]),
                unit_amount=Decimal(one["unit_amount"]),
                account_code=one["account_code"],
                tax_type=one["tax_type"],
            )
            for one in given["lines"]
        ],
    )


def main() -> None:
    """Run the script that stdin describes."""
    task = json.load(sys.stdin)
    script = Script(task)
    started_s = time.process_time()
    count = script.run(task["path"])
    told = {"invoices": count, "start_cpu_s": started_s, "work_cpu_s": time.process_time() - started_s}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
