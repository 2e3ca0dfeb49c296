"""Records that are handed to `serve` over HTTP outlive it; the ledger judges."""

import contextlib
import http.client
import json
from urllib.parse import urlsplit

from tests.cli.office import sale
from tests.cli.test_serve import numbers, stopped

FLOW = '[service]\nlisten = "127.0.0.1:0"\n[flows.shop]\nkind = "sales_invoices"\nsource = { push = true }\n'


def started(office):
    """A serve, and where it listens."""
    process = office.start("serve")
    return process, urlsplit(next(line.split()[-1] for line in process.stdout if line.startswith("Listening on")))


def handed_over(url, key, *records):
    """The status of an answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with contextlib.closing(http.client.HTTPConnection(url.hostname, url.port, timeout=60)) as connection:
        connection.request("POST", "/v1/flows/shop/records", json.dumps(records), headers)
        with connection.getresponse() as answer:
            return answer.status


def test_a_kill_right_after_the_answer_loses_and_doubles_nothing(office, sandbox):
    """What was answered with 202 is posted when it runs again, once, and so is what is sent a second time."""
    sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.write(flows=FLOW)
    key = office("api-keys", "create", "till", "--rights", "write", "--json").value["api_key"]
    process, url = started(office)
    assert handed_over(url, key, *(sale(n) for n in range(1, 6))) == 202
    process.kill()
    process.communicate()
    process, url = started(office)
    assert handed_over(url, key, sale(5), sale(6)) == 202
    assert stopped(process)[0] == 0
    assert office("finish", "--json").code == 0
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 7))
