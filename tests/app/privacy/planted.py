"""A person whose every word is one that stands nowhere else, in a shop's history; and a look for the words in all files."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from counterfoil.app import syncing
from counterfoil.model import kept_answer
from tests.posting.workbench import Workbench, sale

EMAIL = "zelda.quixotl@xyzzyplugh.example"
NAME = "Zelda Quixotl"
CONTACT = {
    "external_id": EMAIL,
    "name": NAME,
    "email": EMAIL,
    "first_name": "Zelda",
    "last_name": "Quixotl",
    "phone": "+44 7911 987651",
    "tax_number": "GBZZ918273645",
    "account_number": "ACQXZ771",
    "street_address": {
        "line1": "77 Frobozz Crescent",
        "city": "Grueville",
        "region": "Quendor",
        "postal_code": "ZQ9 7XX",
    },
}
WORDS = (
    "zelda", "quixotl", "xyzzyplugh", "7911 987651", "GBZZ918273645", "ACQXZ771", "Frobozz", "Grueville", "Quendor",
    "ZQ9 7XX", "harpsichord", "Mumblecore",
)  # fmt: skip


def theirs(n: int, **changes: Any) -> dict[str, Any]:
    """A sale to the person, whose lines and reference tell of them."""
    told = sale(n, contact=CONTACT, reference=f"Mumblecore {n}", **changes)
    told["lines"][0]["description"] = "harpsichord lesson for Zelda"
    return told


def history() -> list[dict[str, Any]]:
    """Sales to many, two of them to the person; one of theirs is paid, one carries their name as its number."""
    paid = {"date": "2026-11-03", "amount": "25.20", "account_code": "090", "reference": "Mumblecore"}
    named = theirs(22, external_id=f"{EMAIL}/22", number="QUIXOTL-22")
    return [*(sale(n) for n in range(4)), theirs(21, payments=[paid]), named]


def synced(bench: Workbench, *, full: bool = False) -> Any:
    """The copy of the first organisation, brought up to date."""
    return asyncio.run(bench.use(lambda books: syncing.sync(books, "acme-uk", None, full=full)))


def answers(file: Path) -> list[bytes]:
    """What Xero answered: kept compressed, so that a look at the file's bytes sees nothing of it."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        kept = connection.execute("SELECT answer FROM attempts WHERE answer IS NOT NULL").fetchall()
    return [kept_answer.unpack(one[0]) for one in kept]


def found(bench: Workbench) -> set[str]:
    """Which of the words stand in which file of the installation, but what a person made."""
    told = set()
    for file in bench.folder.iterdir():
        if file.name == "sales.jsonl" or file.name.startswith("privacy-") or not file.is_file():
            continue
        content = file.read_bytes().lower()
        content += b"".join(one.lower() for one in answers(file)) if file.name == "counterfoil.db" else b""
        told |= {f"{word} in {file.name}" for word in WORDS if word.lower().encode() in content}
    return told
