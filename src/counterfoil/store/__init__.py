"""The only door to our database: schema, queries, migrations.

Called by access, mirror, posting and app. The only folder that may import SQLAlchemy or a driver. A query module holds
plain functions `f(conn, …)` named by what they do; a transaction is a plain function of a connection that
`Database.run` carries out, so that work which belongs together commits together.
"""
