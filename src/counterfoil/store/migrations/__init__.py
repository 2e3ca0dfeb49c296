"""From an older schema to this one: numbered steps, each a function of a `Connection`, all in one transaction.

Called by store/database when it opens an older database. May import schema, and no other module of store/: a step speaks
to the database of its time, not through queries that were written for a later one.

The rule for steps: they add (tables, columns that may be null or have a default, indexes), so that a worker of the version
before goes on beside the new one, and does not see what it does not know. `coexists=False` says that it may not go on,
since it would not keep a promise that the step brings: from then on it begins no request (`outgrown`), and is started anew.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import sqlalchemy as sa

from counterfoil.store.migrations import additive
from counterfoil.store.schema import SCHEMA_VERSION

VERSION: Final = "schema_version"  # in meta
LEAST: Final = "schema_least"  # in meta: code of an older schema than this may not work on the database
OLDEST: Final = 4  # databases before it were never outside our own house


class Step(NamedTuple):
    """One step. `coexists`: workers of the version before may go on beside it."""

    carry_out: Callable[[sa.Connection], None]
    coexists: bool


STEPS: Final = {
    5: Step(additive.add_missing, coexists=False),  # pauses: who does not know them would write while paused
    6: Step(
        additive.add_missing, coexists=True
    ),  # the inbox, the whole mirror and changes: more of its own tables only
}
NEEDED: Final = max((version for version, step in STEPS.items() if not step.coexists), default=OLDEST)


def fits(version: int, least: int, known: int = SCHEMA_VERSION) -> bool:
    """Whether code that knows schema `known` may work on a database of this version as it is."""
    return version == known or (version == known + 1 and least <= known)


def outgrown(least: str | None, known: int = SCHEMA_VERSION) -> bool:
    """Whether a database was upgraded, since it was opened, beyond what this code may work on."""
    return least is not None and int(least) > known


def upgrade(connection: sa.Connection, version: int) -> None:
    """Carry out the steps from a version to this one. Whole or not at all: the caller's transaction."""
    for number in range(version + 1, SCHEMA_VERSION + 1):
        STEPS[number].carry_out(connection)
