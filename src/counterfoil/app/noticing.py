"""What nobody tells while it happens, noticed from the tables: a notice for each cause, and its end.

Called by notifying, after each command. No call to Xero. A cause that comes and goes within one command is never seen
here. Messages name entities, flows, counts and amounts, and no customer: what a record says stays out of them.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from counterfoil.access.refresh import REFRESH_TOKEN_LIFE
from counterfoil.model.fixes import base_cause
from counterfoil.store import bindings, causes, notices, problems
from counterfoil.store.causes import Stopped, Waiting
from counterfoil.store.database import Connection, Database
from counterfoil.store.notices import Notice

KINDS: Final = ("problems", "uncertain", "held", "left", "stopped", "refresh", "scope")
UNUSED: Final = REFRESH_TOKEN_LIFE * 3 / 4  # xero-facts §1.4
TOLD_ELSEWHERE: Final = ("stopped",)  # by whoever stops or frees, with better words: ours only when nobody did
_WORDS: Final = {
    "uncertain": (
        "Uncertain: Xero may or may not have {} of {}.",
        "Run `counterfoil finish`; do not type them in by hand.",
    ),
    "held": ("Held back: {} of {}.", "`counterfoil problems` says why, and what to do."),
    "left": ("Still to be sent: {} of {}.", "Run `counterfoil finish`."),
}


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands now, as `notices.tell` takes it. `since` None: since it is noticed."""

    kind: str
    subject: str
    message: str
    remedy: str
    entity: str | None = None
    since: datetime.datetime | None = None
    count: int | None = None
    link: str | None = None


async def notice(
    database: Database, client_id: str, flow_names: Mapping[str, str], others: Sequence[Cause] = ()
) -> None:
    """Write down what stands and what no longer does. `flow_names`: flow id → table. Writes only what is news.

    `client_id`: the app whose consents matter. `others`: causes that the tables alone do not tell.
    """

    def look(conn: Connection) -> bool:
        known = {key: str(n) for key, n in problems.numbers(conn).items()}
        causes_now = _causes(conn, client_id, flow_names, known, database.now(conn))
        new, gone = _news(conn, [*causes_now, *others])
        return bool(new or gone)

    def write(conn: Connection) -> None:
        now = database.now(conn)
        for stuck in causes.by_cause(conn):
            problems.number(conn, problems.key(stuck.flow_id, stuck.cause))
        known = {key: str(n) for key, n in problems.numbers(conn).items()}
        new, gone = _news(conn, [*_causes(conn, client_id, flow_names, known, now), *others])
        for cause in new:
            notices.tell(conn, now=now, **msgspec.structs.asdict(cause))
        for one in gone:
            notices.over(conn, one.kind, one.subject, now=now)
        notices.forget(conn, now)

    if await database.read(look):
        await database.run(write)


def _news(conn: Connection, found: list[Cause]) -> tuple[list[Cause], list[Notice]]:
    """Causes that nobody was told of in these words, and notices whose cause is gone."""
    told = {(one.kind, one.subject): one for one in notices.standing(conn) if one.kind in KINDS}
    here = {(one.kind, one.subject): one for one in found}
    new = [one for key, one in here.items() if key not in told or _changed(told[key], one)]
    return new, [one for key, one in told.items() if key not in here]


def _changed(told: Notice, now: Cause) -> bool:
    if told.kind in TOLD_ELSEWHERE:
        return False
    return (told.message, told.count) != (now.message, now.count)


def _causes(
    conn: Connection, client_id: str, flow_names: Mapping[str, str], numbers: Mapping[str, str], now: datetime.datetime
) -> list[Cause]:
    found = [_problem(one, flow_names, numbers) for one in causes.by_cause(conn)]
    for kind, waiting in (
        ("uncertain", causes.uncertain(conn, now)), ("held", causes.held(conn)), ("left", causes.left(conn)),
    ):  # fmt: skip
        found += [_waiting(kind, one) for one in waiting]
    found += [_unused(*one) for one in causes.unused(conn, client_id, now - UNUSED)]
    stopped = [one.entity for one in bindings.everything(conn) if one.stopped]
    return found + [
        Cause(
            kind="stopped", subject=entity, entity=entity, message=f"Writing to the organisation of {entity} is stopped.",
            remedy=f"`counterfoil entities verify {entity}` says why.",
        )
        for entity in stopped
    ]  # fmt: skip


def _problem(one: Stopped, flow_names: Mapping[str, str], numbers: Mapping[str, str]) -> Cause:
    n = numbers.get(problems.key(one.flow_id, one.cause), "")
    flow = flow_names.get(one.flow_id, one.flow_id)
    base = base_cause(one.cause)
    why = "Xero refused" if base == "xero" else base.replace("-", " ")
    amounts = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(one.amounts.items()) if amount)
    known = f", {amounts} as far as is known" if amounts else ""
    return Cause(
        kind="problems", subject=n, entity=next(iter(one.entities)) if len(one.entities) == 1 else None, count=one.count,
        message=f"A person is needed: {_counted(one.count, 'record')} of flow {flow}{known}: {why}.",
        remedy=f"`counterfoil problems show {n}` names them and what to do.",
    )  # fmt: skip


def _waiting(kind: str, one: Waiting) -> Cause:
    message, remedy = _WORDS[kind]
    return Cause(
        kind=kind, subject=one.entity, entity=one.entity, since=one.since, count=one.count, remedy=remedy,
        message=message.format(_counted(one.count, "document"), one.entity),
    )  # fmt: skip


def _unused(grant_id: str, refreshed_at: datetime.datetime) -> Cause:
    return Cause(
        kind="refresh", subject=grant_id, since=refreshed_at,
        message=f"A consent was last refreshed on {refreshed_at:%Y-%m-%d}. Xero ends it after {REFRESH_TOKEN_LIFE.days} days without.",
        remedy="Any run refreshes the consents that it uses, and so does `counterfoil entities verify`.",
    )  # fmt: skip


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
