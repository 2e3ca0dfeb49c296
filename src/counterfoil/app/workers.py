"""The worker that brings an entity's postings to their end, put together from what an installation has. Called by app."""

from collections.abc import Callable
from typing import Any

from counterfoil import errors
from counterfoil.app import needs, timetables, watching
from counterfoil.model.lanes import Lane
from counterfoil.posting import stranded
from counterfoil.posting.finishing import TenantWorker
from counterfoil.posting.looking import Looker
from counterfoil.posting.sending import Sender


async def of(books: Any, entity: str, progress: Callable[[str], None], usual: Lane) -> TenantWorker:
    """As `Books.worker` says."""
    waiting = await needs.waiting(books, entity)
    await watching.sure_of(books, entity)
    bound = await books.binding(entity)
    if bound.stopped is not None:
        raise errors.WrongLedger(bound.stopped, remedy=f"See `counterfoil entities verify {entity}`.")
    await stranded.settle(books.database, bound, books.rules)
    client = await books.client(entity)
    sender = Sender(
        books.database,
        books.rules,
        books.sentinel,
        books.owner,
        books.point,
        books.access.audit,
        lane=await timetables.lane(books, entity, usual),
        answered=books.own_answers.take,
    )
    looker = Looker(books.database, books.rules, books.catch_up, books.owner)
    return TenantWorker(
        books.database, client, books.rules, sender, looker, books.catch_up, books.owner, books.point, progress,
        lambda conn, now: timetables.closed(conn, books.timetables, entity, now), waiting,
    )  # fmt: skip
