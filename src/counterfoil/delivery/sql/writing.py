"""One hand-over as one transaction: of each document its newest change, unless the table has a newer one already.

Called by outlet. A document's rows are found by the columns that are its id. One row is updated in place, so that columns of the
customer's own keep what they hold; rows of a list are replaced as a set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.delivery.sql import cells, seen
from counterfoil.delivery.sql.cells import NotTaken
from counterfoil.delivery.sql.seen import Document, Seen
from counterfoil.delivery.sql.target import Found, Target
from counterfoil.mapping.rows import Row


class Refused(Exception):
    """The table does not take a row; the words name the column."""


class Written(msgspec.Struct, frozen=True):
    """One document as it shall stand in the table. `order`: how new that is; `finders`: its id, by column."""

    document: Document
    order: Seen
    gone: bool
    rows: Sequence[Row]
    finders: Mapping[str, Any]


class Statements:
    """The statements of one table. Values are bound, names are quoted: nothing of a document becomes SQL."""

    def __init__(self, target: Target, found: Found) -> None:
        self.target, self._found = target, found
        names = [one.name for one in target.columns]
        self._bind = {name: f"c{n}" for n, name in enumerate([*names, *([target.gone] if target.gone else [])])}
        column = found.columns
        values: dict[Any, Any] = {column[name]: sa.bindparam(bound) for name, bound in self._bind.items()}
        same = sa.and_(*(column[name] == sa.bindparam(f"f{self._bind[name]}") for name in target.finders))
        self.update = sa.update(found.table).where(same).values(values)
        self.insert = sa.insert(found.table).values(values)
        self.delete = sa.delete(found.table).where(same)
        self.gone = {} if target.gone is None else {self._bind[target.gone]: self._cell(target.gone, value=True)}
        marked: dict[Any, Any] = (
            {} if target.gone is None else {column[target.gone]: sa.bindparam(self._bind[target.gone])}
        )
        self.mark = sa.update(found.table).where(same).values(marked)

    def bound(self, row: Row, *, gone: bool) -> dict[str, Any]:
        """A row's values by their parameters. Raises Refused with the column's name."""
        given = row | ({self.target.gone: gone} if self.target.gone else {})
        return {parameter: self._cell(name, given.get(name)) for name, parameter in self._bind.items()}

    def finders(self, one: Written) -> dict[str, Any]:
        """The parameters by which a document's rows are found."""
        return {f"f{self._bind[name]}": self._cell(name, value) for name, value in one.finders.items()}

    def _cell(self, name: str, value: Any) -> Any:
        try:
            return cells.bound(value, self._found.taken[name])
        except NotTaken as cause:
            raise Refused(f"the column {name} does not take it: {cause}") from None


def write(
    conn: sa.Connection, statements: Statements, kept: sa.Table, given: Sequence[Written], *, anew: bool = False
) -> int:
    """Write these documents in the caller's transaction; → how many were newer than what the table had, or as new.

    `anew`: whatever it had. Raises Refused.
    """
    newest: dict[Document, Written] = {}
    for one in given:
        before = newest.get(one.document)
        if before is None or not before.order.is_after(one.order):
            newest[one.document] = one
    name = statements.target.full
    there = seen.held(conn, kept, name, list(newest))
    due = [one for one in newest.values() if anew or not there[one.document].is_after(one.order)]
    for one in due:
        _put(conn, statements, one)
    seen.note(conn, kept, name, {one.document: one.order.over(there[one.document]) for one in due})
    return len(due)


def _put(conn: sa.Connection, statements: Statements, one: Written) -> None:
    """One document's rows."""
    target = statements.target
    finders = statements.finders(one)
    is_kept = one.gone and target.gone is not None
    rows = [] if one.gone and not is_kept else [statements.bound(row, gone=one.gone) for row in one.rows]
    _check_keys(target, one.rows)
    if is_kept and target.has_several and conn.execute(statements.mark, finders | statements.gone).rowcount:
        return  # its rows stay as they were: a list of what is gone may be empty
    if not rows or target.has_several:
        conn.execute(statements.delete, finders)
    if len(rows) == 1 and not target.has_several and conn.execute(statements.update, rows[0] | finders).rowcount:
        return
    if rows:
        conn.execute(statements.insert, rows)


def _check_keys(target: Target, rows: Sequence[Row]) -> None:
    """Two rows with one key would be one; a row without one would never be found again."""
    keys: set[tuple[str, ...]] = set()
    for row in rows:
        key = tuple("" if row.get(name) is None else str(row[name]) for name in target.key)
        if "" in key:
            raise Refused(f"the column {target.key[key.index('')]} of the key is blank")
        if key in keys:
            raise Refused(f"two of its rows have the same {', '.join(target.key)}")
        keys.add(key)
