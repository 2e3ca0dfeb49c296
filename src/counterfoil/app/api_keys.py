"""`api-keys`: who may ask over HTTP, and how far; making, listing and revoking keys, and recognising whoever brings one.

Called by cli/api_keys, service/api (every request) and doctor. No call to Xero. Each key that is made or revoked stands in
the audit log by its prefix; its name stays out of it. A revoked key opens nothing from the next request on.
"""

import datetime
import logging
import re
from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import msgspec

from counterfoil import errors
from counterfoil.access import api_keys as keys
from counterfoil.access.audit import NO_ENTITY
from counterfoil.model import spelling
from counterfoil.model.actor import Actor
from counterfoil.store import api_keys as rows
from counterfoil.store.api_keys import Row
from counterfoil.store.database import Connection

Rights = Literal["read", "write", "admin"]
RIGHTS: Final[tuple[str, ...]] = get_args(Rights)  # each holds the ones before it
NAME_MAX: Final = 100
KEYS_MAX: Final = 1_000  # that open something
LONGEST: Final = datetime.timedelta(days=3_660)
SPAN: Final = re.compile(r"([0-9]{1,4})([hd])")
HOW_LONG: Final = "Such as 12h, 90d, 2027-01-01 or 2027-01-01T12:00; a time without an offset is UTC."

_log = logging.getLogger("counterfoil.api")


class Caller(msgspec.Struct, frozen=True):
    """Whoever brought a key. `entities` None: all of them."""

    prefix: str
    rights: str
    entities: frozenset[str] | None

    @property
    def actor(self) -> Actor:
        """Who does what this key asks for, in the audit log."""
        return Actor("api-key", self.prefix)

    def may(self, rights: str) -> bool:
        """Whether the key's rights hold these."""
        return RIGHTS.index(self.rights) >= RIGHTS.index(rights)

    def sees(self, entity: str | None) -> bool:
        """Whether it is for this entity; what belongs to none (None) is for keys of all entities."""
        return self.entities is None or entity in self.entities


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is listed. `entities` None: all. `state`: usable, expired, revoked, or lost with the master key."""

    prefix: str
    name: str
    rights: str
    entities: list[str] | None
    state: Literal["usable", "expired", "revoked", "lost"]
    made_at: datetime.datetime
    made_by: str
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    revoked_by: str | None
    last_used_at: datetime.datetime | None


class Made(msgspec.Struct, frozen=True):
    """A new key, and its text, which is shown once."""

    api_key: str
    key: ApiKey


async def create(
    books: Any, name: str, *, rights: str, entities: Sequence[str] = (), expires: str | None = None
) -> Made:
    """A new key. `entities`: it sees nothing of others; none given: it is for all. Raises FixInput, MasterKeyError."""
    called = " ".join(name.split())
    _check(books, called, rights, entities)
    only = sorted(set(entities)) or None

    def work(conn: Connection) -> Made:
        now = books.database.now(conn)
        ends = None if expires is None else _moment(expires, now)
        if rows.usable(conn, now) >= KEYS_MAX:
            raise errors.FixInput(f"There are {KEYS_MAX:,} API keys.", remedy="Revoke those that nobody uses.")
        fresh = books.access.api_keys.make(conn)
        rows.add(
            conn, prefix=fresh.prefix, hash=fresh.hash, root_id=fresh.root_id, name=called, rights=rights,
            entities=only, made_at=now, made_by=books.actor, expires_at=ends,
        )  # fmt: skip
        data = {"key": fresh.prefix, "rights": rights, "entities": only, "expires": ends and ends.isoformat()}
        books.access.audit.append(conn, NO_ENTITY, "api key made", data)
        row = rows.by_prefix(conn, fresh.prefix)
        assert row is not None
        return Made(fresh.text, _told(row, fresh.root_id, now))

    made: Made = await books.database.run(work)
    return made


async def listed(books: Any) -> list[ApiKey]:
    """All keys that were ever made, oldest first. Needs no master key."""

    def work(conn: Connection) -> list[ApiKey]:
        root_id = keys.root_id(conn)
        now = books.database.now(conn)
        return [_told(row, root_id, now) for row in rows.everything(conn)]

    found: list[ApiKey] = await books.database.read(work)
    return found


async def revoke(books: Any, prefix: str) -> ApiKey:
    """A key opens nothing from now on. Raises FixInput when there is no such key, or it was revoked before."""
    wanted = prefix.strip().removeprefix("cf_").partition("_")[0]

    def work(conn: Connection) -> ApiKey:
        now = books.database.now(conn)
        row = rows.by_prefix(conn, wanted)
        if row is None:
            known = [one.prefix for one in rows.everything(conn) if one.revoked_at is None]
            raise errors.FixInput(f"There is no API key {wanted!r}.", remedy=spelling.suggestion(wanted, known))
        if not rows.revoke(conn, wanted, by=books.actor, now=now):
            raise errors.FixInput(
                f"API key {wanted} was revoked before, by {row.revoked_by}.", remedy="See `counterfoil api-keys list`."
            )
        books.access.audit.append(conn, NO_ENTITY, "api key revoked", {"key": wanted})
        return _told(msgspec.structs.replace(row, revoked_at=now, revoked_by=books.actor), keys.root_id(conn), now)

    revoked: ApiKey = await books.database.run(work)
    return revoked


async def caller(books: Any, text: str) -> Caller | None:
    """Who brought this key; None: it opens nothing, and nobody is told why. Raises MasterKeyError, StoreError.

    One short read; that it was used is written at most once a minute.
    """
    given = keys.read(text)
    if given is None:
        return None
    recogniser = books.access.api_keys  # made here: the database's thread reads no key file

    def look(conn: Connection) -> tuple[Row | None, datetime.datetime]:
        row = rows.by_prefix(conn, given[0])
        is_right = recogniser.is_right(conn, given, row.hash if row is not None else None)
        return (row if is_right else None), books.database.now(conn)

    row, now = await books.database.read(look)
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= rows.USED_EVERY:
        try:
            await books.database.run(lambda conn: rows.used(conn, row, now))
        except errors.StoreError as error:  # a full disk keeps nobody from reading
            _log.warning("when a key was used cannot be written: %s", error.code)
    return Caller(row.prefix, row.rights, None if row.entities is None else frozenset(row.entities))


async def opens_still(books: Any, who: Caller) -> bool:
    """Whether a key that was recognised a while ago is neither revoked nor expired since."""
    row, now = await books.database.read(lambda conn: (rows.by_prefix(conn, who.prefix), books.database.now(conn)))
    return row is not None and row.revoked_at is None and (row.expires_at is None or row.expires_at > now)


def _check(books: Any, name: str, rights: str, entities: Sequence[str]) -> None:
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise errors.FixInput(
            f"A key needs a name of 1 to {NAME_MAX} characters.", remedy="Say which program it is for."
        )
    if rights not in RIGHTS:
        raise errors.FixInput(
            f"{rights!r} are no rights.",
            remedy="read: ask; write: also hand records in; admin: also retry, skip and fix problems.",
        )
    for entity in entities:
        if entity not in books.settings.entities:
            raise errors.ConfigurationError(
                f"There is no entity {entity!r}.", remedy=spelling.suggestion(entity, books.settings.entities)
            )


def _moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """When a key ends, as a person writes it. Raises FixInput."""
    given = text.strip()
    span = SPAN.fullmatch(given)
    try:
        if span is not None:
            found = now + datetime.timedelta(**{{"h": "hours", "d": "days"}[span[2]]: int(span[1])})
        else:
            found = datetime.datetime.fromisoformat(given)
    except ValueError as error:
        raise errors.FixInput(f"{text!r} is no time to end at.", remedy=HOW_LONG) from error
    found = found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    if not now < found <= now + LONGEST:
        raise errors.FixInput(
            f"{found:%Y-%m-%d %H:%M} UTC is {'past' if found <= now else 'too far away'}.", remedy=HOW_LONG
        )
    return found


def _told(row: Row, root_id: str | None, now: datetime.datetime) -> ApiKey:
    state: Literal["usable", "expired", "revoked", "lost"] = "usable"
    if row.revoked_at is not None:
        state = "revoked"
    elif row.expires_at is not None and row.expires_at <= now:
        state = "expired"
    elif row.root_id != root_id:
        state = "lost"
    return ApiKey(
        row.prefix, row.name, row.rights, row.entities, state, row.made_at, row.made_by, row.expires_at,
        row.revoked_at, row.revoked_by, row.last_used_at,
    )  # fmt: skip
