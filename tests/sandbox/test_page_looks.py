"""How the pages look, by day and by night, wide and narrow: every text can be read, what belongs together lines up."""

import itertools
from urllib.parse import urlencode

import pytest

from tests.sandbox.test_pages import CONTACT, LINES, SCOPES, browser, sandbox

__all__ = ["browser", "sandbox"]

# The least contrast of any text with the colour behind it, and the text that has it.
LEAST = """() => {
  const channel = c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const [r, g, b, a] = numbers(getComputedStyle(node).backgroundColor);
      if (a === undefined || a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  let least = [21, ''];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.getClientRects().length || element.disabled) continue;
    const [one, other] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (contrast < least[0]) least = [contrast, texts.currentNode.textContent.trim()];
  }
  return least;
}"""


@pytest.fixture(scope="module")
def paths(sandbox):
    """A page of each kind, with badges of many states on them."""
    tenant = sandbox.tenant(2)
    common = {"Contact": {"Name": CONTACT}, "Date": "2026-11-01", "DueDate": "2026-11-15", "LineItems": LINES}
    for status in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        (made,) = sandbox.make(tenant, "Invoices", {**common, "Type": "ACCREC", "Status": status})
    paid = {"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": made["AmountDue"]}
    sandbox.make(tenant, "Payments", {**paid, "Date": "2026-11-03"})
    sandbox.post("/_sandbox/webhooks", {"url": "http://127.0.0.1:9/an/address/that/is/longer/than/any/column"})
    consent = {
        "response_type": "code",
        "client_id": sandbox.ready["client_id"],
        "redirect_uri": "http://localhost:1/callback",
        "scope": SCOPES,
    }
    yield [
        "/",
        f"/organisations/{tenant}",
        f"/organisations/{tenant}/invoices/{made['InvoiceID']}",
        "/requests",
        f"/identity/connect/authorize?{urlencode(consent)}",
        "/nowhere",
    ]
    sandbox.delete("/_sandbox/webhooks")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_text_can_be_read(sandbox, browser, paths, scheme, width):
    """At least 4.5 to 1 against what is behind it, and nothing is wider than the screen."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for path in paths:
        page.goto(sandbox.url + path)
        contrast, text = page.evaluate(LEAST)
        assert contrast >= 4.5, (path, text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


@pytest.mark.browser
def test_the_night_is_dark(sandbox, browser):
    """Whoever asked their system for dark pages gets them."""
    shades = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(sandbox.url)
        shades.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        context.close()
    assert shades == ["rgb(245, 244, 239)", "rgb(18, 24, 21)"]


@pytest.mark.browser
def test_what_is_under_a_document_is_as_wide_as_it(sandbox, browser, paths):
    """The sheet, its payments and the record behind it have the same edges, and do not touch."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(sandbox.url + paths[2])
    boxes = [part.bounding_box() for part in page.locator(".paper, .paper ~ .card").all()]
    assert len(boxes) == 3
    assert len({(box["x"], box["width"]) for box in boxes}) == 1
    assert all(below["y"] - (above["y"] + above["height"]) >= 16 for above, below in itertools.pairwise(boxes))
    page.close()


@pytest.mark.browser
def test_a_long_address_keeps_its_words_on_a_narrow_screen(sandbox, browser, paths):
    """A webhook's address has the whole width there."""
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(sandbox.url + paths[0])
    address = page.locator("table.stack th code").first
    assert address.bounding_box()["height"] < 60
    page.close()


def test_a_consent_may_lead_to_registered_https_addresses(sandbox, paths):
    """The page's policy lets the browser follow the redirect there; which addresses there are is the server's word."""
    body = sandbox.request("GET", paths[4]).body.decode()
    assert "form-action &#39;self&#39; http://localhost:* https:" in body


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_name_that_is_one_long_word_makes_no_page_wider(sandbox, browser, paths, width):
    """It is broken: on the front page, on its own, on a document that has it in its reference, where consent is asked."""
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    tenant = sandbox.tenant(3)
    sandbox.organisation(tenant, name=word)
    wanted = {"Type": "ACCREC", "Contact": {"Name": word}, "Reference": word * 3, "LineItems": LINES}
    (made,) = sandbox.make(tenant, "Invoices", wanted)
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in (
        paths[0],
        f"/organisations/{tenant}",
        f"/organisations/{tenant}/invoices/{made['InvoiceID']}",
        paths[4],
    ):
        page.goto(sandbox.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.close()


@pytest.mark.browser
def test_a_request_with_hundreds_of_ids_does_not_fill_the_screen(sandbox, browser):
    """Its beginning is shown; all of it when it is opened, by mouse or keyboard."""
    ids = ",".join(f"4b5f07db-ec9c-41f4-a3b0-{n:012}" for n in range(100))
    sandbox.request("GET", f"/api.xro/2.0/Invoices?IDs={ids}", headers={"Xero-Tenant-Id": sandbox.tenant(1)})
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(f"{sandbox.url}/requests?text=IDs")
    row = page.locator("#rows tbody tr").first
    assert row.bounding_box()["height"] < 300
    row.locator("summary").press("Enter")
    assert row.get_by_text("000000000099").is_visible()
    page.close()
