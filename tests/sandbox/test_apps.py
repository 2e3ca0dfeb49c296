"""Apps of every kind: custom connections, creation dates, tiers, caps, and roles without reports."""

import re

import pytest

from counterfoil.sandbox import gate, person
from counterfoil.sandbox.answers import Refusal
from counterfoil.sandbox.gate import Caller
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.world import World
from tests import sandbox_process
from tests.sandbox.conftest import Ledger
from tests.sandbox.test_identity import authorize, claims, connections, exchange, sent_back
from tests.sandbox_process import SCOPES

CUSTOM = "5A4DB0C0FFEE40008320C0DEC0DE0003"


def registered(sandbox, **fields):
    return sandbox.post("/_sandbox/apps", fields)


def changed(sandbox, client_id, **fields):
    return sandbox.post(f"/_sandbox/apps/{client_id}", fields)


def by_secret(sandbox, app, scope=None):
    form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"]}
    return sandbox.form("/connect/token", form if scope is None else {**form, "scope": scope})


def consented(sandbox, app, scope=SCOPES, **more):
    """The token of a consent to this app, or the page that refuses."""
    reply = authorize(sandbox, client_id=app["client_id"], scope=scope, **more)
    if reply.status != 302:
        return reply
    mine = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    return exchange(sandbox, sent_back(reply)["code"], **mine).json["access_token"]


def get(sandbox, path, token, tenant=None):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if tenant is not None:
        headers["Xero-Tenant-Id"] = tenant
    return sandbox.request("GET", f"/api.xro/2.0/{path}", headers=headers)


@pytest.fixture
def custom(sandbox):
    """The custom connection that every sandbox has."""
    return next(app for app in sandbox.get("/_sandbox/apps") if app["client_id"] == CUSTOM)


def test_a_custom_connection_needs_no_consent_and_no_tenant(sandbox, custom):
    """client_credentials reach the one organisation without a header, with its own header, and no other."""
    tokens = by_secret(sandbox, custom, "accounting.settings").json
    assert list(tokens) == ["access_token", "expires_in", "token_type", "scope"]
    assert "xero_userid" not in claims(tokens["access_token"])
    for tenant in (None, sandbox.tenant(1)):
        reply = get(sandbox, "Organisation", tokens["access_token"], tenant)
        assert reply.json["Organisations"][0]["Name"] == "Fernhill Trading Ltd"
    assert get(sandbox, "Organisation", tokens["access_token"], sandbox.tenant(2)).status == 403
    assert get(sandbox, "Contacts", tokens["access_token"]).json["Detail"] == "AuthorizationUnsuccessful"
    assert [row["tenantId"] for row in connections(sandbox, tokens["access_token"])] == [sandbox.tenant(1)]


def test_a_custom_connection_has_what_it_was_given(sandbox):
    """Asking nothing gives all it was given; more is invalid_scope; journals are never given to a new one."""
    scopes = ["accounting.contacts", "accounting.settings.read", "accounting.journals.read"]
    app = registered(sandbox, kind="custom", scopes=scopes, tenant=sandbox.tenant(3))
    assert by_secret(sandbox, app).json["scope"] == "accounting.contacts accounting.settings.read"
    for scope in ("accounting.invoices", "accounting.journals.read", "accounting.transactions"):
        assert by_secret(sandbox, app, scope).json == {"error": "invalid_scope"}
    old = registered(sandbox, kind="custom", scopes=scopes, created="2026-04-28")
    assert "accounting.journals.read" in by_secret(sandbox, old).json["scope"]
    reply = get(sandbox, "Organisation", by_secret(sandbox, app).json["access_token"])
    assert reply.json["Organisations"][0]["CountryCode"] == "NL"


def test_changing_a_custom_connection_ends_it_until_it_is_authorised_again(sandbox, custom):
    """Its tokens answer 403 and none is given out; so does a person who disconnects it, or DELETE /connections/{id}."""
    token = by_secret(sandbox, custom).json["access_token"]
    assert changed(sandbox, CUSTOM, scopes=["accounting.settings"])["authorised"] is False
    assert get(sandbox, "Organisation", token).status == 403
    assert by_secret(sandbox, custom).json == {"error": "unauthorized_client"}
    changed(sandbox, CUSTOM, authorised=True)
    assert get(sandbox, "Organisation", token).status == 200
    (connection,) = connections(sandbox, token)
    bearer = {"Authorization": f"Bearer {token}"}
    assert sandbox.request("DELETE", f"/connections/{connection['id']}", headers=bearer).status == 204
    assert get(sandbox, "Organisation", token).status == 403
    changed(sandbox, CUSTOM, authorised=True)
    sandbox.organisation(sandbox.tenant(1), disconnected_app=CUSTOM)
    assert get(sandbox, "Organisation", token).status == 403


def test_a_custom_connection_cannot_ask_a_person(sandbox, custom):
    """authorize shows the error page."""
    reply = authorize(sandbox, client_id=CUSTOM)
    assert (reply.status, b"unauthorized_client" in reply.body) == (400, True)
    form = {"grant_type": "authorization_code", "client_id": CUSTOM, "client_secret": custom["client_secret"]}
    assert sandbox.form("/connect/token", {**form, "code": "x"}).json == {"error": "unauthorized_client"}


def test_an_old_app_has_the_broad_scopes_until_they_end(sandbox):
    """Created before 2 March 2026 they are granted and suffice; from their end on neither; created later, never."""
    old = registered(sandbox, created="2026-03-01", certified=True)
    new = registered(sandbox, created="2026-03-02", certified=True)
    broad = "accounting.transactions accounting.reports.read"
    assert b"Invalid scope for client" in consented(sandbox, new, broad).body
    token = consented(sandbox, old, broad)
    assert get(sandbox, "Invoices", token, sandbox.tenant(1)).status == 200
    assert get(sandbox, "Contacts", token, sandbox.tenant(1)).status == 401
    now = sandbox.get("/_sandbox/health")["now"]
    sandbox.advance(366 * 86_400)
    assert now < "2027" < sandbox.get("/_sandbox/health")["now"]
    assert b"Invalid scope for client" in consented(sandbox, old, broad).body


def test_broad_scopes_of_living_tokens_die_on_the_day():
    """A token with a broad scope is worth nothing from --broad-scopes-end on."""
    arguments = ("--auto-consent", "--no-limits", "--broad-scopes", "--broad-scopes-end", "2020-01-01")
    with sandbox_process.start(*arguments) as sandbox:
        assert authorize(sandbox, scope="accounting.transactions").status == 400
        assert "access_token" in sandbox.connect("accounting.invoices")


@pytest.mark.parametrize(("tier", "several"), [("starter", False), ("plus", False), ("advanced", True)])
def test_one_organisation_per_consent_below_advanced(sandbox, tier, several):
    """Bulk connections come with the Advanced tier."""
    token = consented(sandbox, registered(sandbox, tier=tier))
    assert len(connections(sandbox, token)) == (4 if several else 1)


@pytest.mark.parametrize(("tier", "granted"), [("core", False), ("advanced", True), ("exempt", True)])
def test_journals_are_for_the_advanced_tier(sandbox, tier, granted):
    """Below it the scope is not the app's to ask."""
    app = registered(sandbox, tier=tier)
    answer = consented(sandbox, app, "accounting.journals.read")
    assert isinstance(answer, str) is granted


def test_the_tiers_cap_on_connections_is_told_at_consent():
    """Starter has five: the sixth consent is refused on a page; a disconnected one makes room."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--tier", "starter", "--organisations", "6") as sandbox:
        tokens = [sandbox.connect()["access_token"] for _ in range(5)]
        assert len(connections(sandbox, tokens[-1])) == 5
        refused = authorize(sandbox)
        assert refused.status == 400
        assert b"The starter tier has 5 connections" in refused.body
        sandbox.organisation(sandbox.tenant(2), disconnected=True)
        sandbox.connect()


def test_an_organisation_has_two_uncertified_apps(sandbox):
    """The third is refused, a certified one is not, and a custom connection does not count."""
    first, second = registered(sandbox), registered(sandbox, kind="pkce")
    assert isinstance(consented(sandbox, first), str)
    reply = authorize(sandbox, client_id=second["client_id"])
    assert reply.status == 302
    third = registered(sandbox)
    refused = consented(sandbox, third)
    assert refused.status == 400
    assert b"2 uncertified apps are connected" in refused.body
    assert isinstance(consented(sandbox, registered(sandbox, certified=True)), str)
    changed(sandbox, third["client_id"], certified=True)
    assert isinstance(consented(sandbox, third), str)


def test_a_cap_can_be_sent_back_and_is_said_on_the_page():
    """--full-cap redirect answers access_denied; the consent page shows which organisation cannot be chosen, and why."""
    with sandbox_process.start("--no-limits", "--full-cap", "redirect", "--organisations", "1") as sandbox:
        for _ in range(3):
            app = registered(sandbox)
            page = authorize(sandbox, client_id=app["client_id"]).body.decode()
            consent = re.search(r'name="consent" value="([^"]+)"', page)[1]
            form = f"consent={consent}&decision=allow&tenant={sandbox.tenant(1)}"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = sandbox.request("POST", "/identity/consent", form.encode(), headers)
        assert sent_back(reply)["error"] == "access_denied"
        assert "2 uncertified apps are connected" in page


def test_rapid_sync_lifts_minute_and_day_for_half_an_hour():
    """From Plus on the first 30 minutes of a connection are not counted."""
    arguments = ("--auto-consent", "--tier", "plus", "--access-token-ttl-s", "86400", "--minute-window-s", "3600")
    with sandbox_process.start(*arguments) as sandbox:
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        assert {ledger.call("GET", "Currencies").status for _ in range(70)} == {200}
        assert ledger.call("GET", "Currencies").headers["X-MinLimit-Remaining"] == "60"
        sandbox.advance(1_801)
        statuses = [ledger.call("GET", "Currencies").status for _ in range(61)]
        assert (statuses[:60], statuses[60]) == ([200] * 60, 429)


def test_the_tier_of_an_app_sets_its_day(sandbox):
    """Two apps of one sandbox can be on different tiers."""
    with sandbox_process.start("--auto-consent") as limited:
        app = registered(limited, tier="starter")
        token = consented(limited, app)
        headers = get(limited, "Organisation", token, limited.tenant(1)).headers
        assert headers["X-DayLimit-Remaining"] == "999"


def test_a_role_without_reports_is_403_in_words_of_its_own():
    """A Standard user without the permission is refused reports and journals; settings and other users go on."""
    world = World(Options(organisations=1), 1)
    world.renew(1)
    (books,) = world.organisations()
    person.changed_organisation(world, books, {"without_reports": ["kim@example.com"]})
    kim, alex = (Caller("app", world.user(email).user_id, []) for email in ("Kim@example.com", "alex@example.com"))
    for plural in ("Reports", "Journals", "ManualJournals"):
        with pytest.raises(Refusal) as refused:
            gate.permitted(world, kim, books, plural)
        assert refused.value.answer.status == 403
        assert b'"Detail":"AuthorizationUnsuccessful"' in refused.value.answer.body
        gate.permitted(world, alex, books, plural)
    gate.permitted(world, kim, books, "Accounts")


def test_a_user_without_reports_meets_403_over_http(sandbox):
    """The scope is there and the organisation is connected; only this user's role is in the way, and only for reports."""
    scope = "accounting.settings accounting.manualjournals accounting.reports.trialbalance.read"
    kim, alex = (sandbox.connect(scope, user=f"{name}@example.com")["access_token"] for name in ("kim", "alex"))
    sandbox.organisation(sandbox.tenant(1), without_reports=["kim@example.com"])
    for path in ("Reports/TrialBalance", "ManualJournals"):
        reply = get(sandbox, path, kim, sandbox.tenant(1))
        assert (reply.status, reply.json["Title"], reply.json["Detail"]) == (
            403,
            "Forbidden",
            "AuthorizationUnsuccessful",
        )
        assert get(sandbox, path, alex, sandbox.tenant(1)).status == 200
        assert get(sandbox, path, kim, sandbox.tenant(2)).status == 200
    assert get(sandbox, "Organisation", kim, sandbox.tenant(1)).status == 200


@pytest.mark.parametrize(
    "fields",
    [{"kind": "spa"}, {"tier": "gold"}, {"created": "soon"}, {"scopes": ["x"]}, {"tenant": "x"}, {"colour": 1}],
)
def test_an_app_that_cannot_be_is_refused(sandbox, fields):
    """400 says why."""
    reply = sandbox.request("POST", "/_sandbox/apps", str(fields).replace("'", '"').encode())
    assert (reply.status, "error" in reply.json) == (400, True)
    assert sandbox.request("POST", "/_sandbox/apps/nobody", b"{}").status == 404


def test_apps_are_in_the_state_file(tmp_path):
    """A registered app and its change outlive kill -9."""
    arguments = ("--auto-consent", "--state", str(tmp_path / "state.jsonl"))
    first = sandbox_process.start(*arguments)
    app = registered(first, name="Mine")
    changed(first, app["client_id"], tier="plus")
    first.kill()
    with sandbox_process.start(*arguments) as second:
        kept = next(row for row in second.get("/_sandbox/apps") if row["client_id"] == app["client_id"])
        assert (kept["name"], kept["tier"], kept["client_secret"]) == ("Mine", "plus", app["client_secret"])
