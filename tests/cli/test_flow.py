"""`flow new` and `flow test`: what they print, write and refuse, on samples as people have them."""

import datetime
import json
import os
import stat

import openpyxl
import pytest

from tests.cli.office import Office

ENTITY = """\
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
accounts = { sales = "200", shipping = "425" }
taxes = { standard = "20% (VAT on Income)" }
"""
GERMAN = (
    "Bestellnummer;Kunde;E-Mail;Bestelldatum;Artikel;Menge;Einzelpreis;MwSt;Gesamtbetrag;Währung\r\n"
    "A-1;Müller & Söhne;info@mueller.example;03.11.2026;Tisch;1;1.234,56;19%;1.469,13;EUR\r\n"
    'A-1;;;;"Stuhl ""Ösi""; klein";2;0,00;19%;;\r\n'
    "A-2;Groß;gross@x.example;13.11.2026;Lampe;3;12,50;19%;44,63;EUR\r\n"
)
TABBED = (
    "Order ID\tCustomer name\tEmail\tDate\tItem\tQty\tUnit price\tTax code\tTotal\tCurrency\n"
    "1\tAnn\ta@x.example\t25/12/2026\tCup\t2\t3.50\tS\t8.40\tGBP\n"
    "2\tŁukasz Čech\tb@x.example\t26/12/2026\tPot\t1\t1.00\tS\t1.20\tGBP\n"
)
ORDER = {"id": 7, "customer": {"name": "Ann", "email": "a@x.example"}, "created_at": "2026-11-02T23:30:00Z",
         "currency": "GBP", "total": "12.00",
         "items": [{"title": "Cup", "quantity": 1, "price": "10.00", "vat": "20% (VAT on Income)"}]}  # fmt: skip


@pytest.fixture
def desk(tmp_path):
    """A folder with a configuration; nobody is connected, no server runs."""
    office = Office(tmp_path)
    office.write(entities=ENTITY, flows='[flows.old]\nkind = "sales_invoices"\nsource = { jsonl = "old.jsonl" }\n')
    office.key()
    return office


def german(folder):
    """Semicolons, decimal commas, cp1252, the order's columns on its first row only."""
    (folder / "s.csv").write_bytes(GERMAN.encode("cp1252"))
    return "s.csv"


def tabbed(folder):
    """UTF-16 with tabs, as a spreadsheet saves "Unicode text"."""
    (folder / "s.txt").write_bytes(TABBED.encode("utf-16"))
    return "s.txt"


def workbook(folder):
    """A title, a blank row, then the header; dates and numbers as Excel keeps them."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Our export"])
    sheet.append([])
    sheet.append(["Invoice number", "Client", "Email", "Invoice date", "Description", "Quantity", "Price", "VAT"])
    sheet.append([1001, "Ann", "a@x.example", datetime.date(2026, 11, 2), "Cup", 2, 3.5, "S"])
    sheet.append([1002, "Bob", "b@x.example", datetime.date(2026, 11, 3), "Pot", 1, 1, "S"])
    book.save(folder / "s.xlsx")
    return "s.xlsx"


def nested(folder):
    """JSON with the list two levels down and lines inside each object."""
    (folder / "s.json").write_text(json.dumps({"data": {"orders": [ORDER, ORDER | {"id": 8}]}}))
    return "s.json"


def lines(folder):
    """JSON Lines."""
    (folder / "s.jsonl").write_text("".join(json.dumps(ORDER | {"id": n}) + "\n" for n in range(3)))
    return "s.jsonl"


@pytest.mark.parametrize("sample", [german, tabbed, workbook, nested, lines], ids=lambda one: one.__name__)
def test_a_flow_from_a_messy_sample_loads_and_makes_records(desk, sample):
    """The table stands in the configuration, every guess marked; the old flow is still there; a record comes out."""
    file = sample(desk.folder)
    found = desk("flow", "new", "sales_invoices", "mine", "--sample", file, "--json").value
    assert (found["loads"], found["problems"]) == (True, [])
    assert "# guess" in (desk.folder / "counterfoil.toml").read_text(encoding="utf-8")
    assert desk("config", "check", "--json").value["ok"] is True
    tried = desk("flow", "test", "mine", "--json").value
    assert tried["records"] >= 2
    assert tried["shown"]["record"]["lines"]
    assert tried["refused"] == []
    assert len(list(desk.folder.glob(".*"))) == 0


def test_the_numbers_and_days_of_a_german_export_are_read(desk):
    """1.234,56 is one thousand two hundred; 03.11. is the third of November."""
    desk("flow", "new", "sales_invoices", "mine", "--sample", german(desk.folder))
    record = desk("flow", "test", "mine", "--json").value["shown"]["record"]
    assert record["lines"][0]["unit_amount"] == "1234.56"
    assert record["date"] == "2026-11-03"
    assert record["lines"][1]["description"] == 'Stuhl "Ösi"; klein'


def test_days_that_could_be_read_two_ways_are_a_persons_to_decide(desk):
    """03/04/2026 in every row: both readings are offered, and until one is chosen the record is refused with them."""
    (desk.folder / "s.csv").write_text(
        "Order,Customer,Email,Date,Item,Price,Tax,Total\n1,A,a@x.y,03/04/2026,Cup,5.00,S,6.00\n"
    )
    found = desk("flow", "new", "sales_invoices", "mine", "--sample", "s.csv", "--json").value
    assert any(line.startswith("# decide: how dates such as 03/04/2026") for line in found["decisions"])
    (refused,) = desk("flow", "test", "mine", "--json").value["refused"]
    assert "03/04/2026" in refused["reasons"][0]
    config = desk.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace('# date = "%m/%d/%Y"', 'date = "%m/%d/%Y"'))
    assert desk("flow", "test", "mine", "--json").value["shown"]["record"]["date"] == "2026-03-04"


def test_a_draft_that_does_not_load_stops_nobody(desk):
    """It is written beside the configuration with what is missing, at its own lines; the old flows still work."""
    (desk.folder / "s.csv").write_text("Order,Date\n1,2026-11-02\n")
    before = (desk.folder / "counterfoil.toml").read_bytes()
    ended = desk("flow", "new", "sales_invoices", "mine", "--sample", "s.csv")
    assert ended.code == 0
    assert (desk.folder / "counterfoil.toml").read_bytes() == before
    draft = (desk.folder / "mine.flow.toml").read_text(encoding="utf-8").splitlines()
    assert draft[0] == "[flows.mine]"
    line = draft.index("[flows.mine.map]") + 1
    assert f"mine.flow.toml:{line}: [flows.mine.map] `contact` is missing" in ended.out
    assert "decide: it needs external_id and name" in ended.out
    assert desk("config", "check").code == 0
    again = desk("flow", "new", "sales_invoices", "mine", "--sample", "s.csv")
    assert (again.code, "there already" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sales_invoices", "old"), "There is a flow old already"),
        (("sales_invoice", "mine"), "Did you mean `sales_invoices`?"),
        (("sales_invoices", "my flow"), "may not be called"),
        (("sales_invoices", "größe"), "may not be called"),
        (("sales_invoices", "../x"), "may not be called"),
    ],
)
def test_names_that_cannot_be_are_refused(desk, words, said):
    """And nothing is written."""
    file, before = german(desk.folder), (desk.folder / "counterfoil.toml").read_bytes()
    ended = desk("flow", "new", *words, "--sample", file)
    assert (ended.code, said in ended.err) == (2, True)
    assert (desk.folder / "counterfoil.toml").read_bytes() == before
    assert list(desk.folder.glob("*.flow.toml")) == []


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no file"), (b"", "before its header"), (bytes(range(256)) * 9, "line 1")]
)
def test_a_sample_that_cannot_be_read_is_said(desk, content, said):
    """Missing, empty, no table at all."""
    if content is not None:
        (desk.folder / "s.csv").write_bytes(content)
    ended = desk("flow", "new", "sales_invoices", "mine", "--sample", "s.csv")
    assert (ended.code, said in ended.err) == (2, True)


def test_a_configuration_keeps_its_mode_and_line_ends(desk):
    """A file for its owner's eyes stays one; Windows' line ends stay."""
    path = desk.folder / "counterfoil.toml"
    path.write_bytes(path.read_bytes().rstrip().replace(b"\n", b"\r\n"))
    path.chmod(0o600)
    before = path.read_bytes()
    assert desk("flow", "new", "sales_invoices", "mine", "--sample", german(desk.folder), "--json").value["loads"]
    after = path.read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == after.count(b"\r\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_environments_overlay_is_read_too(desk):
    """`--env prod`: the draft loads where its overlay stands beside the file."""
    (desk.folder / "counterfoil.prod.toml").write_text('[xero]\nclient_id = "other"\n')
    ended = desk("--env", "prod", "flow", "new", "sales_invoices", "mine", "--sample", german(desk.folder), "--json")
    assert ended.value["loads"] is True


def test_a_folder_that_cannot_be_written_is_said(desk):
    """And the configuration is whole."""
    if os.geteuid() == 0:
        (desk.folder / ".counterfoil.toml.part").mkdir()  # root may write anywhere, but not a file where a folder is
    else:
        desk.folder.chmod(0o500)
    before = (desk.folder / "counterfoil.toml").read_bytes()
    sample = desk.folder / german(desk.folder)
    ended = desk("flow", "new", "sales_invoices", "mine", "--sample", str(sample))
    assert (ended.code, "cannot be written" in ended.err) == (2, True)
    assert (desk.folder / "counterfoil.toml").read_bytes() == before


# ---- flow test


@pytest.fixture
def mine(desk):
    """A flow that was drafted from a JSON sample."""
    desk("flow", "new", "sales_invoices", "mine", "--sample", nested(desk.folder))
    return desk


def test_one_record_is_shown_as_rows_record_and_lines(mine):
    """Without a connection; and what was assumed."""
    ended = mine("flow", "test", "mine", "--record", "8")
    assert ended.code == 0
    assert ended.out.startswith("s.json:1, item 2, items 1\n  id: 8\n  customer.name: Ann\n")
    assert '"external_id": "8"' in ended.out
    assert "200      20% (VAT on Income)   10.00  2.00" in ended.out
    assert "Assumed: The organisation is not known yet" in ended.out
    assert "instants are read as days in UTC" in ended.out
    assert mine("flow", "test", "mine", "--record", "9").code == 2


def test_a_golden_file_shows_what_a_changed_mapping_would_change(mine):
    """--accept keeps; later exactly the differing fields and exit 1; --accept again keeps the new."""
    assert mine("flow", "test", "mine", "--accept").code == 0
    assert (mine.folder / "golden" / "mine.json").exists()
    assert mine("flow", "test", "mine").code == 0
    config = mine.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace('currency = "{currency}"', 'currency = "EUR"'))
    ended = mine("flow", "test", "mine", "--json")
    assert ended.code == 1
    fields = [(one["external_id"], one["field"], one["then"], one["now"]) for one in ended.value["different"]]
    assert fields == [("7", "record.currency", "GBP", "EUR"), ("8", "record.currency", "GBP", "EUR")]
    assert "record.currency" in mine("flow", "test", "mine").out
    assert mine("flow", "test", "mine", "--accept").code == 0
    assert mine("flow", "test", "mine").code == 0


def test_the_golden_file_is_compared_although_the_source_is_another_one(mine):
    """It holds the rows themselves: tomorrow's export does not change what is compared."""
    mine("flow", "test", "mine", "--accept")
    (mine.folder / "s.json").write_text(json.dumps({"data": {"orders": [ORDER | {"id": 99}]}}))
    value = mine("flow", "test", "mine", "--json").value
    assert (value["records"], value["kept"], value["different"]) == (1, 2, [])


def test_a_refused_record_is_named_and_ends_with_1(mine):
    """Its place and why; the good ones are not kept from being shown."""
    broken = ORDER | {"id": 9, "created_at": "yesterday"}
    (mine.folder / "s.json").write_text(json.dumps({"data": {"orders": [ORDER, broken]}}))
    ended = mine("flow", "test", "mine", "--json")
    assert ended.code == 1
    (refused,) = ended.value["refused"]
    assert (refused["external_id"], "yesterday" in refused["reasons"][0]) == ("9", True)


def test_a_broken_golden_file_is_exit_2(mine):
    """Not taken for none."""
    mine("flow", "test", "mine", "--accept")
    (mine.folder / "golden" / "mine.json").write_text("{")
    ended = mine("flow", "test", "mine")
    assert (ended.code, "is no golden file" in ended.err) == (2, True)


def test_flow_test_of_a_source_without_a_mapping(desk):
    """Records in our own form are tried just the same."""
    record = {"external_id": "a", "entity": "acme-uk", "contact": {"external_id": "c", "name": "Ann"}, "currency": "GBP",
              "date": "2026-11-02", "lines": [{"description": "x", "quantity": 1, "unit_amount": "10", "account": "sales",
              "tax": "standard"}], "expected_total": "12.00"}  # fmt: skip
    desk.records(record, name="old.jsonl")
    value = desk("flow", "test", "old", "--json").value
    assert (value["shown"]["rows"], value["shown"]["predicted"]["total"]) == ([], "12.00")
