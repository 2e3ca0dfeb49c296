"""The step that most versions need: add every table, column and index that the schema has and the database has not.

Called by migrations. It changes and drops nothing, and may be repeated. It adds what the newest schema has: a later step
that also moves data finds its tables there already.
"""

import sqlalchemy as sa

from counterfoil.store import schema


def add_missing(connection: sa.Connection) -> None:
    """Add what is missing. A column of a table that is there is null, or its default, in the rows that are there."""
    if connection.dialect.name == "postgresql":
        schema.for_postgres()
    there = sa.inspect(connection)
    names, indexes = set(there.get_table_names()), _indexes(connection)
    for table in schema.tables.sorted_tables:
        if table.name not in names:
            table.create(connection)
            continue
        columns = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                _add_column(connection, table, column)
        for index in table.indexes:
            if index.name not in indexes:
                index.create(connection)


def _add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[object]) -> None:
    assert column.nullable or column.server_default is not None, (
        f"{table.name}.{column.name}: what have old rows in it?"
    )
    spelled = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
    name = connection.dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {spelled}")


def _indexes(connection: sa.Connection) -> set[str]:
    """The names of all indexes; SQLAlchemy's own inspection leaves out those over an expression."""
    query = "SELECT name FROM sqlite_master WHERE type = 'index'"
    if connection.dialect.name == "postgresql":
        query = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
    return set(connection.execute(sa.text(query)).scalars())
