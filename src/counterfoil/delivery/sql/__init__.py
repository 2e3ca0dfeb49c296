"""Writing rows to a customer's own table (delivery/to_sql), on Postgres or SQLite.

Called by to_sql alone. The one place in delivery/ that may import SQLAlchemy; never our own store/: the database is somebody else's.
`cells` is what a column takes. `target` is the table, `seen` remembers which change of a document was written last, `writing`
is the transaction, `outlet` opens the database and says why something was refused.
"""
