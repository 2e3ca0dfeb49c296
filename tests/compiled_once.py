"""What SQLAlchemy works out anew for each engine, kept for all engines of SQLite in this process.

Called by conftest. A process of the product has one engine and compiles each statement once; a run of the tests has
thousands of them, and compiling for each was a sixth of its CPU. Nothing else is shared: connections, transactions and
files are each engine's own. Tables are made by the words that SQLAlchemy itself said when it made them first.
"""

from typing import Any

import sqlalchemy as sa

from counterfoil.store import schema

STATEMENTS_MAX = 4_000  # kept compiled; as many as the product's and the tests' own are, and more
# What is there was made by these words; SQLite keeps them, and makes indexes of its own without.
MADE = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"


def begin() -> None:
    """From here on engines and empty databases of this process cost a part of it."""
    make, create_all = sa.create_engine, schema.tables.create_all
    template = make("sqlite://", query_cache_size=STATEMENTS_MAX)
    with template.connect() as connection:  # by then the dialect has asked the driver what it can
        create_all(connection)
        made = [row[0] for row in connection.exec_driver_sql(MADE)]
    template.dispose()

    def engine(url: Any, **options: Any) -> sa.Engine:
        new = make(url, **options)
        if type(new.dialect) is type(template.dialect) and not options.keys() - {"poolclass", "connect_args"}:
            new.dialect = new.pool._dialect = template.dialect
            new._compiled_cache = template._compiled_cache
        return new

    def tables(bind: Any, **options: Any) -> None:
        empty = bind.dialect is template.dialect and not bind.exec_driver_sql("SELECT 1 FROM sqlite_master").fetchone()
        if not empty or options:
            create_all(bind, **options)
        else:
            for statement in made:
                bind.connection.execute(statement)

    sa.create_engine, schema.tables.create_all = engine, tables  # type: ignore[method-assign]
