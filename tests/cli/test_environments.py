"""Environments and copies: each has its own database and key; a copy does nothing until somebody says whose it is."""

import json
import os
import shutil
import socket
import sqlite3

import pytest

from tests.cli.office import Office, sale


@pytest.fixture
def business(office):
    """A connected, bound firm with one sale posted and one planned."""
    office.sandbox.post("/_sandbox/reset")
    office.next_day()
    office.open_for_business()
    office.records(sale(1))
    assert office("run", "shop").code == 0
    office.records(sale(1), sale(2))
    office.day_used_up()
    assert office("run", "shop", "--json").value["planned"] == 1
    office.next_day()
    return office


class Staged(Office):
    """The same folder, in environment `staging`."""

    def __init__(self, office):
        super().__init__(office.folder, office.sandbox)

    def __call__(self, *words):
        """As of an office, with `--env staging`."""
        return super().__call__("--env", "staging", *words)

    def start(self, *words, **how):
        """As of an office, with `--env staging`."""
        return super().start("--env", "staging", *words, **how)


def begun(office):
    """Environment `staging` of this office, with a database and a key of its own."""
    assert office("config", "environment", "staging").code == 0
    return Staged(office)


def copy(office, name):
    """A copy of the office's database beside it, whole."""
    with sqlite3.connect(office.folder / "counterfoil.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    shutil.copy(office.folder / "counterfoil.db", office.folder / name)


def refused(office, *words):
    """The code and the remedy of a command that is refused with exit 2, without a call to Xero."""
    before = len(office.sandbox.requests())
    ended = office(*words, "--json")
    assert (ended.code, len(office.sandbox.requests())) == (2, before)
    return ended.value["error"]["code"], ended.value["error"]["message"], ended.value["error"]["remedy"]


def numbers(office):
    """The numbers of the invoices of organisation 1."""
    return sorted(one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"])


def test_an_environment_of_its_own(business):
    """`config environment` gives it an overlay, a database and a key that only its owner reads; it starts empty."""
    staging = begun(business)
    assert (business.folder / "counterfoil-staging.key").stat().st_mode & 0o777 == 0o600
    assert staging("status", "--json").value["connected"] is False
    assert (staging("config", "check").code, staging("run", "shop").code) == (0, 3)
    assert (business.folder / "counterfoil-staging.db").exists()
    overlay = (business.folder / "counterfoil.staging.toml").read_text()
    assert begun(business)("config", "check").code == 0
    assert (business.folder / "counterfoil.staging.toml").read_text() == overlay


@pytest.mark.parametrize("name", ["default", "../x", ""])
def test_no_name_for_an_environment(business, name):
    """Nothing is written."""
    assert business("config", "environment", name).code == 2
    assert len(list(business.folder.glob("*.toml"))) == 1


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("", "the database of environment staging is that of default"),
        ('[store]\nurl = "sqlite:///./counterfoil.db"\n', "the database of environment staging is that of default"),
        ('[store]\nurl = "sqlite:///other.db"\n', "the master key of environment staging is that of default"),
        (
            '[store]\nurl = "sqlite:///other.db"\n[vault]\nmaster_key_file = "copied.key"\n',
            "the master key of environment staging is that of default",
        ),
    ],
)
def test_an_overlay_without_a_database_or_key_of_its_own(business, overlay, said):
    """Also when the key was only copied; the environment that has them works on."""
    shutil.copy(business.folder / "counterfoil.key", business.folder / "copied.key")
    (business.folder / "counterfoil.staging.toml").write_text(overlay)
    for words in (("status",), ("config", "check"), ("run", "shop"), ("config", "adopt-copy", "--yes")):
        code, message, remedy = refused(Staged(business), *words)
        assert (code, said in message, "counterfoil.staging.toml" in remedy) == ("configuration", True, True)
    assert business("finish", "--json").value["posted"] == 1


def test_two_overlays_that_share_a_database(business):
    """Environments are held against each other, not against the file alone."""
    begun(business)
    (business.folder / "counterfoil.test.toml").write_text(
        '[store]\nurl = "sqlite:///counterfoil-staging.db"\n[vault]\nmaster_key_file = "test.key"\n'
    )
    ended = business("--env", "test", "status", "--json")
    assert (ended.code, "is that of staging" in ended.value["error"]["message"]) == (2, True)


def test_a_production_copy_in_staging_touches_nothing(business):
    """No token is refreshed and no call made; it says whose it is and what to do, and adopted it is staging's own."""
    staging = begun(business)
    copy(business, "counterfoil-staging.db")
    for words in (("status",), ("run", "shop"), ("finish",), ("connections",), ("entities", "verify")):
        code, message, remedy = refused(staging, *words)
        assert (code, "environment default" in message, "config adopt-copy" in remedy) == (
            "other-environment",
            True,
            True,
        )
    assert refused(staging, "config", "adopt-copy", "--moved", "--yes")[0] == "input"
    unasked = staging("config", "adopt-copy", "--json")
    assert (unasked.code, "Nothing was done" in unasked.value["error"]["message"]) == (2, True)
    ended = staging("config", "adopt-copy", "--yes", "--json")
    assert (ended.code, ended.value["was"], ended.value["held"]) == (0, "default", 2)  # a sale and its customer
    assert staging("status", "--json").value["connected"] is False
    assert [one["tenant_id"] for one in staging("entities", "list", "--json").value] == [None, None]
    [problem] = staging("problems", "list", "--json").value
    assert (problem["external_id"], problem["cause"]) == ("order-2", "copied")
    assert staging("finish", "--json").value["posted"] == 0
    assert (business("finish", "--json").value["posted"], numbers(business)) == (1, ["order-1", "order-2"])


def test_an_adopted_copy_posts_into_its_own_organisation(business):
    """What production had on its way is never sent by it, not even on request."""
    staging = begun(business)
    copy(business, "counterfoil-staging.db")
    assert staging("config", "adopt-copy", "--yes").code == 0
    staging.connect()
    overlay = business.folder / "counterfoil.staging.toml"
    overlay.write_text(overlay.read_text() + '[entities.acme-uk]\norganisation = "Kōwhai Holdings Ltd"\n')
    name = business.sandbox.ready["organisations"][3]["name"]
    overlay.write_text(overlay.read_text().replace("Kōwhai Holdings Ltd", name))
    assert staging("entities", "bind", "acme-uk").code == 0
    [problem] = staging("problems", "list", "--json").value
    staging("problems", "retry", str(problem["problem"]))
    assert staging("finish", "--json").value["posted"] == 0
    business.records(sale(3, expected_total=None))
    assert staging("run", "shop", "--json").value["posted"] == 1
    assert len(business.sandbox.ledger(business.sandbox.tenant(4))["Invoices"]) == 1
    assert numbers(business) == ["order-1"]


def test_the_database_itself_is_no_copy(business):
    """Adopting it would cost its consents: refused, also under another environment's name."""
    assert refused(business, "config", "adopt-copy", "--yes")[0] == "input"
    assert refused(business, "config", "adopt-copy", "--moved", "--yes")[0] == "input"
    (business.folder / "counterfoil.staging.toml").write_text(
        '[store]\nurl = "${DATABASE}"\n[vault]\nmaster_key_file = "staging.key"\n'
    )
    url = f"sqlite:///{business.folder / 'counterfoil.db'}"
    ended = Staged(business).process("--env", "staging", "config", "adopt-copy", "--yes", env={"DATABASE": url})
    assert (ended.code, "no copy" in ended.err or "is that of default" in ended.err) == (2, True)
    assert business("finish", "--json").value["posted"] == 1


def test_a_copy_beside_its_original(business):
    """Same environment, other path: the copy is refused while the original is there, and the original works on."""
    copy(business, "second.db")
    other = elsewhere(business, "second.db")
    code, message, remedy = refused(other, "finish")
    assert (code, "counterfoil.db" in message, "--moved" in remedy) == ("copied-database", True, True)
    assert business("finish", "--json").value["posted"] == 1


def meta(office, name, key, change):
    """What a database remembers under a key, changed."""
    with sqlite3.connect(office.folder / name) as database:
        (kept,) = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        database.execute("UPDATE meta SET value = ? WHERE key = ?", (change(kept), key))
    database.close()


def test_a_copy_on_a_volume_that_gave_it_the_same_inode(business):
    """Two new volumes give the first file in each the same number: the copy is refused all the same."""
    copy(business, "second.db")
    inode = (business.folder / "second.db").stat().st_ino
    meta(business, "second.db", "home", lambda kept: json.dumps(json.loads(kept) | {"inode": inode, "device": 1}))
    assert refused(elsewhere(business, "second.db"), "finish")[0] == "copied-database"


@pytest.mark.parametrize(("key", "value"), [("home", "{"), ("home", "[]"), ("schema_version", "x")])
def test_a_database_that_says_nonsense_of_itself(business, key, value):
    """It is not opened, not taken for another's, and nothing is overwritten."""
    meta(business, "counterfoil.db", key, lambda _kept: value)
    for words in (["status"], ["finish"], ["connections"]):
        assert refused(business, *words)[0] == "store"
    assert business("doctor", "--offline", "--json").code == 1


def elsewhere(office, name):
    """An office whose database is that file."""
    path = office.folder / "counterfoil.toml"
    (office.folder / "second.toml").write_text(path.read_text() + f'[store]\nurl = "sqlite:///{name}"\n')

    class Second(Office):
        def __call__(self, *words):
            return super().__call__("--config", "second.toml", *words)

    return Second(office.folder, office.sandbox)


def test_a_database_that_was_moved(business):
    """Renamed, or copied and the original deleted: it is the only one, and goes on."""
    copy(business, "second.db")
    for file in business.folder.glob("counterfoil.db*"):
        file.unlink()
    other = elsewhere(business, "second.db")
    assert (other("finish", "--json").value["posted"], numbers(business)) == (1, ["order-1", "order-2"])
    os.rename(business.folder / "second.db", business.folder / "third.db")  # noqa: PTH104 - the plain rename of a person
    assert elsewhere(business, "third.db")("status").code == 0


def test_a_copy_on_another_machine(business, monkeypatch):
    """Nobody can see from here whether the original is at work: refused until a person says that it is not."""
    copy(business, "second.db")
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    other = elsewhere(business, "second.db")
    assert refused(other, "finish")[0] == "copied-database"
    assert other("config", "adopt-copy", "--moved", "--yes", "--json").value["moved"] is True
    assert (other("finish", "--json").value["posted"], numbers(business)) == (1, ["order-1", "order-2"])


def test_another_host_name_of_the_same_file(business, monkeypatch):
    """A container that is started anew has another name and the same volume."""
    monkeypatch.setattr(socket, "gethostname", lambda: "c0ffee")
    assert business("finish", "--json").value["posted"] == 1


def test_a_restore_in_its_place(business):
    """An old copy put where it was is the database again: it recovers, and nothing is posted twice."""
    copy(business, "kept.db")
    assert business("finish", "--json").value["posted"] == 1
    for file in business.folder.glob("counterfoil.db-*"):
        file.unlink()
    shutil.copy(business.folder / "kept.db", business.folder / "counterfoil.db")
    assert (business("finish").code, numbers(business)) == (0, ["order-1", "order-2"])
