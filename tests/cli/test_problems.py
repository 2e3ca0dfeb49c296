"""`problems` from words to exit code: what a bookkeeper types, reads and sends on."""

import csv
import io
import re

import pytest

from tests.cli.office import Office, sale


@pytest.fixture(scope="module")
def sandbox_of_problems(sandbox):
    return sandbox


@pytest.fixture
def shop(tmp_path, sandbox_of_problems):
    """A firm with two sales on an unknown account, one whose total differs, one broken line, and one good sale."""
    sandbox_of_problems.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox_of_problems).open_for_business()
    wrong = [
        {
            "description": "<b>Widgets</b>",
            "quantity": 2,
            "unit_amount": "5.00",
            "account": "sales-old",
            "tax_type": "OUTPUT2",
        }
    ]
    office.records(
        sale(1), sale(2, lines=wrong), sale(3, lines=wrong, contact={"external_id": "c", "name": "=cmd|' /C calc'!A0"}),
        sale(4, expected_total="13.00"),
    )  # fmt: skip
    with (office.folder / "sales.jsonl").open("a") as file:
        file.write('{"external_id": \n')
    office.ended = office("run", "shop", "--json")
    return office


def numbers(office):
    """The problem numbers by cause."""
    return {one["cause"]: str(one["problem"]) for one in office("problems", "--json").value}


def test_money_comes_first_with_the_field_and_what_to_do(shop):
    """24.00 before 13.00 before what has no amount; `show` says what most likely helps."""
    out = shop("problems").out
    table = [line for line in out.splitlines() if re.match(r"\s*\d", line)]
    assert ["24.00 GBP" in table[0], "13.00 GBP" in table[1], "GBP" not in table[2]] == [True] * 3
    assert "lines.account" in table[0]
    n = numbers(shop)["account-unknown:sales-old"]
    shown = shop("problems", "show", n).out
    assert "Field: lines.account, sales-old" in shown
    assert f"Likely: counterfoil problems fix {n} --use Sales" in shown
    assert "12.00 GBP" in shown
    assert table[2].split()[2] == "unknown"
    assert "unknown" in shop("problems", "show", table[2].split()[0]).out


def test_fix_retry_finish(shop):
    """The likely cure is typed as it is shown, and the records are in Xero without the file."""
    n = numbers(shop)["account-unknown:sales-old"]
    ended = shop("problems", "fix", n, "--use", "Sales", "--because", "renamed", "--json")
    assert (ended.code, ended.value["cured"], ended.value["fixes"]) == (0, 2, [1])
    (shop.folder / "sales.jsonl").unlink()
    assert shop("problems", "retry", n, "--json").value == {"problem": int(n), "records": 2}
    assert shop("finish", "--json").value["posted"] == 2
    listed = shop("problems", "fixes")
    assert "account sales-old → Sales" in listed.out
    assert "in force" in listed.out
    story = shop("why", "order-2").out
    assert "Fixed: account sales-old → Sales by" in story
    (one,) = shop("problems", "fixes", "--json").value
    assert (one["records"], one["because"], one["undone_at"]) == (2, "renamed", None)
    assert shop("problems", "unfix", "1", "--json").value == {"fix": 1, "planned_again": 0}
    assert "undone" in shop("problems", "fixes").out


def test_a_plan_shows_the_fix(shop):
    """Before anything is sent."""
    shop("problems", "fix", numbers(shop)["account-unknown:sales-old"], "--use", "Sales")
    ended = shop("plan", "shop", "--json")
    reasons = [line["reason"] or "" for line in ended.value["lines"] if line["external_id"] in ("order-2", "order-3")]
    assert all("Fixed: account sales-old → Sales by" in reason and "(fix 1)" in reason for reason in reasons)
    assert len(reasons) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--date", "soon"), "--date is no day: soon"),
        (("--set", "quantity"), "--set needs FIELD=VALUE"),
        (("--use", "999"), "That does not cure it"),
        ((), "Nothing to put instead"),
        (("--use", "Sales", "--only", "order-9"), "no record order-9"),
    ],
)
def test_a_fix_that_is_none_is_exit_2(shop, words, said):
    """And nothing is stored."""
    ended = shop("problems", "fix", numbers(shop)["account-unknown:sales-old"], *words)
    assert (ended.code, said in ended.err) == (2, True)
    assert shop("problems", "fixes", "--json").value == []


def test_skip_one_and_name_a_document(shop):
    """`--only` leaves the other on the list; `--document` is proven and named with its differences."""
    n = numbers(shop)["account-unknown:sales-old"]
    assert shop("problems", "skip", n, "--because", "twice", "--only", "order-2", "--json").value["records"] == 1
    assert [one["external_id"] for one in shop("problems", "--json").value if str(one["problem"]) == n] == ["order-3"]
    wire = {"Description": "x", "Quantity": 1, "UnitAmount": 9, "AccountCode": "200", "TaxType": "OUTPUT2"}
    typed = {
        "Type": "ACCREC",
        "Date": "2026-11-02",
        "Contact": {"Name": "By hand"},
        "LineItems": [wire],
        "InvoiceNumber": "INV-3",
    }
    shop.sandbox.make(shop.sandbox.tenant(1), "Invoices", typed)
    ended = shop("problems", "skip", n, "--because", "typed in by Mary", "--document", "INV-3")
    assert (ended.code, "INV-3 stands for order-3: typed in by Mary" in ended.out) == (0, True)
    assert "Differs: total: 12.00 in the record, 10.80 in Xero" in ended.out
    assert shop("prove", "shop", "--json").value["holds"] is True


def test_csv_for_a_spreadsheet(shop):
    """To stdout or into a file; one line per record with its money; nothing becomes a formula."""
    out = shop("problems", "--csv").out
    assert shop("problems", "list", "--csv").out == out
    assert shop("problems", "list", "--csv", "-").out == out
    assert shop("problems", "--csv", "p.csv").code == 0
    assert (shop.folder / "p.csv").read_bytes().decode() == out
    rows = list(csv.DictReader(io.StringIO(out)))
    money = {row["external_id"]: (row["amount"], row["currency"]) for row in rows}
    assert money == {
        "order-2": ("12.00", "GBP"),
        "order-3": ("12.00", "GBP"),
        "order-4": ("13.00", "GBP"),
        "": ("", ""),
    }
    assert rows[0]["field"] == "lines.account"
    assert rows[0]["cure"].startswith("counterfoil problems fix")
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_one_page_for_a_colleague(shop):
    """Self-contained, escaped, with the money per currency, the rows and the cure; no secret and no script."""
    n = numbers(shop)["account-unknown:sales-old"]
    evil = [sale(9)["lines"][0] | {"account_code": "<script>alert(1)</script>"}]
    shop.records(sale(9, lines=evil), name="evil.jsonl")
    shop("run", "shop", "--input", "evil.jsonl")
    ended = shop("problems", "--html", "p.html")
    assert (ended.code, "written to p.html" in ended.out) == (0, True)
    page = (shop.folder / "p.html").read_text()
    assert "<script" not in page.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'name="viewport"' in page
    assert not re.search(r'(?:src|href)="(?!#)(?!http://127\.0\.0\.1)', page)
    assert f"counterfoil problems fix {n} --use Sales" in page
    assert "sales.jsonl:3" in page
    assert "GBP" in page
    for secret in ("counterfoil.key", "client_id", "Bearer", shop.sandbox.ready["public_client_id"]):
        assert secret not in page
    assert shop("problems", "--html", "none/p.html").code == 2
    assert shop("problems", "--csv", "--json").code == 2


def test_no_problems_are_no_page_of_worries(shop):
    """Nothing to do is said, on the page too."""
    for cause, n in numbers(shop).items():
        assert shop("problems", "skip", n, "--because", f"{cause} is fine").code == 0
    assert "No problems." in shop("problems").out
    shop("problems", "--html", "p.html")
    assert "Nothing does." in (shop.folder / "p.html").read_text()


EXPORT = """\
[flows.till]
kind = "sales_invoices"
entity = "acme-uk"
source = { csv = "till.csv" }
[flows.till.read]
decimal = "."
date = "%d/%m/%Y"
[flows.till.map]
external_id = "{No}"
contact = { external_id = "walk-in", name = "Walk-in" }
date = "{Day}"
[[flows.till.line]]
description = "Sale"
quantity = "1"
unit_amount = "{Net}"
account = "{Account}"
tax = { lookup = "vat", key = "{Tax code}" }
[lookups.vat]
rows = { S = "20% (VAT on Income)" }
"""


def test_a_column_of_an_export_is_corrected_in_its_cells(tmp_path, sandbox_of_problems):
    """An unknown code, a bad date, an unknown account: by column and as written there; the file is not needed again."""
    sandbox_of_problems.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox_of_problems)
    office.write(flows=EXPORT)
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes").code == 0
    sheet = office.folder / "till.csv"
    sheet.write_text(
        "No,Day,Net,Account,Tax code\n1,02/11/2026,10.00,Sales,S\n2,02/11/2026,10.00,Sales,RC20\n"
        "3,31/11/2026,10.00,Sales,S\n4,02/11/2026,10.00,Sails,S\n5,02/11/2026,10.00,Sales,RC20\n"
    )
    assert office("run", "till", "--json").value["posted"] == 1
    found = numbers(office)
    shown = office("problems", "show", found["lookup-unknown:RC20"]).out
    assert "Field: Tax code, RC20" in shown
    assert "till.csv:3" in shown
    assert "column Account" in office("problems", "show", found["account-unknown:Sails"]).out
    sheet.unlink()
    for cause, words in (
        ("lookup-unknown:RC20", ("--use", "S")), ("not-a-date", ("--use", "30/11/2026")), ("account-unknown:Sails", ("--use", "Sales")),
    ):  # fmt: skip
        assert office("problems", "fix", found[cause], *words).code == 0
        assert office("problems", "retry", found[cause]).code == 0
    assert office("finish", "--json").value["posted"] == 4
    assert office("problems", "--json").value == []
    sheet.write_text("No,Day,Net,Account,Tax code\n6,02/11/2026,10.00,Sales,RC20\n2,02/11/2026,10.00,Sales,RC20\n")
    value = office("run", "till", "--json").value
    assert (value["posted"], value["unchanged"], value["rejected"]) == (1, 1, 0)
