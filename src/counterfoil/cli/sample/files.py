"""What `init` and `demo` write into a folder: a commented configuration set to the sandbox, and the day's sales.

Called by those commands. Writes nothing but the two files; an existing file is never overwritten unless asked.
"""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from counterfoil.cli.sample import bad, day, goods
from counterfoil.errors import InputError

CONFIGURATION: Final = "counterfoil.toml"
SALES: Final = "sales.jsonl"
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
) -> tuple[Path, Path]:
    """Write the configuration and the sales into `folder`; returns their paths.

    `posting` sets keys of [posting] (the demo shortens its waits). Raises InputError when a file is there already and
    `overwrite` is not set, or when the folder cannot be written; then nothing of ours is left half written.
    """
    paths = folder / CONFIGURATION, folder / SALES
    if not overwrite and (there := [path.name for path in paths if path.exists()]):
        raise InputError(f"{folder} has {' and '.join(there)} already.", remedy="Choose another folder.")
    text = configuration(
        today=today, client_id=client_id, sandbox_url=sandbox_url, flow_id=flow_id, listen=listen, posting=posting
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(paths[1], b"".join(line + b"\n" for line in lines(today, seed)))
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
    return f"{head}\n{entities}\n{_FLOW.format(flow_id=flow_id, source=SALES)}"


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
