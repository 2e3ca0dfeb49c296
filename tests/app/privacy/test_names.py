"""Erasing people whose names are hard to find: every file and every cell is looked at afterwards, escapes and compression undone."""

import asyncio
import gzip
import json
import re
import sqlite3
import unicodedata
import urllib.parse
import zlib
from contextlib import closing

import pytest

from counterfoil.app.privacy import erasing
from tests.app.privacy import planted
from tests.cli.office import Office
from tests.posting.workbench import sale

PEOPLE = {
    "a common word": ({"external_id": "cust-77", "name": "Account"}, [], "cust-77"),
    "one letter": ({"external_id": "cust-78", "name": "X"}, [], "cust-78"),
    "accents, looked for as others write them": (
        {"external_id": "cust-81", "name": unicodedata.normalize("NFD", "Zoë Ångström-Ñandú")},
        ["Ångström", "Ñandú"],
        unicodedata.normalize("NFC", "ZOË ÅNGSTRÖM-ÑANDÚ"),
    ),
    "several scripts": (
        {"external_id": "客户-82", "name": "Ольга Οδυσσέας 山田太郎", "email": "olga@xyzzy.example"},
        ["Ольга", "Οδυσσέας", "山田", "xyzzy"],
        "Ольга Οδυσσέας 山田太郎",
    ),
    "no spaces": ({"external_id": "cust-90", "name": "欧阳明"}, ["欧阳明"], "cust-90"),
    "capitals that are longer": ({"external_id": "cust-84", "name": "Straße İstanbul"}, ["Straße"], "cust-84"),
    "a plus sign": (
        {"external_id": "anna+shop@xyzzy.example", "name": "Anna Plus", "email": "anna+shop@xyzzy.example"},
        ["anna", "xyzzy"],
        "ANNA+SHOP@xyzzy.example",
    ),
    "refused, so that no contact was made": (
        {"external_id": "cust-91", "name": "Ängström", "email": "no address xyzzy"}, ["Ängström", "xyzzy"], "ängström",
    ),
}  # fmt: skip


def theirs(n, contact, **changes):
    """A sale to them; its own words count, too."""
    told = sale(n, contact=contact, reference=f"Sesquipedal {n}")
    told["lines"][0]["description"] = "Sesquipedal lesson"
    return told | changes


def folded(text):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def readings(raw):
    """Bytes as everything that somebody may read in them."""
    unpacked = [raw]
    for unpack in (zlib.decompress, gzip.decompress):
        try:
            unpacked.append(unpack(raw))
        except (zlib.error, OSError, EOFError):
            continue
    for one in unpacked:
        text = one.decode("utf-8", "replace")
        yield text
        if "\\u" in text:
            yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
        if b"%" in one and len(one) < 10_000:
            yield urllib.parse.unquote(text)


def cells(file):
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                for one in row:
                    if isinstance(one, str | bytes):
                        yield table, one if isinstance(one, bytes) else one.encode()


def left(bench, words):
    """Which words stand where: in any file of the folder but the source, and in any cell."""
    files = [
        one for one in bench.folder.rglob("*") if one.is_file() and one.name not in ("sales.jsonl", "counterfoil.toml")
    ]
    places = [(one.name, one.read_bytes()) for one in files]
    places += cells(bench.folder / "counterfoil.db")
    wanted = {folded(word): word for word in words}
    found = set()
    for place, raw in places:
        for text in map(folded, readings(raw)):
            found |= {(word, place) for key, word in wanted.items() if key in text}
    return found


def plant(bench, contact):
    """Their name in sentences, in both compositions, in capitals, in escapes, in an address, within words of another script."""
    name, email = contact["name"], contact.get("email", "none")
    told = [f"Ask {unicodedata.normalize(form, name).upper()} of it" for form in ("NFC", "NFD")]
    told += [f"he said {json.dumps({'a': name})}", urllib.parse.quote(f"https://x/?q={email}"), f"請{name}付款"]
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection, connection:
        for n, message in enumerate(told):
            connection.execute(
                "INSERT INTO notices (kind, subject, message, remedy, first_at, last_at, times, since) "
                "VALUES ('x', ?, ?, '', 0, 0, 1, 0)", (str(n), message)
            )  # fmt: skip
        record = json.dumps({"name": name, "note": f"for {name.lower()}, please"}).encode()
        connection.execute(
            "INSERT INTO bad_rows (flow, flow_id, source, content_hash, cause, reason, remedy, state, last_run_id, record) "
            "VALUES ('shop', 'shop', 's:1', 'h', 'c', 'r', 'm', 'open', 1, ?)", (record,)
        )  # fmt: skip


@pytest.mark.parametrize("case", list(PEOPLE))
def test_nothing_of_them_is_left_and_others_are_as_they_were(bench, case):
    """Found by how somebody else would write them; afterwards no byte tells of them, now or after Xero was read again."""
    contact, words, clue = PEOPLE[case]
    words = [*words, "Sesquipedal"]
    records = [sale(1), theirs(21, contact), theirs(22, contact, external_id=f"{contact['external_id']}/22")]
    made = bench.run(records).posted
    planted.synced(bench)
    plant(bench, contact)
    assert {word for word, _place in left(bench, words)} == set(words)
    asyncio.run(bench.use(lambda books: erasing.erase(books, clue, None)))
    assert left(bench, words) == set()
    again = bench.run(records)
    assert (again.posted, again.unchanged + again.held, len(bench.living())) == (0, 3, made)
    planted.synced(bench, full=True)
    assert left(bench, words) == set()
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection:
        (other,) = connection.execute("SELECT number FROM postings WHERE kind = 'contact' AND external_id = 'cust-1'")
        assert connection.execute(
            "SELECT count(*) FROM mirrored WHERE resource = 'Accounts' AND body LIKE '%\"Name\"%'"
        ) != (0,)
    assert "customer 1" in other[0]


@pytest.mark.parametrize("name", ["default", "2024", "Posted", "unchanged", "Invoice"])
def test_somebody_called_like_a_word_of_ours_breaks_nothing(bench, name):
    """The environment's name, a year in dates, a count's name: what is needed to open, count and read stays."""
    records = [sale(1), theirs(21, {"external_id": "cust-77", "name": name}), sale(2, expected_total="1.00")]
    assert (bench.run(records).posted, bench.run(records).rejected) == (2, 1)
    planted.synced(bench)
    bench.run([theirs(29, {"external_id": "cust-77", "name": name}, expected_total="1.00")])
    asyncio.run(bench.use(lambda books: erasing.erase(books, "cust-77", None)))
    assert left(bench, ["Sesquipedal"]) == set()
    office = Office(bench.folder)
    for words in (("status",), ("runs",), ("problems",), ("postings",), ("why", "order-1"), ("audit", "verify")):
        assert office(*words, "--json").code in (0, 1), words
    report = bench.run(records)
    assert (report.unchanged, report.posted, report.rejected) == (2, 0, 1)
