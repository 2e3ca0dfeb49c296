"""The egress meter: what counts, for whom, and until when."""

from datetime import UTC, datetime

import pytest

from counterfoil.sandbox.egress import GIB, Egress
from counterfoil.sandbox.pages import words
from tests.sandbox.conftest import AU, GB, Ledger

NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_what_is_read_counts_by_app_and_tenant(sandbox):
    """Each GET with the bytes of its answer, refused ones too; writes apart; GET Organisation nothing."""
    token = sandbox.connect()["access_token"]
    home, away = Ledger(sandbox, token, sandbox.tenant(GB)), Ledger(sandbox, token, sandbox.tenant(AU))
    size = len(home.call("GET", "Accounts").body) + len(home.call("GET", "Invoices/x").body)
    home.call("GET", "Organisation")
    other = len(away.call("GET", "TaxRates").body)
    written = len(home.call("PUT", "Contacts", {"Name": "Blue Fern Ltd"}).body)
    usage = {app["client_id"]: app for app in sandbox.get("/_sandbox/usage")["apps"]}
    mine = usage[sandbox.ready["client_id"]]
    assert (mine["read_bytes"], mine["write_bytes"], mine["included_bytes"]) == (size + other, written, None)
    assert mine["tenants"] == [
        {"tenant_id": home.tenant, "calls": 3, "read_bytes": size, "write_bytes": written},
        {"tenant_id": away.tenant, "calls": 1, "read_bytes": other, "write_bytes": 0},
    ]
    assert usage[sandbox.ready["public_client_id"]]["tenants"] == []
    assert f"drew {words.size(size)} this month" in sandbox.request("GET", "/").body.decode()


def test_a_month_begins_on_its_first_day():
    """At midnight UTC; thirteen months are kept."""
    meter = Egress()
    meter.count(NOVEMBER, "app", "tenant", "GET", "Invoices", 500)
    meter.count(DECEMBER, "app", "tenant", "GET", "Invoices", 70)
    assert meter.usage(NOVEMBER, {"app": "core"})["apps"][0]["read_bytes"] == 500
    december = meter.usage(DECEMBER, {"app": "core"})
    assert (december["month"], december["apps"][0]["read_bytes"]) == ("2026-12", 70)
    assert december["earlier"] == {"2026-11": 500, "2026-12": 70}
    for year in range(2027, 2050):
        meter.count(DECEMBER.replace(year=year), "app", "tenant", "GET", "Invoices", 1)
    assert len(meter.usage(DECEMBER, {})["earlier"]) == 13


@pytest.mark.parametrize(
    ("tier", "included", "over"),
    [("starter", None, 0), ("core", 10 * GIB, GIB), ("plus", 50 * GIB, 0), ("exempt", None, 0)],
)
def test_a_tier_includes_so_much(tier, included, over):
    """Eleven gibibytes are one too many for Core; Starter has no end."""
    meter = Egress()
    meter.count(DECEMBER, "app", "tenant", "GET", "Invoices", 11 * GIB)
    (app,) = meter.usage(DECEMBER, {"app": tier})["apps"]
    assert (included, over) == (app["included_bytes"], app["over_bytes"])


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KB"),
        (1024 * 1000, "1.0 MB"),
        (5 * 1024**3, "5.0 GB"),
        (2**50, "1,048,576.0 GB"),
    ],
)
def test_sizes_are_for_people(count, shown):
    """A unit that keeps the number short."""
    assert shown == words.size(count)
