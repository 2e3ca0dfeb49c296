"""What is known of this installation as a whole, a text by its key: versions, its id, the count of attempts, what was begun.

Called by store, posting, access, delivery and app, inside their transactions. Whoever sets a key owns it.
"""

import functools

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.prepared import Prepared, insert

m = schema.meta.c
_GET_META = Prepared(sa.select(m.value).where(m.key == sa.bindparam("key")))
_CHANGE_META = Prepared(
    sa.update(schema.meta).where(m.key == sa.bindparam("wanted")).values(value=sa.bindparam("value"))
)


def get_meta(connection: sa.Connection, key: str) -> str | None:
    """One value about this installation; None when it was never set."""
    found: str | None = _GET_META.first(connection, key=key)
    return found


def set_meta(connection: sa.Connection, key: str, value: str) -> None:
    """Set one value about this installation; of two that set it first, at once, the later one stays."""
    if not _CHANGE_META.run(connection, wanted=key, value=value):
        _add(connection.dialect.name).run(connection, key=key, value=value)


@functools.cache
def _add(dialect: str) -> Prepared:
    added = insert(dialect)(schema.meta).values(key=sa.bindparam("key"), value=sa.bindparam("value"))
    return Prepared(added.on_conflict_do_update(index_elements=[m.key], set_={"value": added.excluded.value}))
