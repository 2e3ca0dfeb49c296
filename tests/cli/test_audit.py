"""`counterfoil audit`: listed, verified to its heads, exported; on a firm that has run once."""

import csv
import io
import json
import sqlite3

import pytest

from tests.cli.office import Office, sale

TABLES = ("audit", "audit_heads", "bindings", "requests")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, sandbox):
    """A connected, bound firm with three posted sales."""
    office = Office(tmp_path_factory.mktemp("firm"), sandbox).open_for_business()
    office.records(*(sale(n) for n in range(3)))
    assert office("run", "shop").code == 0
    return office


@pytest.fixture
def firm(whole):
    """The same; what was done to these tables is undone after."""
    path = whole.folder / "counterfoil.db"
    with sqlite3.connect(path) as database:
        kept = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
    database.close()
    yield whole
    with sqlite3.connect(path) as database:
        for name, rows in kept.items():
            database.execute(f"DELETE FROM {name}")
            database.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(rows[0]))})", rows)
    database.close()


def tamper(firm, text):
    """Somebody with the database file."""
    with sqlite3.connect(firm.folder / "counterfoil.db") as database:
        database.execute(text)
    database.close()


def test_the_list_shows_who_did_what(firm):
    """Newest first; filters and a bound hold, and no name is in it."""
    found = firm("audit", "--json").value
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    assert {one["act"] for one in found} == {"consented", "bound", "write", "write ended"}
    assert set(found[0]) == {"entity", "seq", "at", "actor", "act", "data", "previous", "hash"}
    writes = firm("audit", "list", "--json", "--entity", "acme-uk", "--act", "write", "--most", "1").value
    assert [(one["entity"], one["act"], one["data"]["count"]) for one in writes] == [("acme-uk", "write", 3)]
    assert firm("audit", "list", "--json", "--actor", "nobody@here").value == []
    assert firm("audit", "list", "--json", "--until", found[-1]["at"]).value == []
    assert len(firm("audit", "list", "--json", "--since", found[-1]["at"][:10]).value) == len(found)
    text = firm("audit").out
    assert "acme-uk" in text
    for name in ("Customer", "Fernhill", "order-1", "12.00"):
        assert name not in text + json.dumps(found)


def test_whole_chains_verify_and_print_their_heads(firm):
    """Exit 0, one head per entity; `status` and `prove` print the same ones."""
    value = firm("audit", "verify", "--json").value
    assert value["ok"] is True
    heads = {one["entity"]: one["head"] for one in value["chains"]}
    assert set(heads) == {"", "acme-au", "acme-uk"}
    text = firm("audit", "verify").out
    assert all(head in text for head in heads.values())
    assert {one["entity"]: one["head"] for one in firm("status", "--json").value["audit"]} == heads
    assert heads["acme-uk"][:16] in firm("status").out
    assert firm("prove", "shop", "--json").value["audit"][0]["head"] == heads["acme-uk"]
    assert heads["acme-uk"] in firm("prove", "shop").out


@pytest.mark.parametrize(
    ("change", "entity", "at"),
    [
        ("UPDATE audit SET actor = 'x@y' WHERE entity = 'acme-uk' AND seq = 2", "acme-uk", 2),
        ("DELETE FROM audit WHERE entity = 'acme-uk' AND seq = 1", "acme-uk", 1),
        ("DELETE FROM audit WHERE entity = 'acme-uk' AND seq = 5", "acme-uk", 5),
        ("DELETE FROM audit WHERE entity = 'acme-au'", "acme-au", 1),
        ("UPDATE audit SET actor = CAST(x'ff41' AS TEXT) WHERE entity = '' AND seq = 1", "", 1),
    ],
    ids=["changed", "first", "last", "all", "no text"],
)
def test_a_broken_chain_is_exit_1_and_named(firm, change, entity, at):
    """With its first wrong entry; the other chains are whole, and listing and exporting still work."""
    tamper(firm, change)
    ended = firm("audit", "verify", "--json")
    broken = [(one["entity"], one["broken_at"]) for one in ended.value["chains"] if not one["ok"]]
    assert (ended.code, ended.value["ok"], broken) == (1, False, [(entity, at)])
    assert "BROKEN" in firm("audit", "verify").out
    assert firm("audit").code == 0
    assert firm("audit", "export", "--jsonl", "-").code == 0


def test_a_database_that_was_put_back_lacks_a_head(firm):
    """Given as a hash, with its entity, cut to 16 digits, or in a file of any form that we write."""
    verified = firm("audit", "verify", "--json")
    (firm.folder / "heads.json").write_text(verified.out)
    head = next(one["head"] for one in verified.value["chains"] if one["entity"] == "acme-uk")
    assert firm("audit", "export", "--jsonl", "all.jsonl", "--json").value["entries"] > 5
    (firm.folder / "heads.txt").write_text(f"acme-uk={head}\n\n{head}\n")
    ways = [head, head[:16], f"acme-uk={head}", "heads.json", "heads.txt", "all.jsonl"]
    for way in ways:
        assert firm("audit", "verify", "--head", way).code == 0
    with sqlite3.connect(firm.folder / "counterfoil.db") as database:
        database.execute("DELETE FROM audit WHERE entity = 'acme-uk'")
        database.execute("DELETE FROM audit_heads WHERE entity = 'acme-uk'")
        database.execute("DELETE FROM requests")
        database.execute("DELETE FROM bindings WHERE entity = 'acme-uk'")
    database.close()
    assert firm("audit", "verify").code == 0
    for way in ways:
        ended = firm("audit", "verify", "--head", way)
        assert ended.code == 1
        assert head[:16] in ended.out


@pytest.mark.parametrize("words", [["--head", "nonsense"], ["--head", "acme-uk=12"], ["--head", "counterfoil.toml"]])
def test_what_is_no_head_is_told(firm, words):
    """Exit 2 with what a head looks like."""
    assert firm("audit", "verify", *words).code == 2


def test_exports_hold_every_entry(firm):
    """CSV and JSON Lines say the same, into a file or to stdout, each chain in its order."""
    listed = firm("audit", "list", "--json").value
    lines = [json.loads(line) for line in firm("audit", "export", "--jsonl", "-").out.splitlines()]
    assert sorted(lines, key=lambda one: (one["entity"], one["seq"])) == lines
    assert {one["hash"] for one in lines} == {one["hash"] for one in listed}
    assert firm("audit", "export", "--csv", "audit.csv").code == 0
    table = list(csv.DictReader(io.StringIO((firm.folder / "audit.csv").read_text())))
    assert [(one["entity"], int(one["seq"]), json.loads(one["data"])) for one in table] == [
        (one["entity"], one["seq"], one["data"]) for one in lines
    ]
    assert firm("audit", "export", "--entity", "acme-uk", "--act", "write", "--csv", "-").out.count("\n") == 3


@pytest.mark.parametrize(
    "words",
    [
        ["export"],
        ["export", "--csv", "a", "--jsonl", "b"],
        ["export", "--csv", "-", "--json"],
        ["export", "--csv", "nowhere/a.csv"],
        ["list", "--since", "yesterday"],
        ["list", "--most", "0"],
        ["list", "--most", "10001"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_exit_2(firm, words):
    """And leaves no file behind."""
    before = sorted(firm.folder.iterdir())
    assert firm("audit", *words).code == 2
    assert sorted(firm.folder.iterdir()) == before


def test_verifying_without_the_key_says_so(firm):
    """Listing and exporting need none."""
    key = firm.folder / "counterfoil.key"
    kept = key.rename(firm.folder / "kept.key")
    try:
        assert firm("audit", "verify").code == 2
        assert firm("audit").code == 0
        assert firm("audit", "export", "--csv", "-").code == 0
    finally:
        kept.rename(key)


def test_a_plan_that_is_carried_out_is_an_approval(firm):
    """By its hash; a run like any other is none."""
    firm.records(*(sale(n) for n in range(4)))
    plan = firm("plan", "shop", "--out", "plan.json", "--json").value["hash"]
    assert firm("run", "shop", "--plan", "plan.json").code == 0
    assert firm("run", "shop", "--yes").code == 0
    found = firm("audit", "list", "--act", "run approved", "--json").value
    assert [one["data"]["plan"] for one in found] == [plan]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_heads SET entity = CAST(x'ff41' AS TEXT) WHERE entity = 'acme-uk'",
        "UPDATE audit_heads SET entity = x'ff41' WHERE entity = 'acme-uk'",
        "UPDATE audit_heads SET seq = 'x' WHERE entity = 'acme-uk'",
        "UPDATE audit_heads SET seq = 1.5, hash = x'00' WHERE entity = 'acme-uk'",
        "UPDATE audit_heads SET hash = CAST(x'ff' AS TEXT) WHERE entity = 'acme-uk'",
        "UPDATE audit SET entity = CAST(x'ff41' AS TEXT) WHERE entity = 'acme-uk'",
        "UPDATE audit SET entity = x'ff41' WHERE entity = 'acme-uk'",
        "UPDATE audit SET entity = char(27) || '[31m' WHERE entity = 'acme-uk'",
        "UPDATE audit SET seq = 'x' WHERE entity = 'acme-uk' AND seq = 1",
        "UPDATE audit SET actor = CAST(x'ff' AS TEXT) || char(27, 10, 8238), data = x'ff00' WHERE entity = 'acme-uk'",
    ],
)
def test_whatever_was_made_of_the_log_is_told_and_not_obeyed(firm, change):
    """Bytes that are no text, numbers that are none, escapes: verifying finds them, and every command still ends well."""
    tamper(firm, change)
    ended = firm("audit", "verify", "--json")
    broken = [one["entity"] for one in ended.value["chains"] if not one["ok"]]
    assert (ended.code, ended.value["ok"], bool(broken)) == (1, False, True)
    for words in (["audit"], ["audit", "verify"], ["status"], ["doctor", "--offline"]):
        assert firm(*words, "--json").value is not None
        shown = firm(*words)
        assert [one for one in shown.out + shown.err if not one.isprintable() and one != "\n"] == []
    rows = firm("audit", "export", "--jsonl", "-").out.splitlines()
    assert len(rows) == firm("audit", "export", "--csv", "all.csv", "--json").value["entries"] > 5
