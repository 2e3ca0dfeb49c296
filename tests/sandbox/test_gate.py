"""Who is let in, how often, and what an idempotency key does."""

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice, messages

SETTINGS = "offline_access accounting.settings"


def detail(reply):
    return reply.status, reply.json["Title"], reply.json["Detail"], reply.headers["Content-Type"]


def test_a_missing_and_a_wrong_token_are_unsuccessful(sandbox):
    """Without a good token the answer is 401 AuthenticationUnsuccessful in Xero's problem shape."""
    for token in ("", "nonsense", "a.b.c"):
        reply = sandbox.api("GET", "Organisation", token, sandbox.tenant(1))
        assert detail(reply) == (401, "Unauthorized", "AuthenticationUnsuccessful", "application/json")
        assert list(reply.json) == ["Type", "Title", "Status", "Detail", "Instance", "Extensions"]


def test_an_expired_token_says_when(ledger):
    """After 30 minutes the token is 401 TokenExpired with Xero's American date."""
    ledger.sandbox.advance(1801)
    reply = ledger.call("GET", "Organisation")
    assert reply.status == 401
    assert reply.json["Detail"].startswith("TokenExpired: token expired at ")


def test_an_id_token_is_not_an_access_token(sandbox):
    """A token of the other kind is refused although we signed it."""
    reply = sandbox.api("GET", "Organisation", sandbox.connect()["id_token"], sandbox.tenant(1))
    assert reply.json["Detail"] == "AuthenticationUnsuccessful"


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("accounting.settings", "GET", "Contacts", 401),
        ("accounting.contacts.read", "GET", "Contacts", 200),
        ("accounting.contacts.read", "PUT", "Contacts", 401),
        ("accounting.invoices", "GET", "Invoices", 200),
        ("accounting.contacts", "GET", "Invoices", 401),
        ("accounting.settings.read", "GET", "TaxRates", 200),
    ],
)
def test_a_missing_scope_is_401_and_not_403(sandbox, scope, method, path, status):
    """A scope that does not suffice is AuthorizationUnsuccessful, with status 401; .read suffices for reading."""
    reply = sandbox.api(
        method, path, sandbox.connect(scope)["access_token"], sandbox.tenant(1), {} if method == "PUT" else None
    )
    assert reply.status == status
    if status == 401:
        assert reply.json["Detail"] == "AuthorizationUnsuccessful"


@pytest.mark.parametrize("tenant", ["", "00000000-0000-0000-0000-000000000001", "nonsense"])
def test_a_tenant_that_is_not_connected_is_403(ledger, tenant):
    """A wrong or missing xero-tenant-id is 403 AuthenticationUnsuccessful."""
    reply = ledger.sandbox.api("GET", "Organisation", ledger.token, tenant)
    assert detail(reply) == (403, "Forbidden", "AuthenticationUnsuccessful", "application/json")


def test_an_unknown_resource_is_html(ledger):
    """What does not exist is text/html, not JSON."""
    reply = ledger.call("GET", "Nonsense")
    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert reply.body == b"The resource you're looking for cannot be found"


def test_xml_is_refused_in_words(ledger):
    """Without Accept: application/json the sandbox says that Xero would answer XML."""
    reply = ledger.call("GET", "Organisation", Accept="application/xml")
    assert reply.status == 406
    assert b"Accept: application/json" in reply.body


def test_names_are_singular_or_plural_in_any_case(ledger):
    """Paths do not mind case or number."""
    for path in ("organisation", "Organisations", "ORGANISATION"):
        assert ledger.get(path)["Organisations"][0]["Name"] == "Fernhill Trading Ltd"


def test_a_body_over_ten_megabytes_is_413(ledger):
    """The whole request is refused before it is read as JSON."""
    assert ledger.call("PUT", "Contacts", b"[" + b" " * (10 * 1024 * 1024) + b"]").status == 413


def test_the_correlation_id_is_the_envelopes_id(ledger):
    """Xero-Correlation-Id equals Id of a good answer, and every answer has one."""
    reply = ledger.call("GET", "Organisation")
    assert reply.headers["Xero-Correlation-Id"] == reply.json["Id"]
    assert "Xero-Correlation-Id" in ledger.call("GET", "Nonsense").headers


def connected(*arguments):
    sandbox = sandbox_process.start("--auto-consent", *arguments)
    return Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))


@pytest.mark.parametrize("rolling", [(), ("--rolling-limits",)])
def test_the_sixty_first_call_of_a_minute_is_429(rolling):
    """Headers count down by one; the 61st answer is an empty 429 with Retry-After; a new window lets calls in again."""
    ledger = connected("--minute-window-s", "3600", "--access-token-ttl-s", "86400", *rolling)
    with ledger.sandbox as sandbox:
        left = [int(ledger.call("GET", "Currencies").headers["X-MinLimit-Remaining"]) for _ in range(60)]
        # A fixed window that happened to end in between would show here as a rise; an hour is long enough.
        assert left == list(range(59, -1, -1))
        refused = ledger.call("GET", "Currencies")
        assert (refused.status, refused.body) == (429, b"")
        assert "Content-Type" not in refused.headers
        assert refused.headers["X-Rate-Limit-Problem"] == "minute"
        assert refused.headers["X-MinLimit-Remaining"] == "0"
        assert refused.headers["X-DayLimit-Remaining"] == "4940"
        sandbox.advance(int(refused.headers["Retry-After"]))
        assert ledger.call("GET", "Currencies").status == 200
        assert sandbox.api("GET", "Currencies", ledger.token, sandbox.tenant(2)).headers["X-MinLimit-Remaining"] == "59"


def test_the_day_is_a_thousand_calls_on_starter():
    """On the Starter tier the 1,001st call of a day is 429 day."""
    ledger = connected("--tier", "starter", "--minute-window-s", "0.001")
    with ledger.sandbox:
        counts = [ledger.call("GET", "Currencies") for _ in range(1001)]
        assert {reply.status for reply in counts[:1000]} == {200}
        assert counts[1000].status == 429
        assert counts[1000].headers["X-Rate-Limit-Problem"] == "day"
        assert int(counts[1000].headers["Retry-After"]) <= 86_400


def test_a_key_replays_the_answer_and_makes_nothing_twice(ledger):
    """The same key and request give the same bytes; the ledger holds one invoice."""
    body = {"Invoices": [invoice(ledger.contact())]}
    first = ledger.call("PUT", "Invoices", body, Idempotency_Key="k1")
    again = ledger.call("PUT", "Invoices", body, idempotency_key="k1")
    assert (first.status, again.body) == (200, first.body)
    assert len(ledger.stored("Invoices")) == 1


def test_a_key_replays_errors_too(ledger):
    """A refusal is kept like any answer, even after its reason is gone."""
    body = {"Contacts": [{"Name": "Twin"}]}
    ledger.contact("Twin")
    first = ledger.call("PUT", "Contacts", body, Idempotency_Key="k2")
    assert first.status == 400
    ledger.sandbox.edit(ledger.tenant, ledger.stored("Contacts")[0]["ContactID"], Name="Other")
    assert ledger.call("PUT", "Contacts", body, Idempotency_Key="k2").body == first.body
    assert ledger.call("PUT", "Contacts", body, Idempotency_Key="k3").status == 200


def test_a_key_is_for_one_request_only(ledger):
    """Another body, path or tenant under the same key is 400."""
    ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k4")
    for method, path, body in (("PUT", "Contacts", {"Name": "B"}), ("POST", "Contacts", {"Name": "A"})):
        reply = ledger.call(method, path, body, Idempotency_Key="k4")
        assert reply.status == 400
        assert reply.json["Message"] == "Idempotency Key: k4 is used with a different request."
    other = ledger.sandbox.api(
        "PUT", "Contacts", ledger.token, ledger.sandbox.tenant(2), {"Name": "A"}, Idempotency_Key="k4"
    )
    assert other.status == 400
    assert [row["Name"] for row in ledger.stored("Contacts")] == ["A"]


def test_a_key_is_forgotten_after_six_minutes(ledger):
    """After the lifetime the key is new and the request is processed again."""
    ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k5")
    ledger.sandbox.advance(359)
    assert ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k5").status == 200
    ledger.sandbox.advance(2)
    reply = ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k5")
    assert "already assigned" in messages(reply.json["Elements"][0])[0]


def test_a_key_over_128_characters_is_400(ledger):
    """Keys have a maximum length."""
    assert ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k" * 129).status == 400
    assert ledger.call("PUT", "Contacts", {"Name": "A"}, Idempotency_Key="k" * 128).status == 200


def test_a_key_on_a_get_is_ignored(ledger):
    """Reading is never replayed."""
    assert ledger.get("Contacts", Idempotency_Key="k6")["Contacts"] == []
    ledger.contact()
    assert len(ledger.get("Contacts", Idempotency_Key="k6")["Contacts"]) == 1
