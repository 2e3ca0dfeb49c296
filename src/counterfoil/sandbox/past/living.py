"""Day by day: a company's diary is opened at the first day and carried out until yesterday. Called by `server`, `control`."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books, arrange
from counterfoil.sandbox.charts import ORGANISATION_KEYS
from counterfoil.sandbox.clock import Ids
from counterfoil.sandbox.past import cast
from counterfoil.sandbox.past.clerk import Clerk
from counterfoil.sandbox.past.diary import Diary
from counterfoil.sandbox.past.scene import Scene
from counterfoil.sandbox.tables import Row, Table
from counterfoil.sandbox.world import World

OPENS_AT_HOUR: Final = 9
ONE_TASK: Final = timedelta(seconds=20)
_KEY: Final = "past/{number}"


def lived(world: World) -> bool:
    """Let every organisation that has neither a past nor documents live its months; whether any did.

    `--history` says how many months, `--history-documents` about how many documents each has. A state file that has a
    past keeps it; books that somebody has written in get none, and organisations that a person has reset stay empty. The
    caller keeps the world as a whole afterwards: half a past must not outlive a kill.
    """
    fresh = [
        books
        for books in world.organisations()
        if world.meta.get(_KEY.format(number=books.number)) is None and not any(map(len, _documents(books)))
    ]
    if not world.options.history or not fresh:
        return False
    for books in fresh:
        world.meta.put(_KEY.format(number=books.number), {"months": world.options.history})
        _lived(world, books)
    world.commit()
    return True


def _lived(world: World, books: Books) -> None:
    today = books.today(world.clock.now())
    first = _months_before(today.replace(day=1), world.options.history)
    dice = random.Random(f"{world.seed}/{books.number}/past")
    with world.before_anybody_looked(books, Ids(world.seed, of=f"past/{books.number}")):
        locks = _unlocked(books)
        with world.clock.at(_moment(first, 0)):
            _founded(world, books)
            clerk = Clerk(world, books)
            company = cast.hired(clerk, dice, world.options.history_documents)
            world.commit()
        scene = Scene(clerk, company, dice, today - timedelta(days=1))
        diary = Diary(scene, world.options.history_documents)
        day = first
        while day < today:
            if day.day == 1 and day < today.replace(day=1):
                diary.begin_month(day)
            _day(world, diary, day)
            day += timedelta(days=1)
        books.table("Organisations").put(books.tenant_id, arrange(books.organisation | locks, ORGANISATION_KEYS))
        world.commit()


def _documents(books: Books) -> list[Table]:
    """The tables of what a past would stand beside."""
    return [books.table(plural) for plural in ("Invoices", "CreditNotes", "BankTransactions", "ManualJournals")]


def _day(world: World, diary: Diary, day: date) -> None:
    for number, task in enumerate(diary.due(day)):
        with world.clock.at(_moment(day, number)):
            task()
            world.commit()


def _unlocked(books: Books) -> Row:
    """Take the lock dates away; what they were: months are locked after they were lived."""
    row = dict(books.organisation)
    locks: Row = {key: row.pop(key) for key in ("PeriodLockDate", "EndOfYearLockDate") if key in row}
    books.table("Organisations").put(books.tenant_id, row)
    return locks


def _founded(world: World, books: Books) -> None:
    """The organisation and its chart are as old as its past."""
    now = world.clock.now()
    organisation: dict[str, Any] = {**books.organisation, "CreatedDateUTC": wire.envelope_time(now)}
    books.table("Organisations").put(books.tenant_id, organisation)
    accounts = books.table("Accounts")
    for key, row in list(accounts.rows.items()):
        accounts.put(key, {**row, "UpdatedDateUTC": wire.stamp(now)})


def _months_before(first: date, months: int) -> date:
    years, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return date(years, month + 1, 1)


def _moment(day: date, number: int) -> datetime:
    return datetime(day.year, day.month, day.day, OPENS_AT_HOUR, tzinfo=UTC) + number * ONE_TASK
