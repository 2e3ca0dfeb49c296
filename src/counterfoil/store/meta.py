"""What is known of this installation as a whole, a text by its key: versions, its id, the count of attempts, what was begun.

Called by store, posting, access, delivery and app, inside their transactions. Whoever sets a key owns it.
"""

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.prepared import Prepared

m = schema.meta.c
_GET_META = Prepared(sa.select(m.value).where(m.key == sa.bindparam("key")))
_CHANGE_META = Prepared(
    sa.update(schema.meta).where(m.key == sa.bindparam("wanted")).values(value=sa.bindparam("value"))
)
_ADD_META = Prepared(sa.insert(schema.meta))


def get_meta(connection: sa.Connection, key: str) -> str | None:
    """One value about this installation; None when it was never set."""
    found: str | None = _GET_META.first(connection, key=key)
    return found


def set_meta(connection: sa.Connection, key: str, value: str) -> None:
    """Set one value about this installation."""
    if not _CHANGE_META.run(connection, wanted=key, value=value):
        _ADD_META.run(connection, key=key, value=value)
