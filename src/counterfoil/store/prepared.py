"""Statements compiled once per kind of database and then handed to its driver, for what runs once per batch or record.

Called by the query modules of this folder. SQLAlchemy compiles a cached statement anew into its key each time; measured
on a run of 10,000 records that was two thirds of our CPU. Column types still decide how values are written and read.
"""

import functools
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles

from counterfoil.store import types

STATEMENTS_MAX: Final = 256  # kept, by which columns they fill and what all rows have alike
WORD: Final = re.compile("[a-z_]{0,20}")

R = TypeVar("R")
Convert = Callable[[Any], Any]


def insert(dialect: str) -> Callable[[sa.Table], Any]:
    """The INSERT that knows ON CONFLICT, of a kind of database."""
    if dialect == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # 0.5 s that only Postgres needs

    return postgresql.insert


class Many(sa.TypeDecorator[Any]):
    """A list handed over as one value: an array on Postgres, JSON on SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """The column's form in this database."""
        chosen: sa.types.TypeEngine[Any] = self.impl_instance
        if dialect.name == "postgresql":
            chosen = sa.ARRAY(self.item)
        return dialect.type_descriptor(chosen)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """The list in this form."""
        return list(value) if dialect.name == "postgresql" else msgspec.json.encode(list(value)).decode()


class Among(sa.ColumnElement[bool]):
    """`column` is one of the values of the parameter `name`, however many: one statement for every number of values."""

    inherit_cache = False
    type: Any = sa.types.NullType()  # a Boolean would be compared with 1 on SQLite, and no index used

    def __init__(self, column: sa.ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values = sa.bindparam(name, type_=Many(column.type))


@compiles(Among)
def _among(element: Among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.column, **more), compiler.process(element.values, **more)
    if compiler.dialect.name == "postgresql":
        return f"({column} = ANY({values}))"
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 - a compiled column and a bound parameter


class _Compiled:
    """A statement in one database's own words, and how its values are written and its columns read."""

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = compiled.string
        writers = _converters({name: bind.type for name, bind in compiled.binds.items()}, dialect, write=True)
        free = {name for name, bind in compiled.binds.items() if bind.required}
        settled = {name: value for name, value in compiled.params.items() if name not in free}
        self._settled = {name: _written(writers.get(name), value) for name, value in settled.items()}
        order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._pick = operator.itemgetter(*order) if order and len(order) > 1 else None
        self._only = order[0] if order and len(order) == 1 else None
        self._by_name = order is None
        places = enumerate(order) if order is not None else ((name, name) for name in free)
        self._writers = [(place, writers[name]) for place, name in places if name in free and name in writers]
        columns = getattr(statement, "exported_columns", ())
        self._readers = list(_converters({n: c.type for n, c in enumerate(columns)}, dialect, write=False).items())

    def parameters(self, given: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        values = {**self._settled, **given} if self._settled else given
        here: Any
        if self._by_name:
            here = dict(values)
        elif self._pick is not None:
            here = list(self._pick(values))
        else:
            here = [] if self._only is None else [values[self._only]]
        for place, writer in self._writers:
            if here[place] is not None:
                here[place] = writer(here[place])
        return here

    def parameters_of_many(self, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
        """The same for each of the rows, a column after the other: that costs a third less."""
        if self._by_name or self._settled or self._pick is None:
            return [self.parameters(row) for row in rows]
        found = [list(values) for values in map(self._pick, rows)]
        for place, writer in self._writers:
            for values in found:
                if values[place] is not None:
                    values[place] = writer(values[place])
        return found

    def read(self, raws: list[tuple[Any, ...]], make: Callable[..., R]) -> list[R]:
        """Each row as `make(*columns)`."""
        if not self._readers:
            return [make(*raw) for raw in raws]
        found: list[R] = []
        for raw in raws:
            row = list(raw)
            for position, reader in self._readers:
                if row[position] is not None:
                    row[position] = reader(row[position])
            found.append(make(*row))
        return found


def _written(writer: Convert | None, value: Any) -> Any:
    return value if writer is None or value is None else writer(value)


def _converters(given: Mapping[Any, Any], dialect: sa.Dialect, *, write: bool) -> dict[Any, Convert]:
    """Per name or position how a value is written or read; those that stay as they are have none."""
    found: dict[Any, Convert] = {}
    for key, type_ in given.items():
        impl = type_.dialect_impl(dialect)
        if isinstance(impl, types.Direct):
            convert = impl.written if write else impl.read
        else:
            convert = impl.bind_processor(dialect) if write else impl.result_processor(dialect, None)
        if convert is not None:
            found[key] = convert
    return found


def drive(connection: sa.Connection, text: str, parameters: Any = (), *, many: bool = False) -> Any:
    """Hand words and values to the driver itself; → its cursor. Raises what SQLAlchemy raises.

    `exec_driver_sql` describes the columns of every result anew: a fifth of the database thread's CPU.
    """
    cursor: Any = None
    dialect = connection.dialect
    driver: Any = dialect.loaded_dbapi
    try:
        cursor = connection.connection.cursor()
        (cursor.executemany if many else cursor.execute)(text, parameters)
    except driver.Error as cause:
        is_lost = dialect.is_disconnect(cause, connection.connection, cursor)
        if is_lost:
            connection.invalidate(cause)
        raise sa.exc.DBAPIError.instance(
            text, None, cause, driver.Error, connection_invalidated=is_lost, dialect=dialect
        ) from cause
    return cursor


class Prepared:
    """One statement; its free values are `sa.bindparam`s without a value."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def _of(self, connection: sa.Connection) -> _Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _Compiled(self._statement, connection.dialect)
        return self._compiled[name]

    def rows(self, connection: sa.Connection, make: Callable[..., R], **values: Any) -> list[R]:
        """Every row of a SELECT or of a RETURNING, each `make(*columns)`."""
        here = self._of(connection)
        cursor = drive(connection, here.text, here.parameters(values))
        driver: Any = connection.dialect.loaded_dbapi
        try:
            raws = cursor.fetchall()
        except driver.Error as cause:  # a row that cannot be read: SQLite keeps any bytes as text
            raise sa.exc.DBAPIError.instance(here.text, None, cause, driver.Error) from cause
        cursor.close()
        return here.read(raws, make)

    def tuples(self, connection: sa.Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row, its columns as a tuple."""
        return self.rows(connection, _tuple, **values)

    def first(self, connection: sa.Connection, **values: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        found = self.tuples(connection, **values)
        return found[0][0] if found else None

    def run(self, connection: sa.Connection, **values: Any) -> int:
        """Carry out a write once; → how many rows it changed."""
        here = self._of(connection)
        cursor = drive(connection, here.text, here.parameters(values))
        count: int = cursor.rowcount
        cursor.close()
        return count

    def run_many(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Carry out a write for each of the rows."""
        here = self._of(connection)
        parameters = here.parameters_of_many(rows)
        if parameters:
            drive(connection, here.text, parameters, many=True).close()


def insert_many(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    skip_existing: bool = False,
    words: Sequence[str] = (),
) -> None:
    """Insert rows that name the same columns. `skip_existing`: one that breaks a unique index is left out.

    Columns that no row fills are not even named: the driver takes longer for a NULL than for a text, and of the 40
    columns of a new posting 13 are empty (measured: 40 % of its INSERT). `words`: columns that hold nothing but our own
    words and small numbers; where all rows have the same, it stands in the statement and is not handed over.
    """
    if rows:
        alike = {name: rows[0][name] for name in words if is_alike(name, rows)}
        filled = tuple(name for name in rows[0] if any(row[name] is not None for row in rows))
        handed = tuple(name for name in filled if name not in alike)
        same = tuple((name, alike[name]) for name in filled if name in alike)
        _insert_into(table, handed, same, connection.dialect.name, skip_existing).run_many(connection, rows)


def is_alike(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column is the same in all rows."""
    value = rows[0][name]
    return all(row[name] == value for row in rows)


def said(value: str | int | None) -> Any:
    """A word of ours, a number, a truth or nothing as it stands in a statement; never a text from outside."""
    if value is None:
        return sa.null()
    if isinstance(value, bool):
        return sa.true() if value else sa.false()
    if isinstance(value, int):
        return sa.literal_column(str(value))
    assert WORD.fullmatch(value), f"{value!r} is no word of ours"
    return sa.literal_column(f"'{value}'")


@functools.lru_cache(STATEMENTS_MAX)
def _insert_into(
    table: sa.Table, handed: tuple[str, ...], alike: tuple[tuple[str, Any], ...], dialect: str, skip_existing: bool
) -> Prepared:
    values = {name: sa.bindparam(name) for name in handed} | {name: said(value) for name, value in alike}
    statement: Any = insert(dialect)(table).values(values)
    return Prepared(statement.on_conflict_do_nothing() if skip_existing else statement)


def _tuple(*columns: Any) -> tuple[Any, ...]:
    return columns
