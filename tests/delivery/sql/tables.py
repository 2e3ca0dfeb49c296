"""Feeds to a table, as tests write them, and what then stands there."""

import sqlalchemy as sa

from counterfoil.delivery import to_sql
from counterfoil.settings import FeedSettings, Secret
from tests.delivery.changing import shaped, tools

INVOICES = {
    "id": "{document_id}",
    "number": "{InvoiceNumber}",
    "total": "{Total}",
    "sent": "{SentToContact}",
    "day": "{Date}",
}
LINES = {"id": "{document_id}", "line": "{LineItemID}", "amount": "{LineAmount}", "number": "{document.InvoiceNumber}"}


def feed(columns=None, on=("invoice.*",), **more):
    """The feed's settings."""
    return FeedSettings(table="books", id="books", on=on, map=columns or INVOICES, **more)


def told(to, columns=None, each=None, resources=("Invoices",), **more):
    """What is wrong with `to`, as (path, reason, remedy)."""
    one, given = feed(columns, **more), dict(to)
    found = to_sql.misfits(one, given)
    if not found:
        found = to_sql.unfit(one, declared(given), shaped(columns or INVOICES, each, resources=resources))
    return [(misfit.path, misfit.reason, misfit.remedy) for misfit in found]


def declared(given):
    """`to` as a table."""
    return to_sql.SqlTable(**given | {"sql": Secret(given["sql"]), "key": tuple(given["key"])})


def outlet(url, columns=None, each=None, when=None, *, table="invoices", key=("id",), gone="delete", clock=None):
    """The outlet of a feed to a table."""
    to = declared({"sql": url, "table": table, "key": key, "gone": gone})
    return to_sql.outlet(feed(columns, each=each), to, shaped(columns or INVOICES, each, when), tools("/", clock))


def rows(url, table="invoices", order="id"):
    """What stands in a table, each row a dict."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as conn:
        return [dict(row._mapping) for row in conn.execute(sa.text(f"SELECT * FROM {table} ORDER BY {order}"))]


def execute(url, *statements):
    """Somebody else at the same database."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.begin() as conn:
        for one in statements:
            conn.execute(sa.text(one))
