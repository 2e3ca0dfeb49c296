"""The pages in a real browser: from the index to a document, the consent, the request log; and their headers."""

import http.server
import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import sandbox_process

CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
}
HOSTILE = "<script>document.title='broken into'</script> & مكتبة النور"
CONTACT = "Café Zoë & مكتبة النور"
SCOPES = "openid profile email offline_access accounting.invoices accounting.contacts accounting.settings.read"
LINES = [
    {"Description": "東京 teapot", "Quantity": 2, "UnitAmount": 12.5, "AccountCode": "200", "DiscountRate": 10},
    {"Description": "Delivery <b>bold</b>", "Quantity": 1, "UnitAmount": 4.5, "AccountCode": "220"},
    {"Description": "Thank you"},
]


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox with a few documents and requests, whose consent is asked on its page."""
    with sandbox_process.start("--no-limits") as process:
        tenant = process.tenant(1)
        process.make(
            tenant,
            "Invoices",
            *(
                {
                    "Type": "ACCREC",
                    "InvoiceNumber": f"P-{number:03}",
                    "Contact": {"Name": CONTACT},
                    "Date": "2026-11-01",
                    "DueDate": "2026-11-15",
                    "Status": "AUTHORISED",
                    "Url": "https://shop.example/p/ABCDEFGH234567AB",
                    "Reference": HOSTILE,
                    "LineItems": LINES,
                }
                for number in range(1, 61)
            ),
        )
        process.organisation(process.tenant(4), name=HOSTILE)
        process.fault("503", path="/api.xro/2.0/Accounts")
        for path in ("/api.xro/2.0/Accounts", "/api.xro/2.0/Invoices?page=1", "/connections"):
            process.request("GET", path, headers={"Xero-Tenant-Id": tenant})
        yield process


@pytest.fixture(scope="module")
def browser():
    """One Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A new page; whatever the browser complains about (the policy, a script) fails the test."""
    complaints = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def app():
    """The app's own address on localhost; `queries` are what its callback was called with."""

    class Callback(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/callback"):
                server.queries.append(parse_qs(urlsplit(self.path).query))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href='data:,'><title>App</title><h1>Back in the app</h1>")

        def log_message(self, *_):
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    server.queries = []
    server.redirect_uri = f"http://localhost:{server.server_port}/callback"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def consent_url(sandbox, app, **more):
    query = {
        "response_type": "code",
        "client_id": sandbox.ready["client_id"],
        "redirect_uri": app.redirect_uri,
        "scope": SCOPES,
        "state": "s1",
        **more,
    }
    return f"{sandbox.url}/identity/connect/authorize?{urlencode(query)}"


@pytest.mark.browser
def test_from_the_index_to_a_document(sandbox, page):
    """A person clicks an organisation, an invoice, and reads it as it was sent."""
    page.goto(sandbox.url)
    page.get_by_role("link", name="Fernhill Trading Ltd").click()
    expect(page.get_by_role("heading", name="Fernhill Trading Ltd", level=1)).to_be_visible()
    assert page.url.startswith(f"{sandbox.url}/organisations/")
    page.get_by_role("link", name="P-060").click()
    expect(page.get_by_role("heading", name="Invoice P-060")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="東京 teapot")
    assert [cell.strip() for cell in row.get_by_role("cell").all_inner_texts()] == [
        "東京 teapot",
        "2",
        "12.50",
        "10 %",
        "200 Sales",
        "20% (VAT on Income)",
        "22.50",
    ]
    expect(page.get_by_text("Delivery <b>bold</b>")).to_be_visible()
    expect(page.locator(".total")).to_contain_text("32.40")
    link = page.get_by_role("link", name="https://shop.example/p/ABCDEFGH234567AB")
    assert link.get_attribute("href") == "https://shop.example/p/ABCDEFGH234567AB"
    expect(page.get_by_role("link", name="ABCDEFGH234567AB", exact=True)).to_be_visible()
    expect(page.get_by_text("Created as Authorised")).to_be_visible()


@pytest.mark.browser
def test_the_front_page_grows_by_itself(sandbox, page):
    """A document and a request appear without a reload, limits count, and Pause stops it."""
    with sandbox_process.start("--auto-consent") as live:
        page.goto(live.url)
        expect(page.get_by_text("No documents yet.", exact=False)).to_be_visible()
        tenant, token = live.tenant(1), live.connect()["access_token"]
        expect(page.get_by_role("row").filter(has_text="/connect/token")).to_be_visible()
        live.organisation(tenant, name=HOSTILE)
        body = {"Type": "ACCREC", "InvoiceNumber": "L-1", "Contact": {"Name": CONTACT}, "LineItems": LINES[1:2]}
        assert live.api("PUT", "Invoices", token, tenant, body).status == 200
        live.fault("503", path="/nowhere")
        expect(page.get_by_role("link", name="Invoice L-1")).to_be_visible()
        expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
        expect(page.get_by_text("1 of 60")).to_be_visible()
        expect(page.get_by_text("One fault waits")).to_be_visible()
        page.get_by_label("Pause").check()
        live.request("GET", "/connections")
        page.evaluate("refresh()")
        expect(page.locator(".count")).to_have_text("3")
        page.get_by_label("Pause").uncheck()
        expect(page.locator(".count")).to_have_text("4")
        page.get_by_role("link", name="Invoice L-1").click()
        expect(page.get_by_role("heading", name="Invoice L-1")).to_be_visible()


PAUSED_MEANWHILE = """() => {
  const asked = window.fetch;
  window.fetch = async (...how) => {
    const answer = await asked(...how);
    document.getElementById("pause").checked = true;
    return answer;
  };
}"""


@pytest.mark.browser
def test_what_comes_after_pause_changes_nothing(page):
    """An answer that was on its way replaced what somebody had just paused to read, or was about to click."""
    with sandbox_process.start("--auto-consent") as live:
        page.goto(live.url)
        live.connect()
        expect(page.get_by_role("row").filter(has_text="/connect/token")).to_be_visible()
        shown = page.locator("#live").inner_html()
        page.evaluate(PAUSED_MEANWHILE)
        live.request("GET", "/connections")
        expect(page.get_by_label("Pause")).to_be_checked()
        page.evaluate("refresh()")
        assert page.locator("#live").inner_html() == shown
        page.get_by_label("Pause").uncheck()
        expect(page.get_by_label("Pause")).to_be_checked()
        assert "/connections" not in page.locator("#live").inner_html()


def test_the_part_that_changes_is_sent_only_when_it_did(sandbox):
    """304 while nothing happened, a new fragment afterwards."""
    first = sandbox.request("GET", "/live")
    known = {"If-None-Match": first.headers["ETag"]}
    assert sandbox.request("GET", "/live", headers=known).status == 304
    sandbox.request("GET", "/connections")
    assert sandbox.request("GET", "/live", headers=known).status == 200
    assert b"<html" not in first.body


@pytest.mark.browser
def test_a_person_disconnects_an_app(page):
    """On the organisation's page, as in Xero: one app goes, the other stays, and calls answer 403."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        tenant = process.tenant(1)
        tokens = [process.connect(public=public)["access_token"] for public in (False, True)]
        page.goto(f"{process.url}/organisations/{tenant}")
        apps = page.get_by_role("region", name="Connected apps")
        apps.get_by_role("row").filter(has_text="0001").get_by_role("button").click()
        expect(apps.get_by_text("Disconnected")).to_be_visible()
        assert [process.api("GET", "Organisation", token, tenant).status for token in tokens] == [403, 200]


@pytest.mark.browser
def test_a_person_sends_an_intent_to_receive_again(page):
    """The button of a webhook that failed begins another series."""
    with sandbox_process.start("--no-limits", "--webhook-url", "http://127.0.0.1:9/hooks") as process:
        assert len(process.get("/_sandbox/webhooks?wait_s=20")["deliveries"]) == 8
        page.goto(process.url)
        row = page.get_by_role("row").filter(has_text="http://127.0.0.1:9/hooks").first
        expect(row).to_contain_text("Intent to receive required")
        row.get_by_role("button").click()
        page.wait_for_url(f"{process.url}/#webhooks")
        assert len(process.get("/_sandbox/webhooks?wait_s=20")["deliveries"]) == 12
        page.goto("about:blank")  # the page would ask a sandbox that is gone


@pytest.mark.parametrize("path", ["/organisations/!xxxxx/disconnect", "/webhooks/intent"])
def test_a_form_of_another_site_is_refused(sandbox, path):
    """By what the browser says of it; and what it names must exist."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sandbox.request("POST", path, b"client_id=x", headers | {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert sandbox.request("POST", path, b"client_id=x", headers | {"Sec-Fetch-Site": "same-origin"}).status == 404


@pytest.mark.browser
def test_a_hostile_name_is_only_text(sandbox, page):
    """Markup in an organisation's name or a reference is shown, not run, wherever it stands."""
    page.goto(f"{sandbox.url}/organisations/{sandbox.tenant(1)}")
    expect(page.get_by_text(CONTACT).first).to_be_visible()
    page.get_by_role("link", name="P-060").click()
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.title() == "P-060 · Sandbox"
    for path in ("", f"organisations/{sandbox.tenant(4)}", "requests"):
        page.goto(f"{sandbox.url}/{path}")
        assert page.title() != "broken into"


@pytest.mark.browser
def test_invoices_are_paged_newest_first(sandbox, page):
    """Fifty to a page, the newest on top; Older and Newer lead to and fro."""
    page.goto(f"{sandbox.url}/organisations/{sandbox.tenant(1)}")
    invoices = page.get_by_role("region", name="Invoices and bills")
    expect(invoices.get_by_text("1\N{EN DASH}50 of 60, newest first")).to_be_visible()
    assert invoices.get_by_role("rowheader").first.inner_text().startswith("P-060")
    invoices.get_by_role("link", name="Older").click()
    expect(invoices.get_by_text("51\N{EN DASH}60 of 60, newest first")).to_be_visible()
    assert invoices.get_by_role("rowheader").last.inner_text().startswith("P-001")
    invoices.get_by_role("link", name="Newer").click()
    expect(invoices.get_by_text("1\N{EN DASH}50 of 60, newest first")).to_be_visible()


@pytest.mark.browser
def test_the_chart_opens_without_a_script(sandbox, page):
    """Accounts and tax rates are behind their summaries."""
    page.goto(f"{sandbox.url}/organisations/{sandbox.tenant(1)}")
    page.get_by_text("All 46 accounts").click()
    expect(page.get_by_role("rowheader", name="Sales", exact=True)).to_be_visible()
    page.get_by_text("23 tax rates").click()
    expect(page.get_by_role("rowheader", name="20% (VAT on Income)", exact=True)).to_be_visible()


@pytest.mark.browser
def test_allow_connects_what_was_chosen(sandbox, page, app):
    """The page says who asks for what; the app gets a code for the two organisations that stay ticked."""
    page.goto(consent_url(sandbox, app))
    expect(page.get_by_role("heading", level=1)).to_contain_text("wants access to your books")
    expect(page.get_by_text("See and change your invoices", exact=False)).to_be_visible()
    expect(page.get_by_text("alex@example.com")).to_be_visible()
    assert page.get_by_role("checkbox").count() == 4
    page.get_by_label("Wattle & Co Pty Ltd").uncheck()
    page.get_by_label(HOSTILE).uncheck()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Back in the app")).to_be_visible()
    (query,) = app.queries
    assert query["state"] == ["s1"]
    reply = sandbox.form(
        "/connect/token",
        {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": app.redirect_uri,
            "client_id": sandbox.ready["client_id"],
            "client_secret": sandbox.ready["client_secret"],
        },
    )
    bearer = {"Authorization": f"Bearer {reply.json['access_token']}"}
    connected = sandbox.request("GET", "/connections", headers=bearer).json
    assert sorted(each["tenantName"] for each in connected) == ["Fernhill Trading Ltd", "Grachtenhuis BV"]


@pytest.mark.browser
def test_cancel_says_so_to_the_app(sandbox, page, app):
    """access_denied with the state, and no code."""
    page.goto(consent_url(sandbox, app))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Back in the app")).to_be_visible()
    assert app.queries == [{"error": ["access_denied"], "state": ["s1"]}]


@pytest.mark.browser
def test_one_organisation_where_only_one_may_be_chosen(sandbox, page, app):
    """Without Bulk Connections the choice is one of four, and none is chosen beforehand."""
    page.goto(consent_url(sandbox, app, acr_values="bulk_connect:false", login_hint="one@example.com"))
    assert page.get_by_role("radio").count() == 4
    page.get_by_role("button", name="Allow access").click()
    assert app.queries == []
    page.get_by_label("Grachtenhuis BV").check()
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Back in the app")).to_be_visible()
    assert "code" in app.queries[0]


@pytest.mark.browser
def test_the_request_log_can_be_filtered(sandbox, page):
    """By text, by kind of answer, by fault."""
    page.goto(f"{sandbox.url}/requests")
    page.get_by_label("Path or key").fill("/Accounts")
    page.get_by_label("Answer").select_option("5xx")
    page.get_by_label("Faults only").check()
    page.get_by_role("button", name="Filter").click()
    (row,) = page.locator("tbody tr").all()
    expect(row).to_contain_text("GET /api.xro/2.0/Accounts")
    expect(row).to_contain_text("Fernhill Trading Ltd")
    expect(row).to_contain_text("503")
    page.get_by_label("Path or key").fill("no such path")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No request matches.")).to_be_visible()


def invoice_path(sandbox):
    """The address of the newest invoice's page."""
    invoice = sandbox.ledger(sandbox.tenant(1))["Invoices"][-1]
    return f"/organisations/{sandbox.tenant(1)}/invoices/{invoice['InvoiceID']}"


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
def test_every_page_fits_and_is_labelled(sandbox, page, app, width):
    """No sideways scrolling; a language, one h1, a name for every control and a caption or heading for every table."""
    page.set_viewport_size({"width": width, "height": 900})
    addresses = ["/", f"/organisations/{sandbox.tenant(1)}", invoice_path(sandbox), "/requests"]
    for address in [*(sandbox.url + path for path in addresses), consent_url(sandbox, app)]:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("html").get_attribute("lang") == "en-GB"
        assert page.get_by_role("heading", level=1).count() == 1
        unnamed = "els => els.filter(el => !el.labels || !el.labels.length).length"
        assert page.locator("input:not([type=hidden]), select").evaluate_all(unnamed) == 0
        assert page.get_by_role("main").count() == 1


@pytest.mark.browser
def test_the_keyboard_reaches_the_content_first(sandbox, page):
    """The first stop of the Tab key skips the header."""
    page.goto(sandbox.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/live", "/requests", "/organisations/nobody"])
def test_a_page_allows_nothing_but_itself(sandbox, path):
    """The policy forbids scripts, frames and foreign forms; the front page has one script of its own."""
    headers = sandbox.request("GET", path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert policy.get("script-src") == policy.get("connect-src") == ("'self'" if path == "/" else None)
    assert (policy["frame-ancestors"], policy["form-action"]) == ("'none'", "'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_consent_page_carries_its_own_policy(sandbox):
    """No script, no frame around it, and its form leads back here or to an app on this machine."""
    query = {"response_type": "code", "client_id": sandbox.ready["client_id"], "scope": SCOPES}
    query["redirect_uri"] = "http://localhost:8321/callback"
    reply = sandbox.request("GET", f"/identity/connect/authorize?{urlencode(query)}")
    headers = {name.lower(): value for name, value in reply.headers.items()}
    assert headers["x-frame-options"] == "DENY"
    assert b"default-src &#39;none&#39;" in reply.body
    assert b"form-action &#39;self&#39; http://localhost:*" in reply.body
    assert b"<script" not in reply.body.replace(b"&lt;script", b"")


@pytest.mark.parametrize("path", ["/organisations/nobody", "/organisations/!xxxxx/invoices/1"])
def test_an_unknown_page_is_404(sandbox, path):
    """A page that says so."""
    reply = sandbox.request("GET", path)
    assert reply.status == 404
    assert b"<h1>Not found</h1>" in reply.body


@pytest.mark.parametrize("page_number", ["0", "-1", "99999999999999999999", "x", "٣"])
def test_a_senseless_page_number_shows_a_page(sandbox, page_number):
    """Never an error."""
    query = urlencode({"invoices": page_number})
    assert sandbox.request("GET", f"/organisations/{sandbox.tenant(1)}?{query}").status == 200


@pytest.mark.browser
def test_payments_and_credits_stand_on_their_document(sandbox, page):
    """An invoice shows what paid it, its credit note where it went, and each leads to the other."""
    tenant = sandbox.tenant(2)
    line = {"Description": "Tea", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "OUTPUT"}
    common = {"Contact": {"Name": CONTACT}, "Date": "2026-11-01", "Status": "AUTHORISED", "LineItems": [line]}
    due = {**common, "Type": "ACCREC", "DueDate": "2026-11-15", "InvoiceNumber": "S-1"}
    (due,) = sandbox.make(tenant, "Invoices", due)
    (note,) = sandbox.make(tenant, "CreditNotes", {**common, "Type": "ACCRECCREDIT", "CreditNoteNumber": "C-1"})
    paid = {"Invoice": {"InvoiceNumber": "S-1"}, "Account": {"Code": "090"}, "Amount": 30, "Reference": HOSTILE}
    sandbox.make(tenant, "Payments", {**paid, "Date": "2026-11-03"})
    allocation = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Amount": 80}
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    assert sandbox.person(tenant, "PUT", path, allocation)["status"] == 200
    page.goto(f"{sandbox.url}/organisations/{tenant}")
    page.get_by_role("region", name="Payments").get_by_role("link", name="S-1").click()
    expect(page.get_by_role("heading", name="Invoice S-1")).to_be_visible()
    applied = page.get_by_role("region", name="Payments and credits")
    expect(applied.get_by_role("row").filter(has_text="Payment")).to_contain_text(HOSTILE)
    expect(applied.get_by_role("row").filter(has_text="Payment")).to_contain_text("30.00")
    expect(page.get_by_text("Authorised became Paid")).to_be_visible()
    applied.get_by_role("link", name="C-1").click()
    expect(page.get_by_role("heading", name="Credit note C-1")).to_be_visible()
    expect(page.get_by_text("Remaining credit")).to_be_visible()
    page.get_by_role("link", name="S-1").click()
    expect(page.get_by_role("heading", name="Invoice S-1")).to_be_visible()


@pytest.mark.browser
def test_a_bill_is_called_so(sandbox, page):
    """A supplier's invoice is a bill on the front page, in its organisation's list and on its own page."""
    tenant = sandbox.tenant(3)
    line = {"Description": "Flour", "Quantity": 1, "UnitAmount": 40, "AccountCode": "429"}
    bill = {"Type": "ACCPAY", "Contact": {"Name": CONTACT}, "InvoiceNumber": "MILL-7", "Date": "2026-11-01",
            "DueDate": "2026-11-15", "Status": "AUTHORISED", "LineItems": [line]}  # fmt: skip
    sandbox.make(tenant, "Invoices", bill)
    page.goto(sandbox.url)
    expect(page.get_by_role("link", name="Bill MILL-7")).to_be_visible()
    page.goto(f"{sandbox.url}/organisations/{tenant}")
    row = page.get_by_role("region", name="Invoices and bills").get_by_role("row").filter(has_text="MILL-7")
    expect(row).to_contain_text("Bill · ")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Bill MILL-7")).to_be_visible()
