"""Bad records among good ones: the good are posted, the bad are named, and the exit code says that a person is needed."""

import json

import pytest

from tests.cli.office import Office, sale


def lines(office, *raw):
    """Write raw lines as the flow's source."""
    (office.folder / "sales.jsonl").write_bytes(b"".join(line + b"\n" for line in raw))


def line(n, **changes):
    """A good line, or one with changes."""
    return json.dumps(sale(n, **changes)).encode()


def test_no_records_at_all_is_done(office):
    """An empty file: nothing to do, exit 0."""
    office.open_for_business()
    lines(office)
    ended = office("run", "shop", "--json")
    assert (ended.code, ended.value["records"]) == (0, 0)
    assert "Proved" not in office("run", "shop").out


def test_good_records_are_posted_whatever_stands_beside_them(office):
    """Broken JSON, broken UTF-8, a wrong type, a list for an object, a contradiction: each named with its line."""
    office.open_for_business()
    lines(
        office, line(101), b'{"external_id": "order-102", ', b"\xff\xfe", line(103, lines="none"), b"[]",
        line(104), line(104, reference="other"), line(101),
    )  # fmt: skip
    ended = office("run", "shop", "--json")
    value = ended.value
    assert (ended.code, value["records"], value["posted"], value["unchanged"]) == (1, 8, 1, 1)
    assert value["rejected"] + value["held"] == 6
    problems = office("problems", "--json").value
    assert all(one["reason"] and one["remedy"] for one in problems)
    assert {"sales.jsonl:2", "sales.jsonl:3", "sales.jsonl:4", "sales.jsonl:5"} <= {one["source"] for one in problems}
    numbers = {one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]}
    assert ("order-101" in numbers, "order-104" in numbers) == (True, False)


def test_a_corrected_file_takes_the_problems_away(office):
    """They were bad rows of that file; the next whole read no longer has them."""
    office.open_for_business()
    lines(office, line(111), b"broken")
    assert office("run", "shop").code == 1
    lines(office, line(111))
    assert office("run", "shop").code == 0
    assert office("problems", "--json").value == []


def test_a_lost_database_is_recovered_from_the_marks(office):
    """As docs/howto/restore-and-recover.md says: adopted, not made again."""
    office.open_for_business()
    lines(office, line(121), line(122))
    assert office("run", "shop", "--json").value["posted"] == 2
    for file in office.folder.glob("counterfoil.db*"):
        file.unlink()
    office.connect()
    assert office("entities", "bind", "--yes").code == 0
    value = office("run", "shop", "--json").value
    assert (value["posted"], value["adopted"]) == (0, 2)
    numbers = [one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]]
    assert (numbers.count("order-121"), numbers.count("order-122")) == (1, 1)


def test_another_environment_is_refused_the_database(office):
    """A copy of everything may not post into the same ledgers."""
    office.open_for_business()
    (office.folder / "counterfoil.test.toml").write_text("[posting]\nbatch = 10\n")
    ended = office("--env", "test", "status")
    assert (ended.code, "is that of default, too" in ended.err) == (2, True)


def test_two_runs_at_once_end_as_one_would(office):
    """Two processes, one database, one ledger: each sale once."""
    office.open_for_business()
    lines(office, *[line(n) for n in range(200, 260)])
    processes = [office.start("run", "shop", "--json") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    numbers = [one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]]
    assert sorted(number for number in numbers if number.startswith("order-2")) == [
        f"order-{n}" for n in range(200, 260)
    ]


def test_an_office_elsewhere_knows_what_it_needs(tmp_path):
    """A folder without a sandbox: a run ends with 3, not with a traceback."""
    office = Office(tmp_path)
    office.write()
    office.key()
    lines(office, line(1))
    assert office("run", "shop").code == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[flows.shop]", '[flows.shop]\nevery = "0s"', "`every` is '0s', which cannot be read"),
        (
            "[flows.shop]",
            '[flows.shop]\ntimezone = "UTC"\nwindow = "25:00-26:00"',
            "`window` is '25:00-26:00', which cannot be read",
        ),
        ("[xero]", '[pacing]\nbulk_window = "25:00-26:00"\n[xero]', "[pacing] `bulk_window` cannot be read"),
    ],
)
def test_config_check_finds_what_serve_would_refuse(tmp_path, old, new, said):
    """Schedules and hours are read, too: a configuration that is called good is one that is taken."""
    text = '[xero]\nclient_id = "a"\n[flows.shop]\nkind = "sales_invoices"\nsource = { jsonl = "a.jsonl" }\n'
    (tmp_path / "counterfoil.toml").write_text(text.replace(old, new, 1))
    ended = Office(tmp_path)("config", "check")
    assert (ended.code, said in ended.err) == (2, True)
