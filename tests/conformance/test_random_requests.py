"""Random requests to every published operation: no 500 that nobody asked for, and every answer in one of Xero's forms.

Paths, parameters and bodies are made from Xero's own lists (`package_data`), half of them good, half of them hostile. The
sandbox prints a traceback and answers 500 for its own mistakes, so a status below 500, or 501, is the whole proof.
"""

import http.client
import json
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.sandbox import coverage
from counterfoil.sandbox.coverage import examples
from tests import sandbox_process
from tests.conformance import package_data

ACCOUNTING = json.loads(package_data.OPERATIONS.read_text())["accounting"]
_STATES = {row["operation"]: row["state"] for row in coverage.coverage()["accounting"]}
PLAYED = [row for row in ACCOUNTING if _STATES[row[0]] != "not"]
FIELDS = json.loads(package_data.FIELDS.read_text())
SCOPES = (
    "offline_access accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals "
    "accounting.settings accounting.contacts accounting.attachments accounting.journals.read accounting.budgets.read "
    "accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.banksummary.read "
    "accounting.reports.profitandloss.read accounting.reports.trialbalance.read accounting.reports.taxreports.read "
    "accounting.reports.budgetsummary.read accounting.reports.executivesummary.read "
    "accounting.reports.tenninetynine.read accounting.classicexpenses paymentservices"
)
GUID = "0c9fce3e-a111-4d99-803a-62cf3f40e633"
ODD = st.sampled_from(
    [
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "NaN",
        "%",
        "..",
        "/",
        '"',
        "<b>",
        "\u0000",
        "\N{GRINNING FACE}" * 9,
        "x" * 300,
        "é",
        "null",
        "true",
        GUID,
    ]
)
TEXT = st.one_of(ODD, st.text(max_size=12))
AMOUNT = st.one_of(
    st.integers(-(10**14), 10**14),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12).map(float),
    ODD,
    st.just(None),
)
DAY = st.one_of(
    st.dates().map(str),
    st.integers(-(10**16), 10**16).map(lambda ms: f"/Date({ms}+0000)/"),
    st.sampled_from(["2026-11-01", "0001-01-01", "9999-12-31", "2026-02-30", "/Date(x)/", "/Date(0+1300)/"]),
)
CODES = st.sampled_from(
    ["200", "400", "090", "610", "800", "820", "999", "", "OUTPUT2", "INPUT2", "NONE", "GBP", "EUR", "ZZZ"]
)
WORDS = st.sampled_from(
    [
        "ACCREC",
        "ACCPAY",
        "ACCRECCREDIT",
        "ACCPAYCREDIT",
        "RECEIVE",
        "SPEND",
        "RECEIVE-PREPAYMENT",
        "SPEND-OVERPAYMENT",
        "DRAFT",
        "SUBMITTED",
        "AUTHORISED",
        "PAID",
        "VOIDED",
        "DELETED",
        "ACTIVE",
        "ARCHIVED",
        "POSTED",
        "BILLED",
        "SENT",
        "ACCEPTED",
        "Exclusive",
        "Inclusive",
        "NoTax",
        "BANK",
        "MONTHLY",
    ]
)
QUERIES = st.sampled_from(
    ['Status=="AUTHORISED"', "Date>DateTime(2026,1,1)", 'Name.Contains("a")', "Total>5 AND (", "null==null", "!true", 'Guid("x")',
     "Name DESC", "Date ASC, Total", "UpdatedDateUTC", 'Type=="ACCREC" OR Total!=null', "Contact.Name==null", "-1==1", "1==1.5"]
)  # fmt: skip
TYPES = {"Decimal?": AMOUNT, "Int32?": AMOUNT, "DateTime?": DAY, "Boolean?": st.one_of(st.booleans(), ODD)}


@st.composite
def elements(draw, schema, ids, depth=3):
    """An object with some of the schema's fields, each of its type or not."""
    members = FIELDS["schemas"].get(schema, {})
    chosen = draw(st.lists(st.sampled_from(sorted(members)), max_size=6, unique=True)) if members else []
    made = {}
    for name in chosen:
        kind = members[name]
        if kind.startswith("@") and depth:
            made[name] = draw(st.one_of(elements(kind[1:], ids, depth - 1), ODD))
        elif kind == "List" and depth:
            made[name] = draw(st.one_of(st.lists(lines(ids), max_size=3), ODD, st.none()))
        elif kind == "Guid?":
            made[name] = draw(st.sampled_from([*ids, GUID, "x", ""]))
        else:
            made[name] = draw(TYPES.get(kind, st.one_of(WORDS, CODES, TEXT, st.none())))
    return made


def lines(ids):
    """An entry of any list in a document: a line, a journal line, a tracking, a phone."""
    entry = {
        "Description": TEXT, "Quantity": AMOUNT, "UnitAmount": AMOUNT, "LineAmount": AMOUNT, "TaxAmount": AMOUNT,
        "AccountCode": CODES, "TaxType": CODES, "DiscountRate": AMOUNT, "Name": TEXT, "Option": TEXT, "Rate": AMOUNT,
        "Amount": AMOUNT, "Invoice": st.fixed_dictionaries({"InvoiceID": st.sampled_from([*ids, GUID])}),
        "Tracking": st.lists(st.dictionaries(st.sampled_from(["Name", "Option", "TrackingCategoryID"]), TEXT), max_size=2),
        "LineItemID": st.sampled_from([*ids, GUID, ""]), "PhoneType": WORDS, "AddressType": WORDS, "ItemCode": TEXT,
    }  # fmt: skip
    return st.one_of(st.fixed_dictionaries({}, optional=entry), ODD, st.none())


@st.composite
def requests(draw, keys):
    """(method, path, body bytes or None, headers) of a published operation; `keys` are ids by plural."""
    ids = sorted({key for each in keys.values() for key in each})
    _, method, path, parameters = draw(
        st.one_of(st.sampled_from(PLAYED), st.sampled_from(PLAYED), st.sampled_from(ACCOUNTING))
    )
    plural = path.split("/")[1]
    own = st.sampled_from(keys.get(plural, ids))
    parts = [
        draw(st.one_of(own, own, st.sampled_from(ids), ODD)) if part.startswith("{") else part
        for part in path.split("/")[1:]
    ]
    at = "/".join(quote(part, safe="") or "x" for part in parts)
    asked = draw(st.lists(st.sampled_from([*parameters, "page", "colour"]), max_size=3, unique=True))
    values = st.one_of(QUERIES, DAY, TEXT, st.sampled_from([*ids, ",".join(ids)]))
    query = urlencode({name: draw(values) for name in asked})
    headers = {}
    if draw(st.integers(0, 4)) == 0:
        headers["If-Modified-Since"] = draw(
            st.sampled_from(["2026-01-01T00:00:00", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", ""])
        )
    if method in {"GET", "DELETE"}:
        return method, f"{at}?{query}", None, headers
    return method, f"{at}?{query}", draw(bodies(plural, ids)), headers


@st.composite
def bodies(draw, plural, ids):
    """A good example changed in some fields, random elements of the schema, or no document at all."""
    schema = FIELDS["lists"].get(plural, "Invoice")
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return draw(
            st.one_of(st.binary(max_size=30), st.sampled_from([b"[]", b"{}", b"null", b"1", b"[[[", b'"x"', b"[null]"]))
        )
    good = draw(
        st.sampled_from(
            [examples.SEEDS.get(plural, {}), examples.BILL, examples.CREDIT_NOTE, examples.ALLOCATION, examples.NOTE]
        )
    )
    made = [{**good, **draw(elements(schema, ids))} for _ in range(draw(st.integers(1, 2)))]
    body = made[0] if kind == 1 else made if kind == 2 else {plural: made}
    return json.dumps(body).replace("$Invoices", draw(st.sampled_from(ids))).encode()


def connected(sandbox):
    """A token that opens everything, the scope of expenses too."""
    sandbox.post("/_sandbox/unknowns", {"classic-expenses-scope": "granted"})
    return sandbox.connect(SCOPES)["access_token"]


@pytest.fixture(scope="module")
def target():
    """A sandbox with a few documents, and their ids and keys."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as sandbox:
        token, tenant = connected(sandbox), sandbox.tenant(1)
        for plural in ("Contacts", "Invoices", "CreditNotes", "PaymentServices"):
            sandbox.person(tenant, "PUT", plural, examples.SEEDS[plural])
        stock = {"Code": "CUP", "InventoryAssetAccountCode": "630", "PurchaseDetails": {"COGSAccountCode": "310"}}
        sandbox.person(tenant, "PUT", "Items", stock)
        bought = {"ItemCode": "CUP", "Description": "Cups", "Quantity": 9, "UnitAmount": 2}
        sandbox.person(tenant, "PUT", "Invoices", {**examples.BILL, "LineItems": [bought]})
        sandbox.post(f"/_sandbox/organisation/{tenant}", {"budgets": examples.ORGANISATION["budgets"]})
        ledger = sandbox.ledger(tenant)
        keys = {plural: [id_of(row) for row in rows[:3]] for plural, rows in ledger.items() if rows}
        keys["Contacts"].append("c-1")
        keys["Invoices"].append("INV-0001")
        yield (
            sandbox,
            keys,
            {
                "Authorization": f"Bearer {token}",
                "Xero-Tenant-Id": tenant,
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )


def id_of(row):
    """The first id of a row, or what it has instead."""
    return next(
        (value for key, value in row.items() if key.endswith("ID")), row.get("TaxType") or row.get("Code") or GUID
    )


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_request_breaks_the_sandbox(target, data):
    """Whatever is asked of whichever operation: an answer below 500, or 501; JSON where it says JSON."""
    sandbox, keys, headers = target
    method, path, body, more = data.draw(requests(keys))
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)
    try:
        connection.request(method, f"/api.xro/2.0/{path}", body, {**headers, **more})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert answer.status < 500 or answer.status == 501, text
    is_file = "/attachments/" in path.lower()  # shown with whatever type it came with
    if not is_file and (answer.getheader("Content-Type") or "").startswith("application/json"):
        json.loads(text)
