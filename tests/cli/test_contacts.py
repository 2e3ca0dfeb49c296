"""`contacts match`: the file that a person looks through, and what a spreadsheet makes of it."""

import csv

import pytest

from tests.cli.office import Office, sale


@pytest.fixture
def shop(tmp_path, sandbox):
    """A firm with three customers, two of whom Xero seems to know."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox).open_for_business()
    tenant = sandbox.tenant(1)
    office.ids = {
        name: sandbox.make(tenant, "Contacts", {"Name": name, "EmailAddress": email})[0]["ContactID"]
        for name, email in (("Blue Fern Limited", "ap@bluefern.example"), ("Café Zoë", ""), ("=1+1", ""))
    }
    customers = [("-1", "Blue Fern Ltd", "AP@bluefern.example"), ("b", "Cafe Zoe", None), ("c", "Nobody Known", None)]
    office.records(
        *(
            sale(n, contact={"external_id": key, "name": name} | ({"email": email} if email else {}))
            for n, (key, name, email) in enumerate(customers)
        )
    )
    return office


def rows(path, **how):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, **how))


def test_the_file_is_written_looked_through_and_applied(shop):
    """What is certain is filled in; what a person adds is linked; then nothing is held and nobody is made twice."""
    ended = shop("contacts", "match", "shop", "--json")
    assert ended.value == {
        "file": "contacts-shop.csv", "customers": 3, "lines": 3, "certain": 1, "decided_before": 0, "unread": 0,
    }  # fmt: skip
    path = shop.folder / "contacts-shop.csv"
    lines = rows(path)
    assert [(line["external_id"], line["decision"], line["score"]) for line in lines] == [
        ("b", "", "60"), ("'-1", "link", "100"), ("c", "", "0"),
    ]  # fmt: skip
    path.write_text(path.read_text(encoding="utf-8-sig").replace("\n,60,", "\nLINK,60,"), encoding="utf-8")
    applied = shop("contacts", "match", "shop", "--apply", "contacts-shop.csv", "--json")
    assert (applied.code, applied.value) == (0, {"link": 2, "new": 0, "hold": 0, "undecided": 1, "mistakes": []})
    run = shop("run", "shop", "--json").value
    assert (run["posted"], run["held"]) == (3, 0)
    buyers = {
        one["InvoiceNumber"]: one["Contact"]["ContactID"]
        for one in shop.sandbox.ledger(shop.sandbox.tenant(1))["Invoices"]
    }
    assert (buyers["order-0"], buyers["order-1"]) == (shop.ids["Blue Fern Limited"], shop.ids["Café Zoë"])
    assert shop("contacts", "match", "shop", "--out", "again.csv", "--json").value["lines"] == 0


@pytest.mark.parametrize(("encoding", "delimiter"), [("cp1252", ";"), ("utf-16", "\t"), ("utf-8", ",")])
def test_it_is_read_as_spreadsheets_save_it(shop, encoding, delimiter):
    """Semicolons, tabs, Windows' letters."""
    shop("contacts", "match", "shop")
    path = shop.folder / "contacts-shop.csv"
    lines = rows(path)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, lines[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(line | {"decision": "hold"} for line in lines)
    assert shop("contacts", "match", "shop", "--apply", str(path), "--json").value["hold"] == 3
    assert shop("run", "shop", "--json").value["held"] == 3


def test_mistakes_name_file_line_and_field_and_are_exit_1(shop):
    """The good lines are applied."""
    shop("contacts", "match", "shop")
    path = shop.folder / "contacts-shop.csv"
    text = path.read_text(encoding="utf-8-sig").replace("\n,60,", "\nperhaps,60,").replace("\n,0,", "\nlink,0,")
    path.write_text(text, encoding="utf-8")
    ended = shop("contacts", "match", "shop", "--apply", path.name)
    assert ended.code == 1
    assert "contacts-shop.csv:2: decision perhaps is none of link, new, hold" in ended.err
    assert "contacts-shop.csv:4: contact_id is empty" in ended.err
    assert "1 linked" in ended.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the column"),
        (b"a,b\n1,2\n", "lacks the column decision"),
        (b'decision,entity,external_id,contact_id\n"', ""),
    ],
)
def test_another_file_is_refused(shop, content, said):
    """By what it lacks."""
    (shop.folder / "x.csv").write_bytes(content)
    ended = shop("contacts", "match", "shop", "--apply", "x.csv")
    assert (ended.code, said in ended.err) == (2 if said else 0, True)


def test_decisions_are_never_overwritten_unasked(shop):
    """A second file needs another name; the source and the flow must be there."""
    assert shop("contacts", "match", "shop").code == 0
    again = shop("contacts", "match", "shop")
    assert (again.code, "your decisions may be in it" in again.err) == (2, True)
    assert shop("contacts", "match", "shop", "--apply", "none.csv").code == 2
    assert shop("contacts", "match", "shop", "--apply", "x.csv", "--all").code == 2
    assert shop("contacts", "match", "shpo").code == 2
    assert "match" in shop("contacts", "--help").out
