"""Each way in which an organisation turns out to be another one: its own refusal, its own code, and what to do about it."""

import shutil

import pytest

from tests.cli.office import Office, sale


@pytest.fixture
def business(office):
    """A connected, bound firm with one sale posted."""
    office.sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.records(sale(1))
    assert office("run", "shop", "--json").value["posted"] == 1
    return office


def refused(office, *words):
    """The code and the remedy of a command that is refused with exit 3."""
    ended = office(*words, "--json")
    assert ended.code == 3
    told = ended.value["error"] if isinstance(ended.value, dict) else ended.value[-1]["error"]
    assert told["remedy"]
    return told["code"], told["remedy"]


def numbers(office, n=1):
    """The numbers of the invoices in the sandbox's ledger of organisation n."""
    return [one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(n))["Invoices"]]


def test_pairs_are_proposed_and_bound_only_when_asked(office):
    """Alone it shows what agrees, in case and spaces folded; without a terminal it binds with --yes only."""
    office.sandbox.post("/_sandbox/reset")
    office.sandbox.organisation(office.sandbox.tenant(2), name="WATTLE  &  co pty ltd")
    office.write()
    office.key()
    office.connect()
    shown = office("entities", "bind", "--json").value
    assert {one["entity"]: one["bound"] for one in shown} == {"acme-uk": False, "acme-au": False}
    assert [one["tenant_id"] for one in office("entities", "list", "--json").value] == [None, None]
    bound = office("entities", "bind", "--yes", "--json").value
    assert {one["entity"]: one["bound"] for one in bound} == {"acme-uk": True, "acme-au": True}


def test_nothing_fuzzier_than_case_and_spaces(office):
    """A name that only resembles is not proposed."""
    office.sandbox.post("/_sandbox/reset")
    office.sandbox.organisation(office.sandbox.tenant(1), name="Fernhill Trading Limited")
    office.write()
    office.key()
    office.connect()
    assert [one["entity"] for one in office("entities", "bind", "--json").value] == ["acme-au"]
    office.sandbox.organisation(office.sandbox.tenant(1), name="Fernhill Trading Ltd")


def test_a_reset_demo_company(business):
    """Verifying, running and binding say what happened; after unbind and bind the old sale is not posted again."""
    business.records(sale(1), sale(2))
    old = business.sandbox.tenant(1)
    fresh = business.sandbox.organisation(old, reset=True)["tenant_id"]
    business.connect()
    assert refused(business, "entities", "verify", "acme-uk")[0] == "organisation-reset"
    code, remedy = refused(business, "entities", "bind", "acme-uk", fresh)
    assert (code, fresh in remedy, "unbind acme-uk" in remedy) == ("organisation-reset", True, True)
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["planned"], "was reset" in ended.err) == (3, 1, True)
    assert business("entities", "unbind", "acme-uk").code == 0
    assert business("entities", "bind", "acme-uk", fresh).code == 0
    assert business("run", "shop", "--json").value["posted"] == 1
    invoices = business.sandbox.ledger(fresh)["Invoices"]
    assert [one["InvoiceNumber"] for one in invoices] == ["order-2"]


def test_a_renamed_organisation_warns_until_it_is_accepted(business):
    """Writing goes on; `status` says it until a person accepts the name."""
    business.sandbox.organisation(business.sandbox.tenant(1), name="Fernhill Group Ltd")
    business.records(sale(2))
    ended = business("entities", "verify", "acme-uk", "--json")
    assert (ended.code, ended.value[0]["code"]) == (1, "organisation-renamed")
    assert business("run", "shop").code == 0
    assert [one["kind"] for one in business("status", "--json").value["notices"]] == ["renamed"]
    assert "--accept" in business("status").out
    assert business("entities", "verify", "acme-uk", "--accept").code == 0
    assert business("status", "--json").value["notices"] == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("base_currency", "USD", "currency-changed"), ("country", "IE", "country-changed")],
)
def test_another_currency_or_country_stops_the_writes(business, field, value, code):
    """Of this entity only; nothing is sent until it is bound anew, or is what it was."""
    before = business.sandbox.organisation(business.sandbox.tenant(1))["organisation"]
    was = before["BaseCurrency" if field == "base_currency" else "CountryCode"]
    business.sandbox.organisation(business.sandbox.tenant(1), **{field: value})
    found, remedy = refused(business, "entities", "verify", "acme-uk")
    assert (found, "unbind acme-uk" in remedy) == (code, True)
    assert refused(business, "entities", "bind", "acme-uk", business.sandbox.tenant(1))[0] == code
    business.records(sale(2), sale(3, entity="acme-au", expected_total="11.00", lines=[LINE]))
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], numbers(business)) == (3, 1, ["order-1"])
    assert [one["kind"] for one in business("status", "--json").value["notices"]] == ["stopped"]
    business.sandbox.organisation(business.sandbox.tenant(1), **{field: was})
    assert business("entities", "verify").code == 0
    assert business("run", "shop", "--json").value["posted"] == 1


LINE = {"description": "Widgets", "quantity": 2, "unit_amount": "5.00", "account_code": "200", "tax_type": "OUTPUT"}


def test_one_entity_two_organisations_and_one_organisation_two_entities(business):
    """Each is refused by name, with whom to unbind first."""
    code, remedy = refused(business, "entities", "bind", "acme-uk", business.sandbox.tenant(3))
    assert code == "another-name"
    text = (business.folder / "counterfoil.toml").read_text()
    unnamed = text.replace('organisation = "Fernhill Trading Ltd"\n', "").replace(
        'organisation = "Wattle & Co Pty Ltd"\n', ""
    )
    (business.folder / "counterfoil.toml").write_text(unnamed)
    code, remedy = refused(business, "entities", "bind", "acme-uk", business.sandbox.tenant(3))
    assert (code, "unbind acme-uk" in remedy) == ("entity-taken", True)
    assert business("entities", "unbind", "acme-au").code == 0
    code, remedy = refused(business, "entities", "bind", "acme-au", business.sandbox.tenant(1))
    assert (code, "unbind acme-uk" in remedy) == ("organisation-taken", True)


def test_an_organisation_that_another_environment_has(business):
    """Two databases may not post into one ledger: the second is refused until the first has let go."""
    assert business("config", "environment", "test", "--json").code == 0
    staging = Staged(business)
    staging.connect()
    code, remedy = refused(staging, "entities", "bind", "acme-uk", business.sandbox.tenant(1))
    assert (code, "counterfoil entities unbind acme-uk" in remedy) == ("bound-elsewhere", True)
    assert business("entities", "unbind", "acme-uk").code == 0
    assert staging("entities", "bind", "acme-uk").code == 0
    code, remedy = refused(business, "entities", "bind", "acme-uk", business.sandbox.tenant(1))
    assert (code, "counterfoil --env test entities unbind acme-uk" in remedy) == ("bound-elsewhere", True)


class Staged(Office):
    """The same folder, in environment `test`."""

    def __init__(self, office):
        super().__init__(office.folder, office.sandbox)

    def __call__(self, *words):
        """As of an office, with `--env test`."""
        return super().__call__("--env", "test", *words)

    def start(self, *words, **how):
        """As of an office, with `--env test`."""
        return super().start("--env", "test", *words, **how)


def test_what_was_planned_stays_with_its_organisation(business):
    """Unbound and bound elsewhere it is held by name; bound back it goes on by itself; it never arrives in the other one."""
    text = (business.folder / "counterfoil.toml").read_text()
    (business.folder / "counterfoil.toml").write_text(
        text.replace('organisation = "Fernhill Trading Ltd"\n', "").replace(
            'organisation = "Wattle & Co Pty Ltd"\n', ""
        )
    )
    business.records(sale(1), sale(2))
    business.day_used_up()
    assert business("run", "shop", "--json").value["planned"] == 1
    business.next_day()
    assert swap(business, "acme-uk", 4)["held"] == 2  # the sale and its customer
    assert business("finish", "--json").value["posted"] == 0
    [problem] = business("problems", "list", "--json").value
    assert (problem["cause"], "Fernhill" in problem["reason"]) == ("other-organisation", True)
    assert business("problems", "retry", str(problem["problem"])).code in (0, 1)
    assert business("finish", "--json").value["posted"] == 0
    again = business("run", "shop", "--json")
    assert again.value["held"] == 1, (again, business("problems").out)
    assert numbers(business, 4) == []
    assert swap(business, "acme-uk", 1)["freed"] == 2
    assert business("finish", "--json").value["posted"] == 1
    assert sorted(numbers(business)) == ["order-1", "order-2"]
    assert numbers(business, 4) == []


def test_what_another_entity_planned_does_not_go_with_the_organisation(business):
    """Two entities swap their organisations with work open: each keeps what it planned to itself."""
    text = (business.folder / "counterfoil.toml").read_text()
    (business.folder / "counterfoil.toml").write_text(
        text.replace('organisation = "Fernhill Trading Ltd"\n', "").replace(
            'organisation = "Wattle & Co Pty Ltd"\n', ""
        )
    )
    business.records(sale(2), sale(3, entity="acme-au", expected_total="11.00", lines=[LINE]))
    business.day_used_up()
    assert business("run", "shop", "--json").value["planned"] == 2
    business.next_day()
    for entity in ("acme-uk", "acme-au"):
        assert business("entities", "unbind", entity).code == 0
    for entity, n in (("acme-uk", 2), ("acme-au", 1)):
        assert business("entities", "bind", entity, business.sandbox.tenant(n)).code == 0
    assert business("finish", "--json").value["posted"] == 0
    assert {one["cause"] for one in business("problems", "list", "--json").value} == {"other-organisation"}
    assert (numbers(business, 1), numbers(business, 2)) == (["order-1"], [])


def swap(office, entity, n):
    """Bind an entity to another organisation; → what `bind` said."""
    assert office("entities", "unbind", entity).code == 0
    ended = office("entities", "bind", entity, office.sandbox.tenant(n), "--json")
    assert ended.code == 0
    return ended.value


def test_a_customer_is_made_once_per_organisation(business):
    """A ContactID of the former organisation is never used in the new one."""
    text = (business.folder / "counterfoil.toml").read_text()
    (business.folder / "counterfoil.toml").write_text(text.replace('organisation = "Fernhill Trading Ltd"\n', ""))
    swap(business, "acme-uk", 4)
    nz = {"description": "Widgets", "quantity": 2, "unit_amount": "5.00", "account_code": "200", "tax_type": "OUTPUT2"}
    again = sale(7, contact=sale(1)["contact"], lines=[nz], expected_total="11.50")
    business.records(again)
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"]) == (0, 1), business("problems").out
    [invoice] = business.sandbox.ledger(business.sandbox.tenant(4))["Invoices"]
    [contact] = [
        c for c in business.sandbox.ledger(business.sandbox.tenant(4))["Contacts"] if c.get("ContactNumber") == "cust-1"
    ]
    assert invoice["Contact"]["ContactID"] == contact["ContactID"]


def test_verifying_after_a_restore(business):
    """An old copy put back is not believed: the organisation is asked before anything is written."""
    shutil.copy(business.folder / "counterfoil.db", business.folder / "kept.db")
    business.records(sale(2))
    assert business("run", "shop").code == 0
    business.sandbox.organisation(business.sandbox.tenant(1), base_currency="USD")
    for file in business.folder.glob("counterfoil.db-*"):
        file.unlink()
    shutil.copy(business.folder / "kept.db", business.folder / "counterfoil.db")
    business.records(sale(3))
    assert (business("run", "shop").code, "order-3" in numbers(business)) == (3, False)
    assert "stopped" in [one["kind"] for one in business("status", "--json").value["notices"]]


def test_verifying_while_xero_cannot_be_asked_names_each_entity(business):
    """One line for each that could not be compared, and no empty ones."""
    business.write(api_url="http://127.0.0.1:9")
    ended = business("entities", "verify")
    lines = ended.err.splitlines()
    assert (ended.code, [line.partition(": ")[0] for line in lines]) == (4, ["acme-uk", "acme-au"])
    assert all("cannot be reached" in line for line in lines)
