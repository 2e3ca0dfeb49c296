"""privacy and purge as commands: what they say, exit codes, one JSON value, nothing done without a yes."""

import json

import pytest

from tests.cli.office import sale


@pytest.fixture
def office(office):
    """Connected and bound, with three sales at Xero, two of them to customers of one name in two entities."""
    office.sandbox.clear_faults()
    office.sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.write(flows=FLOW)
    office.records(
        sale(1, contact={"external_id": "ann@wordsworth.example", "name": "Ann Wordsworth"}),
        sale(2, contact={"external_id": "cust-2", "name": "Blue Fern Ltd", "email": "ap@bluefern.example"}),
        sale(
            3,
            entity="acme-au",
            contact={"external_id": "cust-3", "name": "Blue Fern Ltd"},
            lines=AUSTRALIAN,
            expected_total="11.00",
        ),
    )
    assert office("run", "shop").code == 0
    return office


AUSTRALIAN = [
    {"description": "Widgets", "quantity": 2, "unit_amount": "5.00", "account_code": "200", "tax_type": "OUTPUT"}
]
FLOW = '[flows.shop]\nid = "shop"\nkind = "sales_invoices"\nsource = { jsonl = "sales.jsonl" }\non_namesake = "new"\n'


def test_an_export_is_one_new_file(office):
    """By external id or name in any case; a second one does not replace it; what it is of is said, nothing of others is in it."""
    ended = office("privacy", "export", "ANN WORDSWORTH", "--out", "ann.json", "--json")
    assert ended.code == 0
    assert ended.value["places"]["postings and their records"] == 2
    told = json.loads((office.folder / "ann.json").read_text())
    assert told["external_id"] == "ann@wordsworth.example"
    assert "Blue Fern" not in json.dumps(told)
    again = office("privacy", "export", "ann@wordsworth.example", "--out", "ann.json")
    assert (again.code, "is there already" in again.err) == (2, True)


def test_several_and_nobody_are_refused(office):
    """A name that customers of two entities have is listed with both ids, and --entity chooses; an unknown one is named."""
    several, nobody = office("privacy", "erase", "blue fern ltd", "--yes"), office("privacy", "export", "nobody at all")
    assert (several.code, nobody.code) == (2, 2)
    assert "acme-au: " in several.err
    assert "external id cust-2" in several.err
    assert "nobody at all" in nobody.err
    assert office("privacy", "erase", "blue fern ltd", "--entity", "acme-uk", "--plan").code == 0


def test_nothing_is_erased_without_a_yes_and_everything_with_one(office):
    """On a pipe exit 1 and nothing done; --plan shows; --yes erases; Xero's part and your sources are said; all of it audited."""
    refused = office("privacy", "erase", "ann@wordsworth.example")
    assert (refused.code, "say --yes" in refused.err) == (1, True)
    assert office("privacy", "erase", "ann@wordsworth.example", "--plan").code == 0
    assert b"Wordsworth" in (office.folder / "counterfoil.db").read_bytes()
    done = office("privacy", "erase", "ann@wordsworth.example", "--yes", "--json")
    assert (done.code, done.value["erased"]["compacted"]) == (0, True)
    assert b"ordsworth" not in (office.folder / "counterfoil.db").read_bytes()
    acts = [one["act"] for one in office("audit", "list", "--json").value]
    assert acts[:2] == ["person erased", "person erasure begun"]
    assert office("audit", "verify").code == 0
    why = office("why", "order-1")
    assert why.code == 0
    assert "ordsworth" not in why.out
    assert office("privacy", "erase", "ann@wordsworth.example", "--plan").code == 2  # nobody is called so any more


def test_purge_asks_for_the_name_and_says_what_comes_back(office):
    """On a pipe it needs --yes; of a bound entity it says that the next reading brings the copy back."""
    office("sync", "acme-uk")
    refused = office("purge", "acme-uk")
    assert (refused.code, "still bound" in refused.out, "say --yes" in refused.err) == (1, True, True)
    done = office("purge", "acme-uk", "--yes", "--json")
    assert done.code == 0
    assert done.value["purged"]["rows"]["mirrored"] > 3
    assert office("run", "shop", "--json").value["unchanged"] == 3
    assert office("purge", "elsewhere").code == 2


def test_backups_are_erased_in_when_it_is_asked_for(office):
    """--backups: every copy that is known, those that cannot be named with exit 1; without CONTACT everybody on the list."""
    assert office("backup").code == 0
    (file,) = office.folder.glob("*.backup")
    planned = office("privacy", "erase", "ann@wordsworth.example", "--backups", "--plan", "--json")
    assert (planned.code, [one["state"] for one in planned.value["backups"]]) == (0, ["erased"])
    assert "--backups" in office("privacy", "erase", "ann@wordsworth.example", "--plan").out
    broken = office.folder / "elsewhere" / "b.backup"
    broken.parent.mkdir()
    broken.write_bytes(b"?")
    done = office("privacy", "erase", "ann@wordsworth.example", "--yes", "--backups", "--backup", "elsewhere", "--json")
    assert done.code == 1
    assert [(one["file"], one["state"]) for one in done.value["backups"]] == [
        (str(file), "erased"),
        (str(broken), "left"),
    ]
    again = office("privacy", "erase", "--backups", "--yes")
    assert (again.code, f"needs nothing  {file}" in again.out) == (0, True)
    assert (office("privacy", "erase").code, office("privacy", "erase", "--backup", "nowhere").code) == (2, 2)
    assert office("privacy", "erase", "--backup", "elsewhere").code == 1
    acts = [one["act"] for one in office("audit", "list", "--json").value]
    assert acts[:3] == ["copies erased", "copies erased", "person erased"]
    assert office("audit", "verify").code == 0
