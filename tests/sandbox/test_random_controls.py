"""Random forms and JSON to the identity server and the controls: refusals, never a 500."""

import http.client
import json
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.sandbox import faults, person, registering
from counterfoil.sandbox.webhooks import subscriptions
from tests import sandbox_process

CLIENTS = ["5A4DB0C0FFEE40008320C0DEC0DE0001", "5A4DB0C0FFEE40008320C0DEC0DE0002", "5A4DB0C0FFEE40008320C0DEC0DE0003"]
SECRET = "sandbox-secret-that-opens-nothing-else-0001"
WORD = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [*CLIENTS, SECRET, "code", "S256", "openid", "accounting.settings", "http://localhost:8321/cb", "http://localhost:x/",
         "http://[", "refresh_token", "authorization_code", "client_credentials", "bulk_connect:false", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
         "app.connections", "\u0000", "é", "x" * 500]
    ),
)  # fmt: skip
FORM = st.dictionaries(
    st.sampled_from(
        [
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "acr_values",
            "login_hint",
            "grant_type",
            "client_secret",
            "code",
            "refresh_token",
            "code_verifier",
            "token",
            "consent",
            "decision",
            "tenant",
            "authEventId",
        ]
    ),
    WORD,
    max_size=8,
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), WORD,
              st.sampled_from(["Invoices", "Contacts", "PUT", "GET", "2026-11-01", "Status", "DRAFT", *faults.KNOWN])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORD, inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip
FIELDS = sorted(
    {"fault", "method", "path", "tenant", "count", "probability", "seed", "delay_s", "advance_s", "body", "set", "Invoices", "Contacts"}
    | person.ORGANISATION_FIELDS - {"reset"}
    | registering.FIELDS
    | subscriptions.FIELDS
)  # fmt: skip
CONTROLS = [
    "faults",
    "clock",
    "apps",
    "webhooks",
    "unknowns",
    f"apps/{CLIENTS[0]}",
    "organisation/T",
    "person/T",
    "document/T",
    "document/T/I",
]


@pytest.fixture(scope="module")
def target():
    """A sandbox with one contact, whose tenant and contact stand for T and I."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as sandbox:
        tenant = sandbox.tenant(1)
        (contact,) = sandbox.make(tenant, "Contacts", {"Name": "Blue Fern Ltd"})
        yield sandbox, tenant, contact["ContactID"]


def answered(sandbox, method, path, body, headers):
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["authorize", "consent", "token", "revocation", "connections"]), FORM, WORD)
def test_no_form_breaks_the_identity_server(target, place, form, word):
    """Redirects, pages and OAuth errors for whatever a client sends."""
    sandbox, _, _ = target
    query = urlencode(form)
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    method, path = {
        "authorize": ("GET", f"/identity/connect/authorize?{query}"),
        "consent": ("POST", "/identity/consent"),
        "token": ("POST", "/connect/token"),
        "revocation": ("POST", "/connect/revocation"),
        "connections": ("GET", f"/connections?{query}"),
    }[place]
    if word.isascii() and word.isprintable():
        sent["Authorization"] = f"Basic {word}"
    status, text = answered(sandbox, method, path, None if method == "GET" else query, sent)
    assert status < 500, text


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CONTROLS), st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)))
def test_no_body_breaks_a_control(target, control, body):
    """200, 400 with the reason, or 404; afterwards the sandbox is well."""
    sandbox, tenant, contact = target
    path = control.replace("/T", f"/{tenant}").replace("/I", f"/{contact}")
    status, text = answered(
        sandbox, "POST", f"/_sandbox/{path}", json.dumps(body), {"Content-Type": "application/json"}
    )
    sandbox.clear_faults()
    assert status in {200, 400, 404}, text
