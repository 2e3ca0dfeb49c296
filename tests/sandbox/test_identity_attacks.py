"""Tokens, codes, scopes and ids where they do not belong: refused, and nothing is changed."""

import base64
import json

import pytest

from counterfoil.sandbox import resources
from tests.sandbox.conftest import AU, GB, Ledger, invoice
from tests.sandbox.test_identity import VERIFIER, authorize, claims, exchange, refresh, sent_back
from tests.sandbox_process import REDIRECT_URI

OTHERS = "openid offline_access files"
PATHS = [resource.plural for resource in resources._ALL]
INSIDE = [
    "",
    "/00000000-0000-0000-0000-000000000001",
    "/x/Attachments",
    "/x/Attachments/f.txt",
    "/x/History",
    "/TrialBalance",
]


@pytest.mark.parametrize("plural", PATHS)
def test_no_endpoint_is_open_without_its_scope(sandbox, plural):
    """Whatever stands behind the resource, and whichever the verb: 401 AuthorizationUnsuccessful."""
    ledger = Ledger(sandbox, sandbox.connect(OTHERS)["access_token"], sandbox.tenant(GB))
    for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"):
        for inside in INSIDE:
            for path in (plural, plural.lower(), f"/{plural}"):
                reply = ledger.call(
                    method, path + inside, None if method in {"GET", "DELETE", "HEAD"} else {"Name": "x"}
                )
                assert reply.status == 401, (method, path + inside)


@pytest.mark.parametrize("plural", PATHS)
def test_a_reader_writes_nothing(sandbox, plural):
    """With every .read scope there is, every other verb is 401."""
    readable = [
        f"accounting.{name}.read"
        for name in ("invoices", "payments", "banktransactions", "manualjournals", "settings", "contacts")
    ]
    scope = " ".join([*readable, "accounting.attachments.read", "accounting.reports.trialbalance.read", "openid"])
    ledger = Ledger(sandbox, sandbox.connect(scope)["access_token"], sandbox.tenant(GB))
    before = sandbox.ledger(ledger.tenant)
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        for inside in INSIDE[:4]:
            assert ledger.call(method, plural + inside, {"Name": "x"}).status == 401, (method, inside)
    assert before == sandbox.ledger(ledger.tenant)


def test_a_token_opens_no_organisation_that_its_user_was_not_let_into(sandbox):
    """A connection that was removed, another user's, no tenant and one that does not exist are all the same 403."""
    token = sandbox.connect(user="kim@example.com")["access_token"]
    stranger = {"Authorization": f"Bearer {token}"}
    for row in sandbox.request("GET", "/connections", headers=stranger).json:
        if row["tenantId"] == sandbox.tenant(GB):
            assert sandbox.request("DELETE", f"/connections/{row['id']}", headers=stranger).status == 204
    assert sandbox.api("GET", "Invoices", token, sandbox.tenant(AU)).status == 200
    for tenant in (
        sandbox.tenant(GB),
        "",
        "x",
        "*",
        f"{sandbox.tenant(AU)},{sandbox.tenant(GB)}",
        f" {sandbox.tenant(GB)} x",
    ):
        assert sandbox.api("GET", "Invoices", token, tenant).status == 403, tenant


def test_ids_of_another_organisation_are_not_found(sandbox):
    """Nothing of one organisation's can be read, changed, paid, allocated or named from another."""
    token = sandbox.connect()["access_token"]
    home, away = Ledger(sandbox, token, sandbox.tenant(GB)), Ledger(sandbox, token, sandbox.tenant(AU))
    contact = home.contact()
    (sale,) = home.write("PUT", invoice(contact))
    (credit,) = home.write("PUT", {**invoice(contact), "Type": "ACCRECCREDIT"}, to="CreditNotes")
    before = sandbox.ledger(home.tenant), sandbox.ledger(away.tenant)
    own_id, credit_id = sale["InvoiceID"], credit["CreditNoteID"]
    assert away.call("GET", f"Invoices/{own_id}").status == 404
    assert away.call("POST", f"Invoices/{own_id}", {"Status": "VOIDED"}).status == 404
    assert away.call("POST", "Invoices", {"InvoiceID": own_id, "Status": "VOIDED"}).status == 404
    assert away.get(f"Invoices?IDs={own_id}")["Invoices"] == []
    assert away.call("GET", f"Invoices/{own_id}/History").status == 404
    assert away.call("PUT", f"Invoices/{own_id}/Attachments/a.txt", b"x").status == 404
    paid = {"Invoice": {"InvoiceID": own_id}, "Account": {"Code": "090"}, "Amount": 1}
    assert away.call("PUT", "Payments", paid).status == 400
    allocated = {"Invoice": {"InvoiceID": own_id}, "Amount": 1}
    assert away.call("PUT", f"CreditNotes/{credit_id}/Allocations", allocated).status == 400
    assert away.call("PUT", "Invoices", invoice(contact)).status == 400
    assert before == (sandbox.ledger(home.tenant), sandbox.ledger(away.tenant))


def test_a_code_without_its_challenge_takes_no_verifier(sandbox):
    """Somebody took the challenge out of the request on its way: the app's verifier tells, and the code is worth nothing."""
    stolen = sent_back(authorize(sandbox, code_challenge=None, code_challenge_method=None))["code"]
    refused = exchange(sandbox, stolen, code_verifier=VERIFIER)
    assert (refused.status, refused.json) == (400, {"error": "invalid_grant"})
    plain = sent_back(authorize(sandbox, code_challenge=None, code_challenge_method=None))["code"]
    assert exchange(sandbox, plain, code_verifier=None).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": VERIFIER[:10]},
        {"code_challenge": ""},
    ],
)
def test_there_is_no_weaker_challenge_than_s256(sandbox, changed):
    """A plain challenge, one without a method and a short one come back as invalid_request."""
    assert sent_back(authorize(sandbox, **changed))["error"] == "invalid_request"


def test_a_code_is_for_one_app_one_address_and_one_verifier(sandbox):
    """Every mismatch is invalid_grant, and the code is gone after it (but for another app's try)."""
    public = {"client_id": sandbox.ready["public_client_id"], "client_secret": None}
    code = sent_back(authorize(sandbox))["code"]
    assert exchange(sandbox, code, **public).json == {"error": "invalid_grant"}
    assert exchange(sandbox, code).status == 200
    for wrong in ({"redirect_uri": f"{REDIRECT_URI}/x"}, {"code_verifier": "x" * 43}, {"code_verifier": None}):
        code = sent_back(authorize(sandbox))["code"]
        assert exchange(sandbox, code, **wrong).json == {"error": "invalid_grant"}
        assert exchange(sandbox, code).json == {"error": "invalid_grant"}


def test_a_made_up_token_is_no_token(sandbox):
    """Unsigned, re-signed with nothing, an id token, a refresh token: 401 AuthenticationUnsuccessful."""
    tokens = sandbox.connect()
    head, body, signature = tokens["access_token"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    wider = (
        base64.urlsafe_b64encode(
            json.dumps(claims(tokens["access_token"]) | {"scope": ["accounting.settings"]}).encode()
        )
        .rstrip(b"=")
        .decode()
    )
    for token in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{wider}.{signature}",
        f"{head}.{body}.",
        tokens["id_token"],
        tokens["refresh_token"],
    ):
        reply = sandbox.api("GET", "Invoices", token, sandbox.tenant(GB))
        assert (reply.status, reply.json["Detail"]) == (401, "AuthenticationUnsuccessful")


def test_another_apps_refresh_token_is_worth_nothing(sandbox):
    """A refresh token belongs to the app that got it."""
    token = sandbox.connect(public=True)["refresh_token"]
    assert refresh(sandbox, token).json == {"error": "invalid_grant"}


def test_an_app_without_journals_gets_no_token_for_them(sandbox):
    """Below the Advanced tier the scope is refused at the consent; after a fall to a smaller tier the endpoint is 403."""
    client = sandbox.ready["client_id"]
    sandbox.post(f"/_sandbox/apps/{client}", {"tier": "advanced"})
    tokens = sandbox.connect("offline_access accounting.journals.read")
    assert sandbox.api("GET", "Journals", tokens["access_token"], sandbox.tenant(GB)).status == 200
    sandbox.post(f"/_sandbox/apps/{client}", {"tier": "core"})
    assert sandbox.api("GET", "Journals", tokens["access_token"], sandbox.tenant(GB)).status == 403
    renewed = refresh(sandbox, tokens["refresh_token"])
    assert "accounting.journals.read" not in renewed.json["scope"].split()
    assert sandbox.api("GET", "Journals", renewed.json["access_token"], sandbox.tenant(GB)).status == 401


def test_registered_https_addresses_match_exactly(sandbox):
    """An app may be sent back to the https addresses that it registered, and to no other."""
    client, uri = sandbox.ready["client_id"], "https://app.example/callback"
    assert authorize(sandbox, redirect_uri=uri).status == 400
    shown = sandbox.post(f"/_sandbox/apps/{client}", {"redirect_uris": [uri]})
    assert shown["redirect_uris"] == [uri]
    back = authorize(sandbox, redirect_uri=uri)
    assert back.headers["Location"].startswith(f"{uri}?code=")
    assert exchange(sandbox, sent_back(back)["code"], redirect_uri=uri).status == 200
    for other in (f"{uri}/", f"{uri}?x=1", uri.upper(), "https://app.example", "http://app.example/callback"):
        assert authorize(sandbox, redirect_uri=other).status == 400, other
    assert authorize(sandbox, redirect_uri=uri, client_id=sandbox.ready["public_client_id"]).status == 400
    assert authorize(sandbox).status == 302


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb",
        "http://127.0.0.1:1/",
        "https://",
        "https://x y/",
        "https://a@b/",
        "https://a/#",
        "app://cb",
        "",
    ],
)
def test_only_https_addresses_are_registered(sandbox, uri):
    """Custom schemes, plain http and odd addresses are refused when they are registered."""
    reply = sandbox.request("POST", "/_sandbox/apps", json.dumps({"redirect_uris": [uri]}).encode())
    assert reply.status == 400


def test_a_form_of_very_many_fields_is_no_request(sandbox):
    """It is refused before anybody reads it all."""
    body = b"&".join(b"a%d=b" % n for n in range(5_000))
    assert sandbox.request("POST", "/connect/token", body).json == {"error": "invalid_request"}
    assert sandbox.request("POST", "/identity/consent", body).status == 400
