"""A copied Postgres database is told from its original by its number in its cluster."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from counterfoil import errors, open_books, settings
from counterfoil.app import adopt_copy, environments
from tests.posting.workbench import Workbench
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def server_url(server: Any) -> sa.URL:
    """The server, with an empty database `original` and none called `copied`."""
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    for name in ("original", "copied"):
        _execute(url, f'DROP DATABASE IF EXISTS "{name}"')
    _execute(url, 'CREATE DATABASE "original"')
    return url


def _execute(url: sa.URL, text: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(text))
    engine.dispose()


async def _opened(path: Any) -> None:
    async with open_books(path):
        pass


def _store(url: sa.URL, name: str) -> str:
    return url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def test_a_copy_in_the_same_cluster(server_url: sa.URL, sandbox: SandboxProcess, tmp_path: Any) -> None:
    """Refused until somebody says that it took the original's place; the original is opened as before."""
    bench = Workbench(tmp_path, sandbox, store=_store(server_url, "original"))
    asyncio.run(bench.use(lambda books: books.standing()))
    asyncio.run(bench.use(lambda books: books.standing()))
    _execute(server_url, 'CREATE DATABASE "copied" TEMPLATE "original"')
    bench.store = _store(server_url, "copied")
    with pytest.raises(errors.CopiedDatabase, match="another Postgres database"):
        asyncio.run(_opened(bench.write_config()))
    adopted = asyncio.run(adopt_copy(bench.write_config(), None, moved=True))
    assert (adopted.moved, adopted.was) == (True, "default")
    asyncio.run(bench.use(lambda books: books.standing()))


def test_what_another_environment_has_bound(server_url: sa.URL, sandbox: SandboxProcess, tmp_path: Any) -> None:
    """A binding in the database of another environment is found there; one that cannot be reached is not asked."""
    bench = Workbench(tmp_path, sandbox, store=_store(server_url, "original"))
    asyncio.run(bench.use(lambda books: books.standing()))
    overlay = tmp_path / "counterfoil.test.toml"
    overlay.write_text('[store]\nurl = "sqlite:///test.db"\n[vault]\nmaster_key_file = "test.key"\n')
    books = _Asking(settings.load(bench.write_config(), "test"))
    with pytest.raises(errors.BoundElsewhere, match="acme-uk in environment default"):
        asyncio.run(environments.refuse_bound_elsewhere(books, "acme-uk", sandbox.tenant(1)))
    asyncio.run(environments.refuse_bound_elsewhere(books, "acme-uk", sandbox.tenant(4)))
    bench.store = "postgresql://nobody@127.0.0.1:9/none"
    books = _Asking(settings.load(bench.write_config(), "test"))
    asyncio.run(environments.refuse_bound_elsewhere(books, "acme-uk", sandbox.tenant(1)))


class _Asking:
    """As much of the books as the question needs."""

    def __init__(self, loaded: settings.Settings) -> None:
        self.settings = loaded
