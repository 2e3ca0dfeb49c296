"""An answer to our own write that could not be taken into the copy is told, until the copy has it.

Called by own_answers, by the service's housekeeping and by `sync`. Nothing is lost by it: the posting stands, and the next look at that
resource brings what the answer showed; but somebody who waits for the change waits longer, and has to know why.
"""

import contextlib
import traceback
from pathlib import Path
from typing import Any, Final

from counterfoil import errors
from counterfoil.store import bindings, mirrored, notices
from counterfoil.store.database import Connection

KIND: Final = "service"
SUBJECT: Final = "answer:"  # and the tenant, a slash, the resource


async def tell(books: Any, tenant_id: str, resource: str, error: Exception) -> None:
    """Say so, with the error's kind and place and no word of it. Raises nothing: a database that is away is told of elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""

    def work(conn: Connection) -> None:
        entity = next((one.entity for one in bindings.everything(conn) if one.tenant_id == tenant_id), None)
        notices.tell(
            conn, KIND, f"{SUBJECT}{tenant_id}/{resource}", entity=entity, now=books.database.now(conn),
            message=f"What Xero answered to our own write of {resource} could not be taken into the copy: {type(error).__name__}{at}.",
            remedy="Nothing is lost: what we wrote stands, and the next look brings it. If this comes again, please report it.",
        )  # fmt: skip

    with contextlib.suppress(errors.StoreError):
        await books.database.run(work)


async def settle(books: Any) -> None:
    """What the copy was caught up with since is over. Idempotent."""

    def made_good(conn: Connection) -> list[str]:
        told = [one for one in notices.standing(conn, KIND) if one.subject.startswith(SUBJECT)]
        found = []
        for one in told:
            tenant_id, _, resource = one.subject.removeprefix(SUBJECT).partition("/")
            state = mirrored.reading(conn, tenant_id, resource)
            if state.caught_up_at is not None and state.caught_up_at > one.last_at:
                found.append(one.subject)
        return found

    gone = await books.database.read(made_good)
    if gone:

        def work(conn: Connection) -> None:
            now = books.database.now(conn)
            for subject in gone:
                notices.over(conn, KIND, subject, now=now)

        await books.database.run(work)
