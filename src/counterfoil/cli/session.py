"""One command's surroundings: its global options, its screen, and the books, opened when it needs them.

Called by every command: `session = of(context)`. Opening the books imports the whole product, so nothing here does so
until a command asks.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from counterfoil import errors
from counterfoil.cli.screen import Screen
from counterfoil.cli.switches import Switches

if TYPE_CHECKING:
    from counterfoil.app import Books

T = TypeVar("T")


class Session:
    """What a command knows of the world. `bare`: nothing was typed at all."""

    def __init__(self, switches: Switches, *, bare: bool = False) -> None:
        self.switches = switches
        self.bare = bare
        self.screen = Screen(json=switches.json)

    @property
    def json(self) -> bool:
        """True when one JSON value is wanted."""
        return self.switches.json

    @property
    def config(self) -> Path:
        """The configuration's file."""
        return Path(self.switches.config)

    def books(self, work: "Callable[[Books], Awaitable[T]]", *, alone: bool = False) -> T:
        """Open the books, do the work, tell who wants to be told, close them.

        `alone`: of work that ends by itself and answers nobody meanwhile. Raises what the work raises,
        ConfigurationError, StoreError.
        """
        from counterfoil.app import open_books

        gc.freeze()  # what was imported stays

        async def opened() -> T:
            async with open_books(self.config, self.switches.env, alone=alone) as books:
                try:
                    result = await work(books)
                except errors.CounterfoilError:
                    await self._tell(books)
                    raise
                await self._tell(books)
                return result

        return asyncio.run(opened())

    async def _tell(self, books: "Books") -> None:
        """What this command found may be news to somebody; how that goes is no matter of the command's own ending."""
        try:
            await books.notifying.tell()
        except errors.CounterfoilError as problem:
            self.screen.note(f"Nobody could be notified now: {problem.message}")


def of(context: typer.Context) -> Session:
    """The session of a command's context."""
    session: Any = context.find_root().obj
    assert isinstance(session, Session)
    return session


def app() -> typer.Typer:
    """A command's Typer app: help pages without rich, no shell completion, our own endings."""
    return typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        epilog="Options of every command: --config FILE, --env NAME, --json. See `counterfoil --help`.",
    )
