"""One row of a table as a source read it: named cells, all of them text, and where it stands.

Made by sources/, spooled by store/, read by mapping/. Text, because only the configuration says what "1.234,56" means.
"""

import msgspec


class SheetRow(msgspec.Struct, frozen=True):
    """One row.

    `source` is where a person finds it ("orders.csv:17"). `cells` holds the text of each column by its name, "" where
    the cell is blank; objects of JSON are flattened to dotted names ("customer.name"), null is "", booleans are "true"
    and "false", numbers stand as they were written. `hash` is SHA-256 in hex of the row. Rows that were taken out of
    one JSON object share a `group`; None: the row is on its own.
    """

    source: str
    cells: dict[str, str]
    hash: str
    group: str | None = None
