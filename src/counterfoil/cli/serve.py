"""`counterfoil serve [--dry-run]`: the service, until SIGTERM or Ctrl-C; and what `worker` shares with it."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Literal

import typer

from counterfoil.cli import service_lines, session, table

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.serving import Serving, Summary
    from counterfoil.app.serving.foresight import Foreseen
    from counterfoil.app.serving.shift import Told
    from counterfoil.cli.screen import Screen

app = session.app()
log = logging.getLogger("counterfoil.serving")
CATCH_UP = "catch_up"  # the work that keeps a part of the mirror
SOURCES = {
    "same": "its source is as it was, nothing to do",
    "new": "its source is another one than last time",
    "growing": "its source is being written",
    "missing": "its source is not there",
}


@app.command()
def serve(
    context: typer.Context,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the schedules and what would run now; then end."),
) -> None:
    """Run flows by their schedules, finish postings, keep consents fresh, tell people: until it is stopped."""
    now = session.of(context)
    if dry_run:
        _foresee(now)
        return
    summary = asyncio.run(keep(now, "serve"))
    now.screen.value(summary)
    show_end(now.screen, summary)


def _foresee(now: session.Session) -> None:
    from counterfoil.app.serving import foresight

    found = now.books(foresight.foresee)
    now.screen.value(found)
    service_lines.schedules(now.screen, [one.schedule for one in found.flows])
    now.screen.line()
    for one in found.flows:
        now.screen.line(f"{one.schedule.flow}: {SOURCES[one.source]}{_planned(one)}")
    for entity in found.open:
        now.screen.line(f"{entity}: open postings would be finished")
    now.screen.next("counterfoil serve")


def _planned(one: "Foreseen") -> str:
    counts = "" if one.plan is None else "; " + ", ".join(f"{n:,} {name}" for name, n in one.plan.items() if n)
    return counts + (f"; {table.harmless(one.why)}" if one.why else "")


async def keep(now: session.Session, kind: 'Literal["serve", "worker"]') -> "Summary":
    """One process of the service, from its start to its stop."""
    from counterfoil.app import open_books
    from counterfoil.app.serving import Serving
    from counterfoil.service import logs

    gc.freeze()  # what was imported stays
    async with open_books(now.config, now.switches.env) as books:
        serving = Serving(books, _tell, kind=kind, taken=logs.follow)
        stopping = asyncio.Event()
        with _signals(stopping, serving):
            beside = _logged(books) if kind == "worker" else _door(now, books, serving)
            return await serving.run(stopping, beside)


@contextlib.contextmanager
def _signals(stopping: asyncio.Event, serving: "Serving") -> Iterator[None]:
    """SIGTERM and Ctrl-C ask for the end; a second Ctrl-C interrupts as in every command. SIGHUP: the file."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, serving.reload)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _door(now: session.Session, books: "Books", serving: "Serving") -> AsyncIterator[None]:
    """The HTTP door beside the work; what happens is logged meanwhile."""
    from counterfoil import service

    host, port = service.address(books.settings.service.listen)

    async def wake(key: str) -> None:
        await serving.wake(CATCH_UP, key)

    async with service.open_door(books, host=host, port=port, health=serving.health, wake=wake) as door:
        await _show_start(now.screen, books)
        now.screen.line(f"Listening on {door.url}")
        yield


@contextlib.asynccontextmanager
async def _logged(books: "Books") -> AsyncIterator[None]:
    """A worker listens to nobody; what happens is logged all the same."""
    from counterfoil.service import logs

    with logs.kept(books.settings):
        yield


async def _show_start(screen: "Screen", books: "Books") -> None:
    from counterfoil.app.serving.flow_runs import overview

    found = await overview(books)
    service_lines.schedules(screen, found)
    if not found:
        screen.line("No flow has a schedule (`every` or `cron`): open postings are finished as they turn up.")


def _tell(told: "Told") -> None:
    """One line of the log."""
    log.log(logging.WARNING if told.bad else logging.INFO, told.said, extra={"work": told.what, "key": told.key})


def show_end(screen: "Screen", summary: "Summary") -> None:
    """The last line."""
    ran = summary.stopped - summary.started
    calls = table.count(summary.api_calls, "call")
    screen.line(
        f"Stopped after {ran.total_seconds():,.0f} s, {calls} to Xero; nothing is lost, start it again at any time."
    )
