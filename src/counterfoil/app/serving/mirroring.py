"""The copy of each ledger is kept up: what is due of an entity is caught up, and once a week everything is walked through.

Called by serving as the work "mirror"; one piece is one entity. When each resource is due says mirror/polling. First loads and
walks go in the lane for bulk, which waits for its hours; the rest in "sync". What Xero refuses now is asked again when it
says so; a failed read moves no cursor.
"""

import datetime
from collections.abc import Sequence
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.app import syncing, watching
from counterfoil.app.serving import delivering
from counterfoil.app.serving.shift import Shift
from counterfoil.model.lanes import Lane
from counterfoil.runtime.port import Due, Work

KIND: Final = "mirror"
PIECE_S: Final = 240.0  # one turn of an entity; then it comes again
BOUND_S: Final = 600.0
OFFLINE_S: Final = 300.0
PERSON_S: Final = 900.0  # somebody has to connect or bind anew


class _Piece(msgspec.Struct, frozen=True):
    """One resource that is due."""

    name: str
    how: syncing.How
    lane: Lane


def work(shift: Shift) -> Work:
    """The work "mirror"."""
    return Work(KIND, Keeping(shift).handle, Keeping(shift).find, bound_s=BOUND_S)


class Keeping:
    """Keeps entities' mirrors."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books

    async def find(self) -> Sequence[Due]:
        """Every entity of which something is kept, and until when nothing of it is due."""
        if not self._shift.plans:
            return ()
        waiting = await self._shift.waiting(KIND)
        now = self._shift.now()
        still = {key: wait.until for key, wait in waiting.items() if wait.since <= now < wait.until}
        return [Due(entity, still.get(entity)) for entity in await syncing.kept(self._books)]

    async def handle(self, entity: str) -> datetime.datetime | None:
        """One turn of an entity; → when to come again, None: nothing of it is kept."""
        names = (await syncing.kept(self._books)).get(entity)
        if names is None:
            return None
        until = self._shift.now() + datetime.timedelta(seconds=PIECE_S)
        later: list[datetime.datetime] = []  # of what cannot be done now
        skipped = set()
        try:
            for piece in await self._pieces(entity, names):
                if self._shift.rest.is_set() or self._shift.now() >= until:
                    return self._shift.now()
                again = await self._piece(entity, piece)
                if again is not None:
                    later.append(again)
                    skipped.add(piece.name)
        except (errors.RunAgain, errors.Reconnect) as error:
            return await put_off(self._shift, KIND, entity, entity, error)
        due = await syncing.due(self._books, entity, names, self._shift.now())
        soonest = min([at for name, at in due.items() if name not in skipped] + later)
        return await self._shift.waits_until(KIND, entity, soonest)

    async def _pieces(self, entity: str, names: Sequence[str]) -> list[_Piece]:
        """What is due now: known resources, then first loads, then walks, which may wait for their hours."""
        now = self._shift.now()
        due = await syncing.due(self._books, entity, names, now)
        new = await syncing.unread(self._books, entity, names)
        ready = [name for name, at in due.items() if at <= now]
        walks = await syncing.walks_due(self._books, entity, names, now)
        return [
            *(_Piece(name, "catch_up", "sync") for name in ready if name not in new),
            *(_Piece(name, "catch_up", "bulk") for name in ready if name in new),
            *(_Piece(name, "walk", "bulk") for name in walks),
        ]

    async def _piece(self, entity: str, piece: _Piece) -> datetime.datetime | None:
        """Do one; → when to try it again where it waits for its hours or for a scope."""
        try:
            caught = await syncing.catch_up(self._books, entity, piece.name, how=piece.how, lane=piece.lane)
        except (errors.MissingScope, errors.WindowClosed) as error:
            self._shift.say(KIND, entity, f"{piece.name}: {error}", bad=isinstance(error, errors.MissingScope))
            until = error.until if isinstance(error, errors.WindowClosed) else None
            return until or self._shift.now() + datetime.timedelta(seconds=PERSON_S)
        if caught.changed:
            self._shift.say(KIND, entity, f"{piece.name}: {caught.changed} changed")
            await delivering.wake(self._shift)
        return None


async def put_off(shift: Shift, kind: str, key: str, entity: str, error: errors.CounterfoilError) -> datetime.datetime:
    """When what stopped an entity is probably over. What nobody can say is raised, and tried again later each time."""
    if isinstance(error, errors.NotConnected):
        error = await watching.after_403(shift.books, entity, error)
    now = shift.now()
    match error:
        case errors.RunAgain() if error.retry_after_s is not None:
            again = now + datetime.timedelta(seconds=error.retry_after_s)
        case errors.OrganisationOffline():
            again = now + datetime.timedelta(seconds=OFFLINE_S)
        case errors.Reconnect():
            again = now + datetime.timedelta(seconds=PERSON_S)
        case _:
            raise error
    shift.say(kind, entity, f"waits until {again:%Y-%m-%d %H:%M:%S} UTC: {error}", bad=True)
    return await shift.waits_until(kind, key, again, str(error))
