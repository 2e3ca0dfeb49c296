"""Refusals by status: what the SDK raises and what is really on the wire (facts 2.1 to 2.3, 3.1, 3.2)."""

import re

import pytest
from xero_python.exceptions import BadRequestException, NotFoundException
from xero_python.exceptions.http_status_exceptions import HTTPStatusException, RateLimitException

from tests import sandbox_process
from tests.conformance import foreign

PROBLEM_KEYS = ["Type", "Title", "Status", "Detail", "Instance", "Extensions"]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def problem(reply, status, title, detail):
    """The problem object of 401 and 403, whole."""
    body = reply.json()
    assert reply.headers["content-type"].startswith("application/json")
    assert list(body) == PROBLEM_KEYS
    assert GUID.fullmatch(body["Instance"])
    shown = (reply.status, body["Type"], body["Title"], body["Status"], body["Extensions"])
    assert shown == (status, None, title, status, {})
    assert re.fullmatch(detail, body["Detail"])


@pytest.fixture(scope="module")
def limited():
    """A sandbox of its own, with limits, for what disturbs others: clocks and quotas."""
    with sandbox_process.start("--auto-consent") as process:
        yield process


@pytest.mark.parametrize("token", ["rubbish", "a.b.c"])
def test_a_bad_token_is_401_unsuccessful(xero, token):
    """A token that is none."""
    problem(xero.raw("GET", "/Organisation", token=token), 401, "Unauthorized", "AuthenticationUnsuccessful")


def test_a_missing_token_is_401_unsuccessful(xero):
    """No Authorization at all."""
    reply = foreign.send(xero.url, "GET", f"{foreign.API}/Organisation", headers={"Xero-Tenant-Id": xero.tenant})
    problem(reply, 401, "Unauthorized", "AuthenticationUnsuccessful")


def test_an_expired_token_is_401_and_says_since_when(limited):
    """After 30 minutes; the same token was good before."""
    xero = foreign.Foreign(limited.ready)
    assert xero.raw("GET", "/Organisation").status == 200
    xero.control("POST", "clock", advance_s=1801)
    expired = r"TokenExpired: token expired at \d\d/\d\d/\d{4} \d\d:\d\d:\d\d"
    problem(xero.raw("GET", "/Organisation"), 401, "Unauthorized", expired)


def test_a_token_without_the_scope_is_401_too(xero):
    """Not 403: the trap of refreshing for ever."""
    poor = foreign.consented(xero.ready, scope="offline_access accounting.contacts.read", login_hint="poor@example.com")
    token = poor["access_token"]
    problem(xero.raw("GET", "/Invoices", token=token), 401, "Unauthorized", "AuthorizationUnsuccessful")
    refused = xero.raw("PUT", "/Contacts", body={"Name": "x"}, token=token)
    problem(refused, 401, "Unauthorized", "AuthorizationUnsuccessful")
    assert xero.raw("GET", "/Contacts", token=token).status == 200


@pytest.mark.parametrize("tenant", ["00000000-0000-0000-0000-000000000007", "no guid"])
def test_a_tenant_that_is_not_connected_is_403(xero, tenant):
    """Unknown and not connected look the same."""
    problem(xero.raw("GET", "/Organisation", tenant=tenant), 403, "Forbidden", "AuthenticationUnsuccessful")


def test_a_missing_tenant_is_403(xero):
    """No Xero-Tenant-Id header."""
    headers = {"Authorization": f"Bearer {xero.token['access_token']}"}
    reply = foreign.send(xero.url, "GET", f"{foreign.API}/Organisation", headers=headers)
    problem(reply, 403, "Forbidden", "AuthenticationUnsuccessful")


def test_the_sdk_sees_403_of_a_disconnected_organisation(limited):
    """The user disconnects at Xero: the token refreshes, the tenant refuses."""
    xero = foreign.Foreign(limited.ready, login_hint="gone@example.com")
    xero.control("POST", f"organisation/{xero.tenants['NZ']}", disconnected=True)
    try:
        with pytest.raises(HTTPStatusException) as refused:
            xero.api.get_organisations(xero.tenants["NZ"])
        assert refused.value.status == 403
    finally:
        xero.control("POST", f"organisation/{xero.tenants['NZ']}", disconnected=False)


@pytest.mark.parametrize(
    "path",
    [
        "/Invoices/00000000-0000-0000-0000-000000000009",
        "/Contacts/00000000-0000-0000-0000-000000000009",
        "/Accounts/00000000-0000-0000-0000-000000000009",
        "/Nonsense",
    ],
)
def test_404_is_a_line_of_html(xero, path):
    """Never JSON."""
    reply = xero.raw("GET", path)
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert reply.text == "The resource you're looking for cannot be found"


def test_the_sdk_maps_404_and_400(xero, contact):
    """NotFoundException, and BadRequestException with elements."""
    with pytest.raises(NotFoundException):
        xero.api.get_contact(xero.tenant, "00000000-0000-0000-0000-000000000009")
    with pytest.raises(BadRequestException) as refused:
        xero.created(xero.invoice(contact, foreign.line(account="999")))
    assert refused.value.error_data["Elements"][0]["HasErrors"] is True


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"Invoices": [', None),
        (b"not json", None),
        (b'{"Invoices": [{"Type": "ACCREC", "LineAmountTypes": "NO_TAX"}]}', "NO_TAX"),
        (b'{"Invoices": [{"Type": "ACCREC", "LineItems": [{"Quantity": "many"}]}]}', "many"),
    ],
)
def test_a_body_that_cannot_be_read_is_error_14(xero, body, named):
    """PostDataInvalidException for the whole request, no elements."""
    reply = xero.raw("PUT", "/Invoices", body=body)
    answer = reply.json()
    assert (reply.status, answer["ErrorNumber"], answer["Type"]) == (400, 14, "PostDataInvalidException")
    assert "Elements" not in answer
    if named:
        assert f'Error converting value "{named}"' in answer["Message"]
        assert "Path 'Invoices[0]." in answer["Message"]


def test_the_limit_headers_count_down_by_one_for_each_call(limited):
    """Also for refused calls; another tenant has its own minute and day."""
    xero = foreign.Foreign(limited.ready)
    names = ("x-minlimit-remaining", "x-daylimit-remaining", "x-appminlimit-remaining")
    fresh_minute(xero, xero.tenants["AU"])
    other = xero.raw("GET", "/Organisation").headers["x-daylimit-remaining"]
    paths = ["/Organisation", "/Invoices?where=()", "/Accounts/00000000-0000-0000-0000-000000000009", "/Currencies"]
    replies = [xero.raw("GET", path, tenant=xero.tenants["AU"]) for path in paths]
    assert [reply.status for reply in replies] == [200, 400, 404, 200]
    for name in names:
        left = [int(reply.headers[name]) for reply in replies]
        assert left == [left[0] - n for n in range(4)]
    assert xero.raw("GET", "/Organisation").headers["x-daylimit-remaining"] == str(int(other) - 1)


def test_connections_and_tokens_have_no_limit_headers(limited):
    """The limits are those of tenants; identity answers are never stored by anybody on the way."""
    xero = foreign.Foreign(limited.ready)
    bearer = {"Authorization": f"Bearer {xero.token['access_token']}"}
    listed = foreign.send(xero.url, "GET", "/connections", headers=bearer)
    token = foreign.form(xero.url, "/connect/token", grant_type="refresh_token", refresh_token="x", client_id="y")
    for reply in (listed, token):
        assert [name for name in reply.headers if "limit" in name] == []
        assert "no-store" in reply.headers["cache-control"]
        assert GUID.fullmatch(reply.headers["xero-correlation-id"])


def test_the_minute_limit_is_an_empty_429(limited):
    """60 calls pass, the next has no body and no type but says how long to wait; after that long it passes."""
    xero = foreign.Foreign(limited.ready)
    tenant = xero.tenants["NL"]
    fresh_minute(xero, tenant)
    replies = [xero.raw("GET", "/Currencies", tenant=tenant) for _ in range(61)]
    assert [reply.status for reply in replies] == [200] * 60 + [429]
    refused = replies[-1]
    assert (refused.body, refused.headers.get("content-type", "")) == (b"", "")
    assert refused.headers["x-rate-limit-problem"] == "minute"
    assert refused.headers["x-minlimit-remaining"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    xero.control("POST", "clock", advance_s=int(refused.headers["retry-after"]))
    assert xero.raw("GET", "/Currencies", tenant=tenant).status == 200


def fresh_minute(xero, tenant):
    """Use the tenant's minute up and wait for the next to begin, so that no window ends in the middle of a test."""
    for _ in range(130):
        reply = xero.raw("GET", "/Currencies", tenant=tenant)
        if reply.status == 429:
            xero.control("POST", "clock", advance_s=int(reply.headers["retry-after"]))
            return
    pytest.fail("130 calls in a row and no limit")


def test_the_sdk_maps_429(xero):
    """RateLimitException names the limit; with a Retry-After the SDK's HTTP library would sleep and try again."""
    xero.control("POST", "faults", fault="429_concurrent", path="/api.xro/2.0/Currencies")
    with pytest.raises(RateLimitException) as refused:
        xero.api.get_currencies(xero.tenant)
    assert refused.value.status == 429


@pytest.mark.parametrize("kind", ["day", "concurrent", "appminute"])
def test_the_other_limits_look_alike(xero, kind):
    """Played as faults: Retry-After for the day only."""
    xero.control("POST", "faults", fault=f"429_{kind}", path="/api.xro/2.0/Currencies")
    reply = xero.raw("GET", "/Currencies")
    assert (reply.status, reply.body, reply.headers["x-rate-limit-problem"]) == (429, b"", kind)
    assert ("retry-after" in reply.headers) is (kind == "day")


def test_the_starter_tier_has_a_thousand_calls_a_day():
    """--tier starter."""
    with sandbox_process.start("--auto-consent", "--tier", "starter") as process:
        xero = foreign.Foreign(process.ready)
        assert xero.raw("GET", "/Organisation").headers["x-daylimit-remaining"] == "999"


@pytest.mark.parametrize(
    ("fault", "text"),
    [("503", "The Xero API is temporarily unavailable"), ("503_offline", "The Organisation is offline")],
)
def test_503_is_plain_text(xero, fault, text):
    """Both kinds, and the next call is well again."""
    xero.control("POST", "faults", fault=fault, path="/api.xro/2.0/Currencies")
    reply = xero.raw("GET", "/Currencies")
    assert (reply.status, reply.text) == (503, text)
    assert reply.headers["content-type"].startswith("text/plain")
    assert xero.raw("GET", "/Currencies").status == 200


def test_a_body_of_more_than_ten_megabytes_is_refused(xero):
    """413."""
    assert xero.raw("PUT", "/Invoices", body=b" " * (10 * 1024 * 1024 + 1)).status == 413
