"""What `init` and `demo` write into a folder: a commented configuration set to the sandbox, the day's sales, an export.

Called by those commands. Writes nothing but the three files; an existing file is never overwritten unless asked.
"""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from counterfoil.cli.sample import bad, day, goods, orders
from counterfoil.errors import InputError

CONFIGURATION: Final = "counterfoil.toml"
SALES: Final = "sales.jsonl"
ORDERS: Final = "orders.csv"
_EVERY: Final = 32  # a bad line stands after so many good ones


def lines(today: datetime.date, seed: int = 7) -> Iterator[bytes]:
    """The 400 lines of sales.jsonl without their ends: good sales with the dozen bad ones among them."""
    spoilt = iter(bad.bad_lines(today))
    for index, sale in enumerate(day.sales(today, seed), start=1):
        yield bad.line_of(sale)
        if index % _EVERY == 0:
            yield next(spoilt)


def write_files(
    folder: Path,
    *,
    today: datetime.date,
    client_id: str,
    sandbox_url: str = "http://localhost:8320",
    flow_id: str = "shop",
    listen: str = "127.0.0.1:8321",
    posting: Mapping[str, float] | None = None,
    seed: int = 7,
    overwrite: bool = False,
) -> tuple[Path, Path, Path]:
    """Write the configuration, the sales and the web shop's export into `folder`; returns their paths.

    `posting` sets keys of [posting] (the demo shortens its waits). Raises InputError when a file is there already and
    `overwrite` is not set, or when the folder cannot be written; then nothing of ours is left half written.
    """
    paths = folder / CONFIGURATION, folder / SALES, folder / ORDERS
    if not overwrite and (there := [path.name for path in paths if path.exists()]):
        raise InputError(f"{folder} has {' and '.join(there)} already.", remedy="Choose another folder.")
    text = configuration(
        today=today, client_id=client_id, sandbox_url=sandbox_url, flow_id=flow_id, listen=listen, posting=posting
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(paths[1], b"".join(line + b"\n" for line in lines(today, seed)))
        _write(paths[2], orders.text(today).encode())
        _write(paths[0], text.encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{folder} cannot be written: {reason}.", remedy="Choose another folder.") from error
    return paths


def configuration(
    *,
    today: datetime.date,
    client_id: str,
    sandbox_url: str,
    flow_id: str,
    listen: str,
    posting: Mapping[str, float] | None = None,
) -> str:
    """The commented counterfoil.toml."""
    port = listen.rpartition(":")[2]
    times = "\n".join(f"{key} = {value}" for key, value in (posting or {}).items()) or _POSTING_DEFAULTS
    head = _HEAD.format(url=sandbox_url, client_id=client_id, listen=listen, port=port, posting=times)
    entities = "\n".join(_entity(company, today) for company in goods.COMPANIES)
    return f"{head}\n{entities}\n{_FLOW.format(flow_id=flow_id, source=SALES)}\n{_ORDERS}"


def _entity(company: goods.Company, today: datetime.date) -> str:
    accounts = ", ".join(f'{name} = "{code}"' for name, code in company.accounts.items())
    taxes = ", ".join(f'{name} = "{written}"' for name, (written, _, _) in company.taxes.items())
    closed = ""
    if company.key == goods.COMPANIES[0].key:
        closed = f'closed_through = "{bad.closed_through(today)}"   # these books are closed, whatever Xero allows\n'
    return _ENTITY.format(
        key=company.key, organisation=company.organisation, accounts=accounts, taxes=taxes, closed=closed
    )


def _write(path: Path, content: bytes) -> None:
    """The whole file or nothing: written beside and then moved into place."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


_POSTING_DEFAULTS: Final = """\
# request_timeout_s = 60     # how long one request may take
# key_life_s        = 360    # how long Xero remembers an idempotency key
# quiet_s           = 180    # how long we wait before we look for what became of an unclear request"""
_HEAD: Final = """\
# Counterfoil's configuration. A typo is an error with its line. Strings may use ${{NAME}} from the environment;
# COUNTERFOIL_XERO__CLIENT_ID and its like override [xero], [store], [vault], [service] and [posting].
# Relative paths are relative to this file. `counterfoil config show` prints what is in force.

[xero]
# The sandbox's app. Yours is at developer.xero.com; a PKCE app has no secret, others name theirs in
# client_secret_file. For Xero itself take the three addresses out.
client_id    = "{client_id}"
tier         = "core"   # starter | core | plus | advanced | enterprise
redirect_uri = "http://localhost:{port}/oauth/callback"
login_url    = "{url}"
identity_url = "{url}"
api_url      = "{url}"

[store]
url = "sqlite:///counterfoil.db"   # or postgresql://USER@HOST/DATABASE

[vault]
master_key_file = "counterfoil.key"   # protects the tokens: keep it, and not beside your backups

[service]
listen     = "{listen}"
public_url = "http://localhost:{port}"   # the base of the links that our invoices carry

[posting]
{posting}

# Who is told when a person is needed; then try `counterfoil notify test`. Also webhooks and e-mail addresses.
# [[notify]]
# when = ["reconnect", "stopped", "problems", "uncertain > 30m"]
# to   = {{ command = ["./tell-me.sh"] }}

# One table for each of your companies. `organisation` is its name in Xero: another is never bound. `accounts` and
# `taxes` are your own names for Xero's. start = "2026-11-01" would keep everything older out.
"""
_ENTITY: Final = """\
[entities.{key}]
organisation = "{organisation}"
{closed}accounts = {{ {accounts} }}
taxes    = {{ {taxes} }}
"""
_FLOW: Final = """\
# One table for each flow. Without `entity` each record names its own.
[flows.shop]
id     = "{flow_id}"   # what postings remember; stays when the table is renamed
kind   = "sales_invoices"
source = {{ jsonl = "{source}" }}
status = "DRAFT"   # DRAFT | SUBMITTED | AUTHORISED; a record's own status wins
on_namesake = "hold"   # hold | link | new: when Xero has a contact of that name without our number
lock_date = "refuse"   # hold | next-open-day | refuse: when a sale's day is locked in Xero or closed above
"""
_ORDERS: Final = """\
# A web shop's export: one row per line, the order's own columns on its first row. `counterfoil flow test web` shows what
# becomes of an order.
[flows.web]
id       = "web"
kind     = "sales_invoices"
entity   = "acme-uk"
source   = { csv = "orders.csv" }
group_by = "{Name}"   # rows with the same order number make one record
status   = "DRAFT"

[flows.web.read]
decimal = "."
date    = "%Y-%m-%d %H:%M:%S %z"   # an instant; it becomes the organisation's own day

[flows.web.map]
external_id = "=replace(head.Name, '#', 'web-')"
number      = "=replace(head.Name, '#', 'WEB-')"
contact     = { external_id = "=lower(head.Email)", name = "{Billing name}", email = "{Email}" }
date        = "{Created at}"
currency    = "{Currency}"
reference   = "{Discount code}"

[[flows.web.line]]   # every row is a line …
description     = "{Item name}"
quantity        = "{Item quantity}"
unit_amount     = "{Item price}"
discount_amount = "{Item discount}"
account         = "sales"
tax             = { lookup = "vat", key = "{Item VAT}" }

[[flows.web.line]]   # … delivery is one of the order …
each        = "record"
when        = "=nonzero(head.Shipping)"
description = "Delivery: {Shipping method}"
quantity    = "1"
unit_amount = "{Shipping}"
account     = "shipping"
tax         = "standard"

[[flows.web.line]]   # … and so is a gift card that paid a part
each        = "record"
when        = "=nonzero(head['Gift card'])"
description = "Paid by gift card"
quantity    = "1"
unit_amount = "=neg(head['Gift card'])"
account     = "gift-cards"
tax         = "none"

[flows.web.check]
total      = "{Total}"
difference = { up_to = "0.05", as = "tax" }   # the shop rounds VAT per order, Xero per line

[lookups.vat]
rows = { "VAT 20%" = "standard", "VAT 5%" = "reduced", "VAT 0%" = "zero" }
"""
