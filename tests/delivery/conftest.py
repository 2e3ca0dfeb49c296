"""An installation without books: a database with notices, targets of a configuration, and a courier between them."""

import datetime

import pytest

from counterfoil import settings
from counterfoil.delivery.notifying import Courier
from counterfoil.store import notices
from counterfoil.store.database import Database
from tests.delivery.certificates import certificate, trusted
from tests.delivery.receivers import Hook, Post

__all__ = ["certificate", "trusted"]
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


class Clock:
    """A clock that stands until it is moved; what is elapsed goes on."""

    def __init__(self):
        self.at = NOON
        self.s = 0.0

    def now(self):
        """Noon, until it is moved."""
        return self.at

    def elapsed_s(self):
        """Nothing passes by itself."""
        return self.s

    async def sleep(self, seconds):
        """Moves it."""
        self.pass_(seconds)

    def pass_(self, seconds):
        """Let time go by."""
        self.at += datetime.timedelta(seconds=seconds)


class Desk:
    """Tells, ends and sends; `courier(…)` makes another process's."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.database = Database(f"sqlite:///{folder / 'counterfoil.db'}", clock)

    def configure(self, *tables):
        """Targets of these [[notify]] tables."""
        path = self.folder / "counterfoil.toml"
        path.write_text('[xero]\nclient_id = "abc"\n' + "".join(tables))
        self.tables = settings.load(path, None, {}).notify
        return self

    def courier(self, owner="here", point=lambda _name: None):
        """A process's courier."""
        return Courier(self.database, self.tables, owner=owner, environment="default", folder=self.folder, point=point)

    async def tell(self, kind="reconnect", subject="grant-1", message="Xero no longer accepts the consent.", **more):
        """A cause stands; → whether that is news."""
        said = {"remedy": "Run `counterfoil connect`.", "now": self.clock.now()} | more
        return await self.database.run(lambda conn: notices.tell(conn, kind, subject, message=message, **said))

    async def over(self, kind="reconnect", subject="grant-1"):
        """It is gone."""
        return await self.database.run(lambda conn: notices.over(conn, kind, subject, now=self.clock.now()))

    async def send(self, owner="here"):
        """A round; → how many were taken."""
        return await self.courier(owner).send_due()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def desk(tmp_path, clock):
    found = Desk(tmp_path, clock)
    await found.database.open()
    yield found
    await found.database.close()


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def post():
    found = Post()
    yield found
    found.close()
