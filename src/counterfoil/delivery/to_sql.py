"""A feed to a table of the customer's own database: a row of each document, or of each element of a list of it, kept current.

Called by the engine through sinks; the work is in delivery/sql, which alone here may import SQLAlchemy. Postgres and SQLite.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sinks import Tools
from counterfoil.mapping import documents
from counterfoil.model import shape, spelling
from counterfoil.settings import FeedSettings, Secret, loading, tables

if TYPE_CHECKING:
    from counterfoil.delivery.sql.outlet import SqlOutlet
    from counterfoil.mapping.rows import RowMapper

NAME_BYTES_MAX: Final = 63  # Postgres cuts longer names off
GONE_COLUMN: Final = "gone"
_OWNERS: Final = frozenset({"entity", "tenant_id"})
_URL: Final = re.compile(r"(sqlite|postgresql)(\+[a-z0-9_]+)?://[^\s]*", re.ASCII)


class SqlTable(tables.Table, frozen=True, kw_only=True):
    """`to = { sql = "postgresql://…", table = "xero_invoices", key = ["invoice_id"] }`."""

    sql: Annotated[Secret, msgspec.Meta(description="The database: sqlite:///FILE or postgresql://USER@HOST/NAME.")]
    table: Annotated[
        str, msgspec.Meta(description='Its table, on Postgres also "schema.table"; made when it is not there.')
    ]
    key: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="The columns that tell a row from all others, the document's id among them."),
    ]
    gone: Annotated[
        Literal["delete", "keep"],
        msgspec.Meta(description="Rows of a document that Xero has no longer: deleted, or kept with true in `gone`."),
    ] = "delete"


TABLE: Final = SqlTable


def misfits(feed: FeedSettings, to: dict[str, Any]) -> list[shape.Misfit]:
    """The address, the names, and that there are columns. One key may stand without a list."""
    if isinstance(to.get("key"), str):
        to["key"] = [to["key"]]
    found = []
    if isinstance(to.get("sql"), str) and not _URL.fullmatch(to["sql"]):
        found.append(
            _wrong("sql", "is no address of a database", "Such as sqlite:///books.db or postgresql://user@host/name.")
        )
    if isinstance(to.get("table"), str) and not _are_names(*to["table"].split(".", 1)):
        found.append(_wrong("table", f"is no name of 1 to {NAME_BYTES_MAX} bytes", "Such as xero_invoices."))
    if feed.map is None:
        found.append(_wrong("sql", "needs columns", f"Write [feeds.{feed.table}.map]."))
    if isinstance(to.get("key"), list) and not to["key"]:
        found.append(_wrong("key", "names no column", 'Such as key = ["invoice_id"].'))
    return found


def unfit(feed: FeedSettings, to: SqlTable, shaped: Shape) -> list[shape.Misfit]:
    """Names that a database takes, a key that is mapped, and by which a document's rows are found again."""
    mapper = shaped.mapper
    if mapper is None:
        return []  # misfits() has said so
    names = [one.name for one in mapper.columns]
    found = [
        _at(("map", name), f"is no column's name: at most {NAME_BYTES_MAX} bytes", "Choose a shorter one.")
        for name in names
        if not _are_names(name)
    ]
    folded: dict[str, str] = {}
    for name in names:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            found.append(_at(("map", name), f"differs from `{other}` in letter case alone", "Choose another."))
    if to.gone == "keep" and GONE_COLUMN in folded:
        found.append(_at(("map", folded[GONE_COLUMN]), "is the column that says so of kept rows", "Choose another."))
    found += [
        _at(("to", "key"), f"names `{shape.shown(key)}`, which `map` does not have", spelling.suggestion(key, names))
        for key in to.key
        if key not in names
    ]
    return found or _unfit_key(feed, to, mapper)


def _unfit_key(feed: FeedSettings, to: SqlTable, mapper: "RowMapper") -> list[shape.Misfit]:
    """A document's rows are found by its id alone: a number may be given twice, and changes."""
    keyed = [one for one in mapper.columns if one.name in to.key]
    if not any(one.names == "document_id" for one in keyed):
        by_id = next((one.name for one in mapper.columns if one.names == "document_id"), None)
        remedy = f'Add "{by_id}".' if by_id else 'Map the id, such as id = "{document_id}", and name it in key.'
        reason = "holds no column that is the document's id, by which its rows are found again"
        return [_at(("to", "key"), reason, remedy)]
    shared = _shared(feed)
    if shared and not any(one.names in _OWNERS for one in keyed):
        reason = f"tells no company from another, and the ids of {shared[0]} are the same in all of them"
        return [_at(("to", "key"), reason, 'Map entity = "{entity}" and name it in key too.')]
    if mapper.each is not None and all(one.names for one in keyed):
        remedy = 'Such as key = ["invoice_id", "line"] with line = "{position}" or "{LineItemID}".'
        return [_at(("to", "key"), f"does not tell one of {mapper.each} from another", remedy)]
    return []


def _shared(feed: FeedSettings) -> list[str]:
    """The feed's resources whose ids alone do not name a document, since it is about several companies."""
    if feed.entities is not None and len(feed.entities) == 1:
        return []
    words = {pattern.partition(".")[0] for pattern in feed.on}
    return [name for name, one in documents.all_resources().items() if one.shared and words & {*one.words, "*"}]


def outlet(feed: FeedSettings, to: SqlTable, shaped: Shape, tools: Tools) -> "SqlOutlet":
    """The outlet of a feed to a table."""
    from counterfoil.delivery.sql.outlet import SqlOutlet  # with SQLAlchemy: only for those who have one
    from counterfoil.delivery.sql.target import Target

    assert shaped.mapper is not None, "misfits() has asked for it"
    columns = shaped.mapper.columns
    finding = {"document_id", *(_OWNERS if _shared(feed) else ())}
    schema, _, name = to.table.rpartition(".")
    target = Target(
        schema=schema or None, name=name, columns=columns, key=to.key,
        finders=tuple(one.name for one in columns if one.name in to.key and one.names in finding),
        gone=GONE_COLUMN if to.gone == "keep" else None, has_several=shaped.mapper.each is not None,
    )  # fmt: skip
    return SqlOutlet(feed.table, loading.absolute_url(to.sql.reveal(), tools.folder), target, shaped)


def _are_names(*names: str) -> bool:
    return all(name and name.isprintable() and len(name.encode()) <= NAME_BYTES_MAX for name in names)


def _wrong(key: str, reason: str, remedy: str) -> shape.Misfit:
    return shape.Misfit((key,), "wrong-value", reason, remedy)


def _at(path: shape.Path, reason: str, remedy: str) -> shape.Misfit:
    return shape.Misfit(path, "wrong-value", reason, remedy)
