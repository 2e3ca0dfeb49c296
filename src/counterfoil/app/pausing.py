"""`pause` and `resume`: no write to Xero starts while everything, an entity or a flow is paused; looking goes on.

Called by cli/pause, cli/resume, cli/status, app/running and app/previewing. A pause is in force for every request that is
not on its way yet when `pause` returns: the transaction of each attempt asks for it (posting/sending). What is planned
stays planned and goes out after `resume`, or by itself when the pause has run out. No call to Xero.
"""

import datetime
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access.audit import NO_ENTITY
from counterfoil.model import spelling
from counterfoil.store import pauses
from counterfoil.store.database import Connection
from counterfoil.store.pauses import ALL, ENTITY, FLOW, Pause

TEXT_MAX: Final = 500  # characters of a reason
LONGEST: Final = datetime.timedelta(days=366)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN: Final = re.compile(r"([0-9]{1,5})([mhd])")
_UNTIL: Final = "Such as 90m, 8h, 2d, 18:00, 2026-12-01 or 2026-12-01T18:00; a time without an offset is UTC."


class Standing(msgspec.Struct, frozen=True):
    """A pause that is in force. `scope`: all, entity or flow; `name`: the entity or the flow's table, "" for all."""

    scope: str
    name: str
    because: str
    actor: str
    since: datetime.datetime
    until: datetime.datetime | None  # None: until somebody resumes

    @property
    def what(self) -> str:
        """What is paused, as a person says it."""
        return {ALL: "everything", ENTITY: f"entity {self.name}", FLOW: f"flow {self.name}"}[self.scope]

    @property
    def said(self) -> str:
        """The whole of it in one sentence."""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "until somebody resumes"
        what = self.what[0].upper() + self.what[1:]
        return f"{what} is paused {until}, since {self.since:%Y-%m-%d %H:%M} UTC by {self.actor}: {self.because}"

    @property
    def remedy(self) -> str:
        """How it is ended."""
        return f"`{command(self.scope, self.name)}`."


class Changed(msgspec.Struct, frozen=True):
    """What `pause` or `resume` did. `before`: the pause that stood there already; `still`: what is in force now."""

    pause: Standing
    before: Standing | None
    still: tuple[Standing, ...]
    waiting: int  # planned postings that wait for it, or that may go now


async def pause(
    books: Any, *, entity: str | None = None, flow: str | None = None, until: str | None = None, because: str
) -> Changed:
    """Let no write start: of everything, an entity or a flow. Paused already: its reason and its end are these now.

    `until`: a time or a span as a person writes it; None: until somebody resumes. Raises FixInput for what is unknown, a
    time that is past, and no reason.
    """
    scope, name = _target(books, entity, flow)
    reason = " ".join(because.split())
    if not reason:
        raise errors.FixInput("A pause needs its reason.", remedy='Say --because "…": whoever finds it will ask.')
    if len(reason) > TEXT_MAX:
        raise errors.FixInput(f"The reason is longer than {TEXT_MAX} characters.", remedy="Say it shorter.")

    def work(connection: Connection) -> Changed:
        pauses.hold(connection)
        now = books.database.now(connection)
        ends = None if until is None else moment(until, now)
        pauses.settle(connection, now)
        before = _there(connection, scope, name, now)
        if before is not None:
            pauses.end(connection, before.id, actor=books.actor, now=now)
        pauses.begin(connection, scope, name, because=reason, actor=books.actor, now=now, until=ends)
        _audit(books, connection, "paused", scope, name, {"until": None if ends is None else ends.isoformat()})
        return _changed(books, connection, scope, name, before, now)

    changed: Changed = await books.database.run(work)
    return changed


async def resume(books: Any, *, entity: str | None = None, flow: str | None = None) -> Changed:
    """End a pause, also of an entity or a flow that the configuration no longer has.

    Raises FixInput when none stands there, with what is paused instead.
    """
    scope, name = await _paused_target(books, entity, flow) or _target(books, entity, flow)

    def work(connection: Connection) -> Changed:
        pauses.hold(connection)
        now = books.database.now(connection)
        pauses.settle(connection, now)
        before = _there(connection, scope, name, now)
        if before is None:
            raise _not_paused(books, connection, scope, name, now)
        pauses.end(connection, before.id, actor=books.actor, now=now)
        _audit(books, connection, "resumed", scope, name, {})
        return msgspec.structs.replace(
            _changed(books, connection, scope, name, before, now), pause=_told(books, before)
        )

    changed: Changed = await books.database.run(work)
    for one in [name] if scope == ENTITY else books.settings.entities:
        await books.wake("postings", one)
    return changed


async def standing(books: Any) -> tuple[Standing, ...]:
    """What is paused now, oldest first."""

    def work(connection: Connection) -> tuple[Standing, ...]:
        return _all(books, connection, books.database.now(connection))

    found: tuple[Standing, ...] = await books.database.read(work)
    return found


async def stops(books: Any, entities: Iterable[str], flow_id: str | None) -> dict[str, errors.CounterfoilError]:
    """Of these entities, those with planned postings that a pause holds back, each with the pause that does.

    `flow_id`: of the one flow that is asked about; None: all of them.
    """

    def work(connection: Connection) -> dict[str, errors.CounterfoilError]:
        now = books.database.now(connection)
        in_force = pauses.standing(connection, now)
        if not in_force:
            return {}
        planned = pauses.waiting(connection)
        found: dict[str, errors.CounterfoilError] = {}
        for entity in entities:
            mine = {flow for (of, flow), count in planned.items() if of == entity and count}
            holding = next((one for one in in_force if mine and _holds(one, entity, mine, flow_id)), None)
            if holding is not None:
                told = _told(books, holding)
                found[entity] = errors.Paused(f"{told.said.rstrip('.')}.", remedy=told.remedy)
        return found

    held: dict[str, errors.CounterfoilError] = await books.database.read(work)
    return held


def concerning(found: Iterable[Standing], flow: str, entities: Iterable[str]) -> list[Standing]:
    """Those pauses that stop a flow's writes into these entities."""
    names = {ALL: {""}, ENTITY: set(entities), FLOW: {flow}}
    return [one for one in found if one.name in names[one.scope]]


def holding(found: Iterable[Standing], entity: str, flow: str) -> Standing | None:
    """The first of these pauses that holds a planned posting back. `flow`: its table; a contact's "" waits with others."""
    return next(iter(concerning(found, flow, [entity])), None)


def command(scope: str, name: str) -> str:
    """What ends a pause."""
    return "counterfoil resume" + ("" if scope == ALL else f" --{scope} {name}")


def moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """The instant that a person means by 90m, 8h, 2d, 18:00, a date or a time. Raises FixInput: unreadable, past, too far."""
    given = text.strip()
    span = _SPAN.fullmatch(given)
    try:
        if span is not None:
            found = now + datetime.timedelta(**{_UNITS[span[2]]: int(span[1])})
        elif re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", given):
            found = _next(datetime.time.fromisoformat(given.zfill(5)), now)
        else:
            found = datetime.datetime.fromisoformat(given)
    except (ValueError, OverflowError) as error:
        raise errors.FixInput(f"{text!r} is no time to end at.", remedy=_UNTIL) from error
    found = found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    if found <= now:
        raise errors.FixInput(
            f"{found:%Y-%m-%d %H:%M} UTC is past: it is {now:%Y-%m-%d %H:%M} UTC now.",
            remedy=f"Nothing was paused. {_UNTIL}",
        )
    if found - now > LONGEST:
        raise errors.FixInput(
            f"{found:%Y-%m-%d} is more than {LONGEST.days} days away.",
            remedy="Leave --until out: it is paused until `resume`.",
        )
    return found


def _next(time: datetime.time, now: datetime.datetime) -> datetime.datetime:
    """When it is that time next, by UTC."""
    found = datetime.datetime.combine(now.astimezone(datetime.UTC).date(), time, datetime.UTC)
    return found if found > now else found + datetime.timedelta(days=1)


def _target(books: Any, entity: str | None, flow: str | None) -> tuple[str, str]:
    """(scope, name as it is kept). Raises FixInput for an unknown one."""
    if entity is not None and flow is not None:
        raise errors.FixInput("An entity or a flow, not both.", remedy="Give two commands.")
    if flow is not None:
        return FLOW, books.flow(flow).id
    if entity is None:
        return ALL, ""
    if entity not in books.settings.entities:
        raise errors.ConfigurationError(
            f"There is no entity {entity!r}.", remedy=spelling.suggestion(entity, books.settings.entities)
        )
    return ENTITY, entity


async def _paused_target(books: Any, entity: str | None, flow: str | None) -> tuple[str, str] | None:
    """(scope, name) of a pause that stands under this very name; None: none does, or both names were given."""
    if (entity is None) == (flow is None):
        return None
    asked = (ENTITY, entity) if entity is not None else (FLOW, flow)
    found = await books.database.read(lambda conn: pauses.standing(conn, books.database.now(conn)))
    return next(((one.scope, one.name) for one in found if (one.scope, one.name) == asked), None)


def _there(connection: Connection, scope: str, name: str, now: datetime.datetime) -> Pause | None:
    return next((one for one in pauses.standing(connection, now) if (one.scope, one.name) == (scope, name)), None)


def _told(books: Any, pause: Pause) -> Standing:
    name = books.flow_name(pause.name) if pause.scope == FLOW else pause.name
    return Standing(pause.scope, name, pause.because, pause.actor, pause.at, pause.until)


def _all(books: Any, connection: Connection, now: datetime.datetime) -> tuple[Standing, ...]:
    return tuple(_told(books, one) for one in pauses.standing(connection, now))


def _changed(
    books: Any, connection: Connection, scope: str, name: str, before: Pause | None, now: datetime.datetime
) -> Changed:
    there = _there(connection, scope, name, now) or before
    assert there is not None
    planned = pauses.waiting(connection).items()
    waiting = sum(n for (entity, flow), n in planned if scope == ALL or name == (entity if scope == ENTITY else flow))
    told = _told(books, before) if before is not None else None
    return Changed(_told(books, there), told, _all(books, connection, now), waiting)


def _not_paused(books: Any, connection: Connection, scope: str, name: str, now: datetime.datetime) -> errors.FixInput:
    asked = Standing(scope, books.flow_name(name) if scope == FLOW else name, "", "", now, None)
    ended = pauses.last(connection, scope, name)
    how = "" if ended is None else f" Its last pause ended at {ended[0]:%Y-%m-%d %H:%M} UTC, "
    how += "" if ended is None else (f"by {ended[1]}." if ended[1] else "by itself.")
    others = _all(books, connection, now)
    remedy = " ".join(f"{one.said} End it with {one.remedy}" for one in others) or "Nothing is paused."
    itself = " itself" if others and scope != ALL else ""
    return errors.FixInput(f"{asked.what[0].upper()}{asked.what[1:]} is not paused{itself}.{how}", remedy=remedy)


def _holds(pause: Pause, entity: str, planned: set[str], flow_id: str | None) -> bool:
    """Whether a pause holds back what of an entity is planned. A contact alone ("") waits with the flow that planned it."""
    if pause.scope == ALL or (pause.scope == ENTITY and pause.name == entity):
        return True
    return pause.scope == FLOW and flow_id in (None, pause.name) and bool(planned & {pause.name, ""})


def _audit(books: Any, connection: Connection, act: str, scope: str, name: str, more: dict[str, Any]) -> None:
    """In the entity's own chain; ids alone, never the reason's words."""
    data = {"scope": scope} | ({"flow": name} if scope == FLOW else {}) | more
    books.access.audit.append(connection, name if scope == ENTITY else NO_ENTITY, act, data)
