"""Every fault, as a client meets it, and what the ledger holds afterwards."""

import contextlib
import gzip
import http.client
import json
import socket
import time
import zlib

import pytest

from counterfoil.sandbox.faults import KNOWN
from tests.sandbox.conftest import invoice

API = "/api.xro/2.0/"
DROPPED = (ConnectionError, http.client.RemoteDisconnected)


def two(ledger):
    contact = ledger.contact()
    return {"Invoices": [invoice(contact, InvoiceNumber="S-1"), invoice(contact, InvoiceNumber="S-2")]}


@pytest.mark.parametrize(("fault", "made"), [("lost_answer", 2), ("reset", 0)])
def test_a_dropped_connection_hides_what_happened(ledger, fault, made):
    """lost_answer drops after processing, reset before; the client cannot tell which."""
    body = two(ledger)
    ledger.sandbox.fault(fault, method="PUT", path=API + "Invoices")
    with pytest.raises(DROPPED):
        ledger.call("PUT", "Invoices", body)
    assert len(ledger.stored("Invoices")) == made
    row = ledger.sandbox.requests()[-1]
    assert (row["fault"], row["status"], row["bytes_out"]) == (fault, 200 if made else None, 0)


def test_a_lost_answer_is_found_under_its_key(ledger):
    """The same bytes and key give the answer that was lost, and nothing twice."""
    body = two(ledger)
    ledger.sandbox.fault("lost_answer", path=API + "Invoices")
    with pytest.raises(DROPPED):
        ledger.call("PUT", "Invoices", body, Idempotency_Key="k")
    again = ledger.call("PUT", "Invoices", body, Idempotency_Key="k")
    assert [row["InvoiceNumber"] for row in again.json["Invoices"]] == ["S-1", "S-2"]
    assert len(ledger.stored("Invoices")) == 2


@pytest.mark.parametrize(
    ("fault", "status", "text", "made"),
    [
        ("500_before", 500, None, 0),
        ("500_after", 500, None, 2),
        ("503", 503, b"The Xero API is temporarily unavailable", 0),
        ("503_offline", 503, b"The Organisation is offline", 0),
    ],
)
def test_server_errors_are_plain_text(ledger, fault, status, text, made):
    """5xx answers are text, processed or not."""
    body = two(ledger)
    ledger.sandbox.fault(fault, path=API + "Invoices")
    reply = ledger.call("PUT", "Invoices", body)
    assert (reply.status, reply.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert text in {None, reply.body}
    assert len(ledger.stored("Invoices")) == made


@pytest.mark.parametrize(("fault", "made"), [("500_before", 0), ("500_after", 2)])
def test_a_key_keeps_an_internal_error(ledger, fault, made):
    """A 500 is kept for its key: asking again with the same key gives it again and makes nothing."""
    body = two(ledger)
    ledger.sandbox.fault(fault, path=API + "Invoices")
    replies = [ledger.call("PUT", "Invoices", body, Idempotency_Key="k") for _ in range(2)]
    assert [reply.status for reply in replies] == [500, 500]
    assert len(ledger.stored("Invoices")) == made


@pytest.mark.parametrize(
    ("fault", "problem", "retry_after"),
    [
        ("429_minute", "minute", "26"),
        ("429_day", "day", "66975"),
        ("429_concurrent", "concurrent", None),
        ("429_appminute", "appminute", None),
    ],
)
def test_429_is_empty(ledger, fault, problem, retry_after):
    """Each kind has its header, Retry-After only for minute and day, and no body."""
    ledger.sandbox.fault(fault)
    reply = ledger.call("GET", "Organisation")
    assert (reply.status, reply.body) == (429, b"")
    assert (reply.headers["X-Rate-Limit-Problem"], reply.headers.get("Retry-After")) == (problem, retry_after)
    assert ledger.call("GET", "Organisation").status == 200


def test_slow_delays_before_and_slow_answer_after_processing(ledger):
    """Both take their delay; a slow answer's work is done at once and kept for its key."""
    for fault in ("slow", "slow_answer"):
        ledger.sandbox.fault(fault, path=API + "Organisation", delay_s=0.2)
        started = time.monotonic()
        assert ledger.call("GET", "Organisation").status == 200
        assert time.monotonic() - started >= 0.2


def test_a_truncated_answer_announces_more_than_it_sends(ledger):
    """The Content-Length is not honoured; the work was done."""
    body = two(ledger)
    ledger.sandbox.fault("truncated", path=API + "Invoices")
    with pytest.raises(http.client.IncompleteRead):
        ledger.call("PUT", "Invoices", body)
    assert len(ledger.stored("Invoices")) == 2


def test_cut_json_and_foreign_pages_are_whole_answers_that_mean_nothing(ledger):
    """A cut JSON with an honest length, and a proxy's page under status 200."""
    ledger.sandbox.fault("truncated_json")
    with pytest.raises(json.JSONDecodeError):
        _ = ledger.call("GET", "Organisation").json
    ledger.sandbox.fault("text_answer")
    reply = ledger.call("GET", "Organisation")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_bad_gzip_cannot_be_unpacked(ledger):
    """The answer claims to be compressed and is not."""
    ledger.sandbox.fault("bad_gzip")
    reply = ledger.call("GET", "Organisation")
    assert reply.headers["Content-Encoding"] == "gzip"
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(reply.body)


def test_elements_can_come_in_another_order_or_one_short(ledger):
    """What was stored is right; only the answer's elements are disturbed, and its key still has them as they were."""
    contact = ledger.contact()
    asked = [f"S-{number}" for number in range(5)]
    ledger.sandbox.fault("reordered", path=API + "Invoices", seed=3)
    body = {"Invoices": [invoice(contact, InvoiceNumber=text) for text in asked]}
    answered = [
        row["InvoiceNumber"] for row in ledger.call("PUT", "Invoices", body, Idempotency_Key="k").json["Invoices"]
    ]
    assert answered != asked
    assert sorted(answered) == asked
    kept = ledger.call("PUT", "Invoices", body, Idempotency_Key="k").json["Invoices"]
    assert [row["InvoiceNumber"] for row in kept] == asked
    ledger.sandbox.fault("one_short", path=API + "Invoices")
    body = {"Invoices": [invoice(contact), invoice(contact), invoice(contact)]}
    assert len(ledger.call("PUT", "Invoices", body).json["Invoices"]) == 2
    assert len(ledger.stored("Invoices")) == 8


def test_a_stale_read_does_not_see_the_last_write(ledger):
    """GETs answer from before the last write for `count` times, then see it; the ledger always has it."""
    contact = ledger.contact()
    ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))
    ledger.write("POST", {"InvoiceNumber": "S-1", "Reference": "new"})
    ledger.sandbox.fault("stale_read", count=2)
    references = [ledger.get("Invoices/S-1")["Invoices"][0]["Reference"] for _ in range(3)]
    assert references == ["", "", "new"]
    assert ledger.stored("Invoices")[0]["Reference"] == "new"


def test_a_stale_read_can_last_some_seconds(ledger):
    """With delay_s all writes of that time are hidden until it is over."""
    contact = ledger.contact()
    ledger.sandbox.fault("stale_read", delay_s=60)
    ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))
    ledger.write("PUT", invoice(contact, InvoiceNumber="S-2"))
    assert ledger.get("Invoices")["Invoices"] == []
    ledger.sandbox.advance(61)
    assert len(ledger.get("Invoices")["Invoices"]) == 2


@pytest.mark.parametrize("path", ["Contacts", "Invoices", "Organisation", "Accounts", "Payments"])
@pytest.mark.parametrize("more", [{}, {"delay_s": 60}])
def test_a_stale_read_before_any_write_shows_the_books_as_they_were_opened(sandbox, path, more):
    """There is nothing to look behind: the organisation is there, and answers."""
    fresh = sandbox.connect()["access_token"]
    sandbox.fault("stale_read", **more)
    reply = sandbox.api("GET", path, fresh, sandbox.tenant(1))
    assert reply.status == 200
    assert bool(next(value for value in reply.json.values() if isinstance(value, list))) is (path[0] in "OA")


def test_a_lost_token_answer_has_moved_the_grant_on(sandbox):
    """The refresh happened although nobody was told; the old token works within its grace."""
    tokens = sandbox.connect()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": sandbox.ready["client_id"],
        "client_secret": sandbox.ready["client_secret"],
    }
    sandbox.fault("token_lost")
    with pytest.raises(DROPPED):
        sandbox.form("/connect/token", form)
    sandbox.advance(29 * 60)
    assert sandbox.form("/connect/token", form).status == 200
    sandbox.advance(2 * 60)
    assert sandbox.form("/connect/token", form).status == 400


def test_tokens_and_tenants_can_be_refused_on_demand(ledger):
    """401 TokenExpired and 403 although everything is well."""
    ledger.sandbox.fault("401_expired")
    assert ledger.call("GET", "Organisation").json["Detail"].startswith("TokenExpired")
    ledger.sandbox.fault("403")
    assert ledger.call("GET", "Organisation").status == 403


def test_an_organisation_can_be_disconnected_in_the_middle(ledger):
    """403 now and until a new consent, while refreshing goes on; other organisations are left alone."""
    ledger.sandbox.fault("disconnected", method="PUT", path=API)
    assert ledger.call("PUT", "Contacts", {"Name": "A"}).status == 403
    assert ledger.call("GET", "Organisation").json["Detail"] == "AuthenticationUnsuccessful"
    assert ledger.sandbox.api("GET", "Organisation", ledger.token, ledger.sandbox.tenant(2)).status == 200
    ledger.token = ledger.sandbox.connect()["access_token"]
    assert ledger.get("Contacts")["Contacts"] == []


def test_a_header_condition_can_fail(ledger):
    """412, empty."""
    ledger.sandbox.fault("412")
    assert (reply := ledger.call("GET", "Organisation")).status == 412
    assert reply.body == b""


def test_a_fault_hits_only_what_it_names(ledger):
    """Method, path prefix in any case and tenant must all match."""
    ledger.sandbox.fault("503", method="put", path="/API.XRO/2.0/CONTACTS", tenant=ledger.tenant.upper())
    assert ledger.call("GET", "Contacts").status == 200
    assert ledger.call("PUT", "Currencies", {"Code": "JPY"}).status == 200
    other = ledger.sandbox.api("PUT", "Contacts", ledger.token, ledger.sandbox.tenant(2), {"Name": "A"})
    assert other.status == 200
    assert ledger.call("PUT", "Contacts", {"Name": "A"}).status == 503
    assert ledger.call("PUT", "Contacts", {"Name": "A"}).status == 200


def test_probability_follows_its_seed(ledger):
    """The same seed hits the same requests."""

    def hits():
        ledger.sandbox.fault("503", probability=0.5, count=100, seed=11)
        statuses = [ledger.call("GET", "Currencies").status for _ in range(20)]
        ledger.sandbox.clear_faults()
        return statuses

    first = hits()
    assert set(first) == {200, 503}
    assert hits() == first


def test_a_request_that_breaks_off_is_not_processed(ledger):
    """A client that leaves in the middle of its body has done nothing; the sandbox goes on."""
    host, _, port = ledger.sandbox.url.removeprefix("http://").partition(":")
    head = (
        f"PUT {API}Contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ledger.token}\r\n"
        f"Xero-Tenant-Id: {ledger.tenant}\r\nAccept: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b'[{"Name": "A"}')
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert ledger.stored("Contacts") == []
    assert ledger.sandbox.requests()[-1]["status"] is None


@pytest.mark.parametrize(
    "fields",
    [{"fault": "nonsense"}, {}, {"fault": "503", "cuont": 1}, {"fault": "503", "count": "1"}, {"fault": "503", "count": 0},
     {"fault": "503", "probability": 2}, {"fault": "503", "delay_s": -1}],
)  # fmt: skip
def test_a_fault_that_cannot_be_is_400_and_names_what_can(sandbox, fields):
    """A typo is told, with the known names."""
    reply = sandbox.request("POST", "/_sandbox/faults", json.dumps(fields).encode())
    assert reply.status == 400
    if fields.get("fault") != "503":
        assert reply.json["known"] == sorted(KNOWN)
