"""Xero's own SDK pointed at the sandbox, and bare HTTP for what the SDK hides.

`Foreign` connects as an app would: authorize (consent given automatically), code, token. Nothing here is ours but the
glue, so what passes here is what a stranger's program would see.
"""

import http.client
import itertools
import json
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec
from xero_python.accounting import AccountingApi, Contact, Contacts, Invoice, Invoices, LineItem
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token
from xero_python.identity import IdentityApi

REDIRECT_URI = "http://localhost:8321/callback"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.payments accounting.contacts "
    "accounting.settings accounting.attachments accounting.banktransactions accounting.manualjournals "
    "accounting.reports.aged.read accounting.reports.balancesheet.read "
    "accounting.reports.banksummary.read accounting.reports.profitandloss.read accounting.reports.trialbalance.read"
)
WITH_JOURNALS = f"{SCOPES} accounting.journals.read"  # not below the Advanced tier
API = "/api.xro/2.0"


class Reply:
    """One HTTP answer as it came."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()

    def json(self):
        """The body as JSON, fractions as Decimal."""
        return json.loads(self.body, parse_float=Decimal)


def send(url, method, path, *, body=None, headers=None):
    """One request on its own connection; no redirect is followed, nothing is repeated."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def form(url, path, headers=None, **fields):
    """A form posted to the identity server."""
    return send(
        url,
        "POST",
        path,
        body=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
    )


def authorize(ready, *, client_id=None, scope=SCOPES, **more):
    """GET authorize; the answer is the redirect back (or the page, without --auto-consent)."""
    query = {
        "response_type": "code",
        "client_id": client_id or ready["client_id"],
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": "s1",
        **more,
    }
    return send(ready["login_url"], "GET", f"/identity/connect/authorize?{urlencode(query)}")


def returned(reply):
    """What came back at redirect_uri."""
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def consented(ready, *, scope=SCOPES, **more):
    """A token set by code and secret, as the SDK wants it."""
    code = returned(authorize(ready, scope=scope, **more))["code"]
    reply = form(
        ready["identity_url"],
        "/connect/token",
        grant_type="authorization_code",
        code=code,
        redirect_uri=REDIRECT_URI,
        client_id=ready["client_id"],
        client_secret=ready["client_secret"],
    )
    assert reply.status == 200, reply.text
    return reply.json()


class Foreign:
    """The SDK with one consent. `tenants` maps a country to its tenant id; `api` and `identity` are the SDK's."""

    def __init__(self, ready, **consent):
        self.ready = ready
        self.url = ready["api_url"]
        self.tenants = {entry["country"]: entry["tenant_id"] for entry in ready["organisations"][:4]}
        self.tenant = self.tenants["GB"]
        self.token = consented(ready, **consent)
        self.client = ApiClient(
            Configuration(oauth2_token=OAuth2Token(ready["client_id"], ready["client_secret"])),
            oauth2_token_getter=lambda: self.token,
            oauth2_token_saver=self._save,
        )
        # The configuration is one per process in this SDK; each client gets its own token holder.
        self.client.configuration.oauth2_token = OAuth2Token(ready["client_id"], ready["client_secret"])
        self.api = AccountingApi(self.client, base_url=f"{self.url}{API}")
        self.identity = IdentityApi(self.client, base_url=self.url)

    def _save(self, token):
        self.token = token

    def raw(self, method, path, *, tenant=None, body=None, headers=None, token=None):
        """Bare HTTP to the Accounting API with token and tenant; `body` is sent as JSON unless it is bytes."""
        sent = {
            "Authorization": f"Bearer {token or self.token['access_token']}",
            "Xero-Tenant-Id": tenant or self.tenant,
            "Accept": "application/json",
            **(headers or {}),
        }
        if body is not None and not isinstance(body, bytes):
            body = _ENCODER.encode(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        return send(self.url, method, f"{API}{path}", body=body, headers=sent)

    def control(self, method, path, /, **body):
        """The sandbox's own switches."""
        reply = send(
            self.ready["url"],
            method,
            f"/_sandbox/{path}",
            body=json.dumps(body) if body or method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        assert reply.status in {200, 201, 204}, reply.text
        return json.loads(reply.body) if reply.body else None

    def contact(self, name, tenant=None, **fields):
        """A new contact's id."""
        made = self.api.create_contacts(tenant or self.tenant, Contacts(contacts=[Contact(name=name, **fields)]))
        return made.contacts[0].contact_id

    def invoice(self, contact_id, *lines, **fields):
        """An SDK invoice, not yet sent: AUTHORISED and due unless told otherwise."""
        return Invoice(
            **{
                "type": "ACCREC",
                "contact": Contact(contact_id=contact_id),
                "line_items": list(lines) or [line()],
                "date": date(2026, 11, 1),
                "due_date": date(2026, 11, 15),
                "status": "AUTHORISED",
                **fields,
            }
        )

    def created(self, *invoices, tenant=None, **options):
        """The invoices as the sandbox answers PUT."""
        made = self.api.create_invoices(tenant or self.tenant, Invoices(invoices=list(invoices)), **options)
        return made.invoices


def line(description="Tea", quantity="1", unit="10.00", account="200", **fields):
    """An SDK line."""
    return LineItem(
        description=description, quantity=Decimal(quantity), unit_amount=Decimal(unit), account_code=account, **fields
    )


def wire_invoice(contact_id, **fields):
    """The same as a wire dict, for bare HTTP."""
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact_id},
        "Date": "2026-11-01",
        "DueDate": "2026-11-15",
        "Status": "AUTHORISED",
        "LineItems": [{"Description": "Tea", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}],
        **fields,
    }


ROUNDED = {"SubTotal": 10, "TotalTax": 2, "Total": 12.05, "RoundingAmount": 0.05}


def wire_payment(invoice_id, **fields):
    """A payment into the British bank account as a wire dict."""
    return {
        "Invoice": {"InvoiceID": invoice_id},
        "Account": {"Code": "090"},
        "Date": "2026-11-03",
        "Amount": 12,
        **fields,
    }


def where(text):
    """A where parameter, encoded."""
    return f"where={quote(text, safe='')}"


def amount(value):
    """An SDK number, exactly."""
    return Decimal(str(value))


def messages(element):
    """The ValidationErrors of an SDK model or a wire dict."""
    errors = element.get("ValidationErrors") if isinstance(element, dict) else element.validation_errors
    return [error["Message"] if isinstance(error, dict) else error.message for error in errors or []]


unique = (f"{number:05}" for number in itertools.count(1)).__next__
