"""Tables of wire objects, with indexes, undo and a change list that the journal writes.

Called by everything that keeps state (`world`, `identity`, `resources`). A row is a finished wire object: Xero's keys in
Xero's order, money as `Decimal`, dates as `/Date(ms+0000)/` text. Rows are never changed in place: an update puts a
new dict. That makes undo (`Changes.roll_back`), a stale read and the journal one mechanism.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

Row = dict[str, Any]
Key = Callable[[Row], Hashable | None]

DERIVED_MAX = 2_000  # of each table: what is kept of `Table.derived`
HISTORY_MAX = 200  # how many writes back a stale read can reach


class Change(NamedTuple):
    """One put: `before` None = it was new, `after` None = it was dropped."""

    table: "Table"
    key: str
    before: Row | None
    after: Row | None


class Changes:
    """Everything put since the last commit, in order."""

    def __init__(self) -> None:
        self.pending: list[Change] = []

    def mark(self) -> int:
        """A place to roll back to."""
        return len(self.pending)

    def roll_back(self, mark: int) -> None:
        """Undo every put after the mark, newest first."""
        for change in reversed(self.pending[mark:]):
            change.table.restore(change.key, change.before)
        del self.pending[mark:]

    def take(self) -> list[Change]:
        """The pending changes; they are pending no longer."""
        taken, self.pending = self.pending, []
        return taken


class Table:
    """Rows by key in order of creation. `indexes` map a name to the value that a row is found by (None: not indexed)."""

    def __init__(self, space: str, name: str, changes: Changes, indexes: Mapping[str, Key] | None = None) -> None:
        self.space = space
        self.name = name
        self.rows: dict[str, Row] = {}
        self._changes = changes
        self._keys = dict(indexes or {})
        self._found: dict[str, dict[Hashable, dict[str, None]]] = {name: {} for name in self._keys}
        self._in_order: tuple[str, list[Row]] | None = None
        self._derived: dict[str, Row] = {}

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, key: str) -> Row | None:
        """The row under this key."""
        return self.rows.get(key)

    def find(self, index: str, value: Hashable) -> list[Row]:
        """The rows whose index has this value, in order of creation of the index entry."""
        return [self.rows[key] for key in self._found[index].get(value, ())]

    def first(self, index: str, value: Hashable) -> Row | None:
        """The first of `find`."""
        for key in self._found[index].get(value, ()):
            return self.rows[key]
        return None

    def in_order(self, name: str, key: Callable[[Row], Any]) -> list[Row]:
        """All rows sorted by `key`, which `name` names; sorted once until a row changes. The caller leaves it as it is."""
        if self._in_order is None or self._in_order[0] != name:
            self._in_order = (name, sorted(self.rows.values(), key=key))
        return self._in_order[1]

    def derived(self, key: str, make: Callable[[Row], Row]) -> Row:
        """What `make` makes of the row under this key, made once until the row changes; a table has one `make`.

        `make` may look at nothing but the row; the caller leaves what it gets as it is. Raises KeyError without a row.
        """
        made = self._derived.get(key)
        if made is None:
            if len(self._derived) >= DERIVED_MAX:
                self._derived.clear()
            made = self._derived[key] = make(self.rows[key])
        return made

    def put(self, key: str, row: Row) -> None:
        """Add or replace a row."""
        self._changes.pending.append(Change(self, key, self.restore(key, row), row))

    def drop(self, key: str) -> None:
        """Remove a row, if it is there."""
        if key in self.rows:
            self._changes.pending.append(Change(self, key, self.restore(key, None), None))

    def restore(self, key: str, row: Row | None) -> Row | None:
        """Put or drop without recording it; returns what was there before."""
        before = self.rows.get(key)
        self._in_order = None
        self._derived.pop(key, None)
        for index, value_of in self._keys.items():
            old = None if before is None else value_of(before)
            new = None if row is None else value_of(row)
            if old != new:
                self._reindex(index, key, old, new)
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row
        return before

    def _reindex(self, index: str, key: str, old: Hashable | None, new: Hashable | None) -> None:
        found = self._found[index]
        if old is not None:
            keys = found[old]
            keys.pop(key, None)
            if not keys:
                del found[old]
        if new is not None:
            found.setdefault(new, {})[key] = None


@contextmanager
def as_before(writes: Iterable[list[Change]]) -> Iterator[None]:
    """Show the tables as they were before these writes (oldest first), for the length of the block.

    The block must not await: nobody else may see the past.
    """
    undone = [change for write in writes for change in write]
    for change in reversed(undone):
        change.table.restore(change.key, change.before)
    try:
        yield
    finally:
        for change in undone:
            change.table.restore(change.key, change.after)
