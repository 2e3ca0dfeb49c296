"""Statements compiled once per kind of database and then handed to its driver, for what runs once per batch or record.

Called by the query modules of this folder. SQLAlchemy compiles a cached statement anew into its key each time; measured
on a run of 10,000 records that was two thirds of our CPU. Column types still decide how values are written and read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles

from counterfoil.store import types

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
        return f"{column} = ANY({values})"
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - a compiled column and a bound parameter


class _Compiled:
    """A statement in one database's own words."""

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = compiled.string
        self.fixed = dict(compiled.params)
        self.order: list[str] | None = compiled.positiontup if compiled.positional else None
        self.writers = _converters({name: bind.type for name, bind in compiled.binds.items()}, dialect, write=True)
        columns = getattr(statement, "selected_columns", ())
        self.readers = _converters({n: column.type for n, column in enumerate(columns)}, dialect, write=False)
        free = [name for name, bind in compiled.binds.items() if bind.required]
        self.free = [(name, self.writers[name]) for name in free if name in self.writers]
        self.settled = {name: self._write(name, value) for name, value in self.fixed.items() if name not in free}

    def _write(self, name: str, value: Any) -> Any:
        writer = self.writers.get(name)
        return value if writer is None or value is None else writer(value)

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        named = {**self.settled, **values} if self.order is None or self.settled else values
        written = {name: writer(values[name]) for name, writer in self.free if values[name] is not None}
        if self.order is None:
            return {**named, **written}
        return tuple([written[name] if name in written else named[name] for name in self.order])


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
        """Every row of a SELECT, each `make(*columns)`."""
        here = self._of(connection)
        readers = list(here.readers.items())
        result = connection.exec_driver_sql(here.text, here.parameters(values))
        assert result.cursor is not None, "rows are a SELECT's"
        raws = result.cursor.fetchall()
        result.close()
        found: list[R] = []
        for raw in raws:
            row = list(raw)
            for position, reader in readers:
                if row[position] is not None:
                    row[position] = reader(row[position])
            found.append(make(*row))
        return found

    def run(self, connection: sa.Connection, **values: Any) -> int:
        """Carry out a write once; → how many rows it changed."""
        here = self._of(connection)
        return connection.exec_driver_sql(here.text, here.parameters(values)).rowcount

    def run_many(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Carry out a write for each of the rows."""
        here = self._of(connection)
        parameters: Sequence[Any] = [here.parameters(row) for row in rows]
        if parameters:
            connection.exec_driver_sql(here.text, parameters)
