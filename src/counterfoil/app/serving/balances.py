"""The balances of bank accounts are read, of entities that ask for them, as often as they say.

Called by serving as the work "balances"; one piece is one entity. Work of its own beside "mirror": a user who may not see
reports keeps no document from its turn. What Xero refuses is asked again seldom, since each try is a call.
"""

import datetime
from collections.abc import Sequence
from typing import Final

from counterfoil import errors
from counterfoil.app import bank_balances
from counterfoil.app.serving import mirroring
from counterfoil.app.serving.shift import Shift
from counterfoil.runtime.port import Due, Work

REFUSED_S: Final = 3600.0  # a role that lacks reports, a report that is not there: until a person changes it


def work(shift: Shift) -> Work:
    """The work "balances"."""
    books = shift.books

    async def find() -> Sequence[Due]:
        if not shift.plans:
            return ()
        waiting, now = await shift.waiting(bank_balances.WORK), shift.now()
        found = []
        for entity in books.settings.entities:
            at = await bank_balances.due(books, entity)
            wait = waiting.get(entity)
            if at is not None:
                found.append(Due(entity, max(at, wait.until) if wait is not None and wait.since <= now else at))
        return found

    async def handle(entity: str) -> datetime.datetime | None:
        at = await bank_balances.due(books, entity)
        if at is None or at > shift.now():
            return at
        try:
            found = await bank_balances.read(books, entity)
        except (errors.NotConnected, errors.Refused, errors.NotFound) as error:
            shift.say(bank_balances.WORK, entity, f"Xero does not tell the balances: {error}", bad=True)
            again = shift.now() + datetime.timedelta(seconds=REFUSED_S)
            return await shift.waits_until(bank_balances.WORK, entity, again, str(error))
        except (errors.RunAgain, errors.Reconnect) as error:
            return await mirroring.put_off(shift, bank_balances.WORK, entity, entity, error)
        await shift.waits_no_more(bank_balances.WORK, entity)
        shift.say(bank_balances.WORK, entity, f"{len(found.amounts)} balances were read")
        return await bank_balances.due(books, entity)

    return Work(bank_balances.WORK, handle, find)
