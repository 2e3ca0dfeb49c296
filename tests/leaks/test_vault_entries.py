"""A stored consent with one altered byte is noticed, whichever byte it is, and nothing of it is used or shown."""

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.app import open_books
from tests import sandbox_process
from tests.cli.office import Office


@pytest.fixture(scope="module")
def sandbox():
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture(scope="module")
def office(tmp_path_factory, sandbox):
    """A firm with a consent in its vault."""
    found = Office(tmp_path_factory.mktemp("firm"), sandbox)
    return found.open_for_business()


def entry(office):
    """(grant, its sealed token set) as the database has them."""
    database = sqlite3.connect(office.folder / "counterfoil.db")
    (found,) = database.execute("SELECT id, secret FROM grants").fetchall()
    database.close()
    return found


@given(flip=st.integers(1, 255))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_byte_of_an_entry_is_guarded(office, flip):
    """Every position, changed by any value: it does not open, and the error holds nothing of it."""
    grant, sealed = entry(office)
    opened = []
    async with open_books(office.folder / "counterfoil.toml") as books:
        vault = books.access.vault
        assert b"refresh_token" in vault.open(sealed, "grant", grant)
        for at in range(len(sealed)):
            altered = bytearray(sealed)
            altered[at] ^= flip
            try:
                vault.open(bytes(altered), "grant", grant)
            except errors.MasterKeyError as refused:
                assert refused.__cause__ is None  # noqa: PT017 - each of thousands is looked at
            else:
                opened.append(at)
    assert opened == []


@given(cut=st.integers(0, 400), more=st.binary(min_size=1, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_neither_less_nor_more_opens(office, cut, more):
    """A beginning of an entry, or an entry with something behind it, is damaged."""
    grant, sealed = entry(office)
    async with open_books(office.folder / "counterfoil.toml") as books:
        for changed in (sealed[: min(cut, len(sealed) - 1)], sealed + more):
            with pytest.raises(errors.MasterKeyError):
                books.access.vault.open(changed, "grant", grant)


def test_a_command_says_what_to_do(tmp_path, sandbox):
    """With an altered byte in the database every command that needs the consent ends with 2 and the remedy."""
    office = Office(tmp_path, sandbox).open_for_business()
    _grant, sealed = entry(office)
    database = sqlite3.connect(office.folder / "counterfoil.db")
    database.execute("UPDATE grants SET secret = ?", (sealed[:-1] + bytes([sealed[-1] ^ 1]),))
    database.commit()
    database.close()
    ended = office("entities", "verify", "--json")
    assert ended.code == 2
    assert ended.value["error"]["code"] == "master-key"
    assert "connect" in ended.value["error"]["remedy"]
