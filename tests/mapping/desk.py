"""A configuration and a little table, as a test writes them: TOML below [flows.shop], cells between bars."""

import hashlib
import json
import tempfile
import zoneinfo
from pathlib import Path

from counterfoil import mapping, settings
from counterfoil.model import records
from counterfoil.model.sheet import SheetRow

LONDON = zoneinfo.ZoneInfo("Europe/London")
TOP = '[xero]\nclient_id = "x"\n[entities.acme-uk]\n'
FLOW = """[flows.shop]
id = "f7k2m9"
kind = "sales_invoices"
entity = "acme-uk"
source = { csv = "orders.csv" }
"""
MAP = """group_by = "{Order}"
[flows.shop.read]
date = "%d/%m/%Y"
[flows.shop.map]
external_id = "{Order}"
contact = { external_id = "=lower(head.Email)", name = "{Customer}", email = "{Email}" }
date = "{Ordered on}"
"""
LINE = """[[flows.shop.line]]
description = "{Item}"
quantity = "{Qty}"
unit_amount = "{Price}"
account = "sales"
tax = "standard"
"""
TABLE = """
    Order | Email      | Customer      | Ordered on | Item    | Qty | Price | Total
    1001  | AP@fern.uk | Blue Fern Ltd | 03/04/2026 | Widgets | 2   | 10.50 | 25.20
    1001  |            |               |            | Gloves  | 1   | 3.00  |
"""


def configuration(text):
    """The settings of a whole file, and the folder that it is in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counterfoil.toml"
        path.write_text(text, encoding="utf-8")
        return settings.load(path, None, {})


def flow(text=FLOW + MAP + LINE):
    """The flow `shop`, compiled."""
    return settings.compile_flows(configuration(TOP + text), ["sales_invoices"])["shop"]


def mapper(text=FLOW + MAP + LINE, columns=None):
    """Its mapper."""
    found = mapping.compile_flow(flow(text), records.SalesInvoice, columns)
    assert isinstance(found, mapping.Mapper), "\n".join(map(str, found))
    return found


def mistakes(text, columns=None):
    """What is wrong with its mapping, as it is printed."""
    found = mapping.compile_flow(flow(text), records.SalesInvoice, columns)
    return [] if isinstance(found, mapping.Mapper) else [str(mistake) for mistake in found]


def sheet(cells, number=2, file="orders.csv", group=None):
    """One row."""
    digest = hashlib.sha256(json.dumps(cells).encode()).hexdigest()
    return SheetRow(f"{file}:{number}", cells, digest, group)


def rows(table=TABLE):
    """The rows of a little table; its header names the columns."""
    lines = [line for line in table.splitlines() if line.strip()]
    split = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [sheet(dict(zip(split[0], row, strict=True)), n) for n, row in enumerate(split[1:], 2)]


def record(the_mapper, the_rows, zone=LONDON):
    """The record as plain JSON; fails with the findings when there is none."""
    found = the_mapper.record(the_rows, zone)
    assert not isinstance(found, tuple), [finding.reason for finding in found]
    return json.loads(found.raw)


def reasons(the_mapper, the_rows, zone=LONDON):
    """What is wrong with the rows."""
    found = the_mapper.record(the_rows, zone)
    assert isinstance(found, tuple), found
    return [finding.reason for finding in found]
