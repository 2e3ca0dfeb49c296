"""What is tidied once a minute: each task says for itself whether it has something to do.

Called by periodic. A task is `async def tidy(books) -> None`: short, idempotent, safe in several processes at once.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from counterfoil.app import feeding, missed_answers, overdue, syncing, webhook_notices
from counterfoil.app import housekeeping as retention
from counterfoil.app.privacy import reopening
from counterfoil.store import notices

Task = Callable[[Any], Awaitable[None]]


async def forget_notices(books: Any) -> None:
    """Notices that were over long ago are dropped."""
    await books.database.run(lambda conn: notices.forget(conn, books.clock.now()))


async def drop_old(books: Any) -> None:
    """What [retention] lets go, an hour after the last pass."""
    await retention.tidy(books)


async def tell_overdue(books: Any) -> None:
    """What is owed after its due date is named, once in each organisation's day."""
    for entity in await syncing.kept(books):
        if await overdue.sweep(books, entity):
            await books.wake(feeding.WORK, feeding.EVERYBODY)


async def go_on_erasing(books: Any) -> None:
    """What a killed `privacy erase` or `purge` left undone is finished."""
    await reopening.again(books)


TASKS: Final[list[Task]] = [
    forget_notices, drop_old, webhook_notices.look, tell_overdue, missed_answers.settle, feeding.tell_losses,
    go_on_erasing,
]  # fmt: skip


async def tidy(books: Any) -> None:
    """Carry out every task, whatever becomes of the others; then raise what went wrong, of several as an ExceptionGroup."""
    wrong: list[Exception] = []
    for task in TASKS:
        try:
            await task(books)
        except Exception as error:  # noqa: BLE001 - raised below: one task must not keep the others from theirs
            wrong.append(error)
    if len(wrong) > 1:
        raise ExceptionGroup("several tasks of housekeeping failed", wrong)
    if wrong:
        raise wrong[0]
