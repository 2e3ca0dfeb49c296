"""`audit`: the log read, verified to its heads, and exported; no call to Xero, and only verifying needs the master key.

Called by cli/audit, standing and cli/prove. Everything is read in batches, so that a log of any length takes the same
memory and no other process waits. Whatever somebody made of the rows is shown as it is, never an exception.
"""

import datetime
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from counterfoil.access.verifying import Chain, Verifier
from counterfoil.app.running import Stage
from counterfoil.store import audit as rows
from counterfoil.store.audit import Raw, Wanted

ANY: Final = None  # in `heads`: the head of whichever chain
EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
Heads = Mapping[str | None, Collection[str]]


class HeadOf(msgspec.Struct, frozen=True):
    """Where a chain ends. `length`: how many entries it has; "" is the chain of acts that concern no entity."""

    entity: str
    length: int
    head: str


class Verified(msgspec.Struct, frozen=True):
    """What verifying found. `missing_heads`: printed once, and no entry of any chain has them."""

    chains: tuple[Chain, ...]
    missing_heads: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when every chain is, and nothing that was printed once is missing."""
        return all(one.is_whole for one in self.chains) and not self.missing_heads

    def to_json(self) -> dict[str, Any]:
        """What `audit verify --json` tells, and `--head FILE` reads."""
        chains = [msgspec.structs.asdict(one) | {"ok": one.is_whole} for one in self.chains]
        return {"ok": self.is_whole, "chains": chains, "missing_heads": self.missing_heads}


async def heads(books: Any) -> tuple[HeadOf, ...]:
    """Where each chain says that it ends, by entity; nothing is verified."""
    found = await books.database.read(rows.heads)
    return tuple(HeadOf(_text(one.entity), _number(one.seq), _text(one.hash)) for one in found)


async def verify(
    books: Any,
    *,
    entity: str | None = None,
    heads: Heads | None = None,
    progress: Callable[[Stage], None] | None = None,
) -> Verified:
    """Verify every chain, or one. `heads`: entity → hashes that it must hold; ANY → that some chain must hold.

    Raises MasterKeyError.
    """
    log = books.access.audit
    wanted = heads or {}
    names = [entity] if entity is not None else await books.database.read(rows.entities)
    names += [one for one in wanted if one is not None and one not in names and entity is None]
    ends = {one.entity: one.seq for one in await books.database.read(rows.heads)}
    total = sum(_number(ends.get(name)) for name in names)
    anywhere = set(wanted.get(ANY, ()))
    missing = set(anywhere)
    chains: list[Chain] = []
    done = 0
    for name in names:
        mine = set(wanted.get(name, ()))
        verifier = Verifier(log.keys, name, mine | anywhere)
        while not await books.database.read(verifier.step):
            if progress is not None:
                progress(Stage("verifying", done + verifier.length, total))
        found = verifier.found()
        done += found.length
        missing &= set(found.missing_heads)
        chains.append(msgspec.structs.replace(found, missing_heads=tuple(sorted(mine & set(found.missing_heads)))))
    return Verified(tuple(chains), tuple(sorted(missing)))


async def newest(books: Any, wanted: Wanted, most: int) -> tuple[list[dict[str, Any]], int]:
    """The newest entries, newest first, and how many there are in all."""
    found = await books.database.read(lambda conn: rows.newest(conn, wanted, most))
    return [told(one) for one in found], await books.database.read(lambda conn: rows.matching(conn, wanted))


async def exported(books: Any, wanted: Wanted) -> AsyncIterator[list[dict[str, Any]]]:
    """All entries, by entity and number, a batch at a time."""
    after: Raw | None = None
    while batch := await books.database.read(lambda conn, after=after: rows.following(conn, wanted, after)):
        yield [told(one) for one in batch]
        after = batch[-1]


def told(one: Raw) -> dict[str, Any]:
    """One entry as plain values, in the order of its columns; ids and hashes are resolved nowhere."""
    plain = {name: _text(value) for name, value in msgspec.structs.asdict(one).items()}
    return plain | {"seq": one.seq, "at": _at(one.at), "data": _data(one.data)}


def _number(value: Any) -> int:
    """A count that we wrote; 0 for what somebody else put there."""
    return value if isinstance(value, int) else 0


def _at(value: Any) -> str:
    try:
        return (EPOCH + datetime.timedelta(microseconds=value)).isoformat(timespec="microseconds")
    except (TypeError, ValueError, OverflowError):
        return _text(value)


def _data(value: Any) -> Any:
    try:
        return msgspec.json.decode(value, type=dict[str, Any] | list[Any])
    except (TypeError, ValueError):  # not as it was written: verifying says so
        return _text(value)


def _text(value: Any) -> str:
    plain = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return plain.encode("utf-8", "replace").decode()
