"""The progress bar of a run: on stderr, and only where stderr is a terminal and nobody asked for JSON.

Called by run, finish, demo, sync and privacy. rich is imported here and nowhere else, because it costs 0.1 s.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator

from counterfoil.app.running import Stage

_WORDS = {"reading": "Reading", "posting": "Posting", "verifying": "Verifying"}


@contextlib.contextmanager
def bar(*, json: bool) -> Iterator[Callable[[Stage], None]]:
    """Yields what takes the stages of a run; shows them, or nothing."""
    if json or not sys.stderr.isatty():
        yield lambda _stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    words, waiting = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[waiting]}"))
    columns = words, BarColumn(), TaskProgressColumn(), waiting
    with Progress(*columns, console=console, transient=True) as shown:
        tasks = {}

        def take(stage: Stage) -> None:
            if stage.name not in tasks:
                tasks[stage.name] = shown.add_task(_WORDS[stage.name], total=stage.total or None, waiting="")
            shown.update(tasks[stage.name], completed=stage.done, total=stage.total or None, waiting=stage.waiting)

        yield take


@contextlib.contextmanager
def counter(*, json: bool) -> Iterator[Callable[[str, str, int], None]]:
    """Yields what takes (entity, resource, rows that came) of a sync; shows how many there were, or nothing."""
    if json or not sys.stderr.isatty():
        yield lambda _entity, _resource, _rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False)
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("Reading")
        counts: dict[tuple[str, str], int] = {}

        def take(entity: str, resource: str, rows: int) -> None:
            counts[entity, resource] = counts.get((entity, resource), 0) + rows
            shown.update(task, description=f"Reading {entity}, {resource}: {counts[entity, resource]:,}")

        yield take


@contextlib.contextmanager
def files(what: str, *, json: bool) -> Iterator[Callable[[int, int], None]]:
    """Yields what takes (files done, files in all); shows how far it is, or nothing."""
    if json or not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)
