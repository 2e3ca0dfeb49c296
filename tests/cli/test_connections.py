"""What the app may reach: shown, ended, lost and found again; and the tier's cap, named before Xero refuses."""

import json
import urllib.error
import urllib.request

import pytest

from tests import sandbox_process
from tests.cli.office import ENTITIES, Office, sale

AU = {"description": "Widgets", "quantity": 2, "unit_amount": "5.00", "account_code": "200", "tax_type": "OUTPUT"}


@pytest.fixture
def business(office):
    """A connected, bound firm with a sale for each of two organisations."""
    office.sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.records(sale(1), au(2))
    return office


def au(n):
    """A sale of the Australian entity."""
    return sale(n, entity="acme-au", expected_total="11.00", lines=[AU])


def numbers(office, n):
    """The numbers of the invoices in the ledger of organisation n."""
    return sorted(one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(n))["Invoices"])


def cut(office, n=1, *, off=True):
    """A person disconnects the app on Xero's screen, or undoes that."""
    office.sandbox.organisation(office.sandbox.tenant(n), disconnected=off)


def kinds(office):
    """Which notices stand, as `status` tells."""
    return [one["kind"] for one in office("status", "--json").value["notices"]]


def test_the_list_says_whose_since_when_and_in_which_state(business):
    """A user is an id and never a name or an address."""
    shown = {one["name"]: one for one in business("connections", "--json").value}
    one = shown["Fernhill Trading Ltd"]
    assert (one["entity"], one["state"], len(one["user"]), one["since"][:2]) == ("acme-uk", "connected", 36, "20")
    assert (shown["Grachtenhuis BV"]["entity"], "@" in str(shown)) == (None, False)
    assert one["user"] in business("connections").out


def test_a_disconnected_organisation_waits_and_the_others_go_on(business):
    """Seen by a 403: nothing is refused or held, it is told once, and after a new consent all is posted, once each."""
    cut(business)
    for _ in range(2):
        ended = business("run", "shop", "--json")
        assert (ended.code, ended.value["planned"]) == (3, 1)
        assert "Fernhill Trading Ltd is disconnected" in ended.err
    assert (numbers(business, 1), numbers(business, 2)) == ([], ["order-2"])
    assert business("problems", "list", "--json").value == []
    assert kinds(business) == ["disconnected"]
    states = {one["entity"]: one["state"] for one in business("connections", "--json").value if one["entity"]}
    assert states == {"acme-uk": "disconnected", "acme-au": "connected"}
    status = business("status")
    assert ("Next: counterfoil connect" in status.out or "counterfoil connect" in status.out, status.code) == (True, 0)
    cut(business, off=False)
    business.connect()
    assert kinds(business) == []
    assert business("run", "shop", "--json").value["posted"] == 1
    assert (numbers(business, 1), numbers(business, 2)) == (["order-1"], ["order-2"])


def test_disconnected_with_work_on_its_way(business):
    """What was planned before stays planned, and goes on with `finish` when it is back."""
    business.day_used_up()
    assert business("run", "shop", "--json").value["planned"] == 2
    business.next_day()
    cut(business)
    ended = business("finish", "--json")
    assert (ended.code, ended.value["planned"], ended.value["posted"]) == (3, 1, 1)
    assert [one["external_id"] for one in business("postings", "list", "--state", "planned", "--json").value] == [
        "order-1"
    ]
    cut(business, off=False)
    business.connect()
    assert (business("finish", "--json").value["posted"], numbers(business, 1)) == (1, ["order-1"])


def test_back_without_a_new_consent(business):
    """Xero undid it: the next run notices by itself."""
    cut(business)
    assert business("run", "shop").code == 3
    cut(business, off=False)
    assert (business("run", "shop").code, kinds(business)) == (0, [])
    assert numbers(business, 1) == ["order-1"]


def test_disconnecting_asks_first(business):
    """Without --yes it says what would wait; with it the connection ends there and here, and the work waits."""
    business.day_used_up()
    business("run", "shop")
    business.next_day()
    ended = business("connections", "disconnect", "Fernhill Trading Ltd", "--json")
    assert (ended.code, ended.value["error"]["code"], "1 posting of it" in ended.err) == (2, "usage", True)
    ended = business("connections", "disconnect", business.sandbox.tenant(1), "--yes", "--json")
    assert (ended.code, ended.value["ended"]) == (0, 1)
    assert kinds(business) == ["disconnected"]
    assert business("finish", "--json").code == 3
    assert (numbers(business, 1), numbers(business, 2)) == ([], ["order-2"])
    business.connect()
    assert business("finish", "--json").value["posted"] == 1


def test_another_users_consent_carries_on(business):
    """One user's connection ends, another's reaches the same organisation: the work goes on with that one."""
    first = {one["user"] for one in business("connections", "--json").value}
    consent(business, "&login_hint=sam%40example.com")
    users = {one["user"] for one in business("connections", "--json").value}
    assert len(users - first) == 1
    tenant = business.sandbox.tenant(1)
    mine = [
        one for one in business("connections", "--json").value if one["tenant_id"] == tenant and one["user"] in first
    ]
    token = business.sandbox.connect(public=True)["access_token"]
    path = f"/connections/{mine[0]['connection_id']}"
    assert business.sandbox.request("DELETE", path, headers={"Authorization": f"Bearer {token}"}).status == 204
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["planned"]) == (4, 1)
    ended = business("run", "shop", "--json")
    assert (ended.code, numbers(business, 1), kinds(business)) == (0, ["order-1"], [])


class SmallOffice(Office):
    """An office whose app is on the Starter tier."""

    def write(self, **given):
        """With `tier`."""
        super().write(**given)
        path = self.folder / "counterfoil.toml"
        path.write_text(path.read_text().replace("[xero]\n", '[xero]\ntier = "starter"\n'))


def test_the_cap_is_named_before_xero_refuses(tmp_path):
    """Four of five: said by `connect`, by the list and in a notice, gone when one is ended; the sixth is Xero's refusal."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--tier", "starter", "--organisations", "7") as sandbox:
        office = SmallOffice(tmp_path, sandbox)
        office.write(entities=ENTITIES)
        office.key()
        for _ in range(3):
            assert "starter tier" not in consent(office)
        assert "4 of the 5 connections of the starter tier" in consent(office)
        assert kinds(office) == ["cap"]
        assert "4 of the 5 connections" in office("connections").err
        assert "Xero refuses the next one" in consent(office)
        with pytest.raises(urllib.error.HTTPError) as refused:
            consent(office)
        assert "starter tier has 5 connections" in refused.value.read().decode()
        names = [one["name"] for one in office("connections", "--json").value]
        for name in names[:2]:
            assert office("connections", "disconnect", name, "--yes").code == 0
        assert (kinds(office), len(office("connections", "--json").value)) == ([], 3)


def consent(office, more=""):
    """A user consents on the page, which grants by itself; → what `connect` said on stderr. `more`: of the page's query."""
    process = office.start("connect", "--no-browser", "--json")
    url = json.loads(process.stderr.readline())["authorize_url"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + more) as page:
            page.read()
    except urllib.error.HTTPError:
        process.kill()
        process.communicate()
        raise
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    return err
