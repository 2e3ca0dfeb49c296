"""The customer's table: made when it is not there, else looked at once; never altered.

Called by outlet, in its transaction. What a column of ours becomes when we make the table:

    what it holds    Postgres       SQLite
    text             text           TEXT
    amount           numeric        TEXT      (SQLite's NUMERIC is a float)
    whole            bigint         INTEGER
    day              date           TEXT      ("2026-11-02")
    instant          timestamptz    TEXT      ("2026-11-02T09:30:00.000Z")
    yes or no        boolean        INTEGER   (1 and 0)
    json             jsonb          TEXT
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql import quoted_name

from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.sql.cells import Taken
from counterfoil.mapping.rows import RowColumn
from counterfoil.model import spelling

OURS: Final = frozenset({"happenings", "mirrored", "postings"})  # no customer has all three
_TYPES: Final[Mapping[str, tuple[Any, Any]]] = {
    "text": (sa.Text(), sa.Text()),
    "amount": (sa.Numeric(), sa.Text()),
    "whole": (sa.BigInteger(), sa.Integer()),
    "day": (sa.Date(), sa.Text()),
    "instant": (sa.DateTime(timezone=True), sa.Text()),
    "yes_no": (sa.Boolean(), sa.Integer()),
    "json": (postgresql.JSONB(), sa.Text()),
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The table as the configuration wants it. `gone`: the column that says so, None: rows of what is gone are deleted.

    `has_several`: a document has a row of each element. `finders`: the columns by which a document's rows are found.
    """

    schema: str | None
    name: str
    columns: tuple[RowColumn, ...]
    key: tuple[str, ...]
    finders: tuple[str, ...]
    gone: str | None
    has_several: bool

    @property
    def full(self) -> str:
        """Its name for people, and for `seen`."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Found(msgspec.Struct, frozen=True):
    """The table as it is: what each of our columns takes, and the columns to write with."""

    table: Any  # sa.TableClause
    columns: Mapping[str, Any]  # name → sa.ColumnClause
    taken: Mapping[str, Taken]


def found(conn: sa.Connection, target: Target) -> Found:
    """The table, made when it is not there. Raises NotDelivered for one that lacks columns."""
    inspector = sa.inspect(conn)
    if set(inspector.get_table_names()) >= OURS:
        raise NotDelivered("this is Counterfoil's own database: give the table another one")
    if target.schema is not None and conn.dialect.name == "sqlite":
        raise NotDelivered(f"SQLite has no schema {target.schema}: take it out of `table`")
    if not inspector.has_table(target.name, schema=target.schema):
        if target.schema is not None and target.schema not in inspector.get_schema_names():
            raise NotDelivered(f"there is no schema {target.schema}: make it, or take it out of `table`")
        wanted(target, conn.dialect.name).create(conn)
        inspector = sa.inspect(conn)
    types = {one["name"]: one["type"] for one in inspector.get_columns(target.name, schema=target.schema)}
    names = _names(target)
    missing = [name for name in names if name not in types]
    if missing:
        raise NotDelivered(_lacking(target, missing, types, conn.dialect))
    is_sqlite = conn.dialect.name == "sqlite"
    columns = {name: sa.column(_quoted(name), None if is_sqlite else types[name]) for name in names}
    table: Any = sa.table(_quoted(target.name), *columns.values(), schema=_quoted(target.schema))
    return Found(table, columns, {name: _taken(types[name], is_sqlite=is_sqlite) for name in names})


def is_absent(conn: sa.Connection, target: Target) -> bool:
    """Whether there is no such table."""
    return not sa.inspect(conn).has_table(target.name, schema=target.schema)


def lacking(conn: sa.Connection, target: Target) -> str:
    """How the table will be made, or which columns it lacks; "": nothing is to be done. Writes nothing."""
    inspector = sa.inspect(conn)
    if not inspector.has_table(target.name, schema=target.schema):
        return f"The table {target.full} will be made: {' '.join(statement(target, conn.dialect).split())}"
    types = {one["name"]: one["type"] for one in inspector.get_columns(target.name, schema=target.schema)}
    names = [name for name in _names(target) if name not in types]
    return f"In the database {_lacking(target, names, types, conn.dialect)}." if names else ""


def _names(target: Target) -> list[str]:
    return [*(one.name for one in target.columns), *([target.gone] if target.gone else [])]


def wanted(target: Target, dialect: str) -> sa.Table:
    """The table that we make."""
    columns = [
        sa.Column(_quoted(one.name), _type(one.kind, dialect), nullable=one.name not in target.key)
        for one in target.columns
    ]
    if target.gone is not None:
        columns.append(sa.Column(_quoted(target.gone), _type("yes_no", dialect), nullable=True))
    key = sa.PrimaryKeyConstraint(*(_quoted(one) for one in target.key))
    return sa.Table(_quoted(target.name), sa.MetaData(), *columns, key, schema=_quoted(target.schema))


def statement(target: Target, dialect: sa.Dialect) -> str:
    """What makes the table, for somebody who wants to make it himself."""
    return str(CreateTable(wanted(target, dialect.name)).compile(dialect=dialect)).strip()


def _lacking(target: Target, missing: Sequence[str], types: Mapping[str, Any], dialect: sa.Dialect) -> str:
    kinds: dict[str, str] = {one.name: one.kind for one in target.columns}
    quote = dialect.identifier_preparer.quote_identifier
    table = ".".join(quote(one) for one in (target.schema, target.name) if one)
    altering = "; ".join(
        f"ALTER TABLE {table} ADD COLUMN {quote(name)} {_type(kinds.get(name, 'yes_no'), dialect.name).compile(dialect)}"
        for name in missing
    )
    near = spelling.nearest(missing[0], types)
    hint = f" (it has {near})" if near else ""
    return f"the table {target.full} has no column {', '.join(missing)}{hint}. Its owner may add it: {altering}"


def _type(kind: str, dialect: str) -> Any:
    return _TYPES[kind][dialect == "sqlite"]


def _taken(type_: Any, *, is_sqlite: bool) -> Taken:
    """What a column of this type takes. SQLite keeps text as it is in whatever it calls a date, and would make floats of amounts."""
    if isinstance(type_, sa.Boolean):
        return Taken("whole" if is_sqlite else "yes_no")
    if isinstance(type_, sa.Integer):
        return Taken("whole")
    if is_sqlite:
        return Taken("text", length=getattr(type_, "length", None) if isinstance(type_, sa.String) else None)
    if isinstance(type_, sa.Float):
        return Taken("amount")
    if isinstance(type_, sa.Numeric):
        return Taken("amount", digits=type_.precision, places=type_.scale if type_.precision is not None else None)
    if isinstance(type_, sa.Date):
        return Taken("day")
    if isinstance(type_, sa.DateTime):
        return Taken("instant" if type_.timezone else "moment")
    if isinstance(type_, sa.Uuid):
        return Taken("uuid")
    if isinstance(type_, sa.JSON):
        return Taken("json")
    return Taken("text", length=type_.length if isinstance(type_, sa.String) else None)


def _quoted(name: str | None) -> Any:
    return None if name is None else quoted_name(name, quote=True)
