"""A firm that has run once on a sandbox, and its database put back before each test."""

import shutil
import sqlite3

import pytest

from tests import sandbox_process
from tests.cli.office import Office, sale


@pytest.fixture(scope="session")
def sandbox():
    """One sandbox for all; no limits."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture(scope="session")
def whole(tmp_path_factory, sandbox):
    """A connected, bound firm with two posted sales."""
    office = Office(tmp_path_factory.mktemp("firm"), sandbox).open_for_business()
    office.records(sale(1), sale(2))
    assert office("run", "shop").code == 0
    return office


@pytest.fixture
def firm(whole, tmp_path, sandbox):
    """A copy of the firm's folder that is this test's own; the sandbox's organisations as they were."""
    before = {n: sandbox.ready["organisations"][n - 1] for n in (1, 2)}
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    copied = Firm(tmp_path, sandbox)
    copied.sql("DELETE FROM meta WHERE key = 'home'")  # it lives here now, and is no copy of one elsewhere
    yield copied
    for n, one in before.items():
        sandbox.organisation(
            sandbox.tenant(n), name=one["name"], base_currency=one["base_currency"], period_lock_date=None
        )


class Firm(Office):
    """An office that is looked at."""

    def sql(self, text, *values):
        """What somebody, or time, did to the database."""
        with sqlite3.connect(self.folder / "counterfoil.db") as database:
            rows = database.execute(text, values).fetchall()
        database.close()
        return rows

    def dump(self):
        """Everything that the database holds."""
        with sqlite3.connect(self.folder / "counterfoil.db") as database:
            text = list(database.iterdump())
        database.close()
        return text

    def configure(self, old, new):
        """Change the configuration's text."""
        path = self.folder / "counterfoil.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def doctor(self, *words):
        """`counterfoil doctor --json`."""
        return self("doctor", "--json", *words)

    def found(self, check, *words):
        """(level, code, subject) of what a check found, and its exit code."""
        ended = self.doctor(*words)
        mine = [one for one in ended.value["checks"] if one["check"] == check]
        for one in mine:
            assert one["message"]
            assert one["level"] == "ok" or one["remedy"]
        assert ended.code == (0 if ended.value["ok"] else 1)
        return [(one["level"], one["code"], one["subject"]) for one in mine]
