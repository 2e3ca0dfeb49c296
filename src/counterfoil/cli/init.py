"""`counterfoil init [DIR]`: a configuration set to the sandbox, a master key and a day of sample sales.

Nothing is overwritten. Prints what to type at developer.xero.com when the sandbox is no longer enough.
"""

import datetime
import secrets
from pathlib import Path
from typing import Final

import typer

from counterfoil.cli import session
from counterfoil.cli.screen import Screen

app = session.app()
FLOW_ID_CHARACTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
FLOW_ID_LENGTH: Final = 6
KEY: Final = "counterfoil.key"
REDIRECT_URI: Final = "http://localhost:8321/oauth/callback"
GIT_IGNORE: Final = "counterfoil*.key\n*.db*\n*.sentinel\n*.backup\ncounterfoil-crash-*\n"


@app.command()
def init(
    context: typer.Context, folder: Path = typer.Argument(Path(), metavar="[DIR]", help="Where; default: here.")
) -> None:
    """A commented configuration for the sandbox, a master key and sample data."""
    from counterfoil.access import key_file
    from counterfoil.cli.sample import files
    from counterfoil.sandbox.world import PUBLIC_CLIENT_ID

    now = session.of(context)
    flow_id = new_flow_id()
    today = datetime.datetime.now(datetime.UTC).astimezone().date()
    configuration, sales, orders = files.write_files(folder, today=today, client_id=PUBLIC_CLIENT_ID, flow_id=flow_id)
    key = folder / KEY
    if not key.exists():
        key_file.new(key)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(GIT_IGNORE)
    scopes = _scopes()
    now.screen.value(
        {
            "configuration": str(configuration), "records": str(sales), "export": str(orders), "master_key": str(key),
            "redirect_uri": REDIRECT_URI, "scopes": scopes,
        }
    )  # fmt: skip
    _tell(now.screen, configuration, sales, orders, key, scopes)
    config = "" if folder == Path() else f" --config {configuration}"
    now.screen.next(f"counterfoil sandbox, and in another window: counterfoil connect{config}")


def new_flow_id() -> str:
    """An id for a flow: what its postings remember."""
    return "".join(secrets.choice(FLOW_ID_CHARACTERS) for _ in range(FLOW_ID_LENGTH))


def _scopes() -> list[str]:
    from counterfoil import flows
    from counterfoil.app import needs
    from counterfoil.xero import scopes

    return [*scopes.SIGN_IN, *needs.of_kinds(tuple(flows.kinds()))]


def _tell(screen: Screen, configuration: Path, sales: Path, orders: Path, key: Path, scopes: list[str]) -> None:
    screen.line(f"{configuration}  the configuration, set to the sandbox")
    screen.line(f"{sales}  a day of sample sales")
    screen.line(f"{orders}  a web shop's export of 400 orders")
    screen.line(f"{key}  the master key of the stored consents; not in backups: keep a copy apart from them")
    screen.line("  Losing that key costs connecting again, never postings: `counterfoil keys replace`.")
    screen.line("\nFor Xero itself, make an app at https://developer.xero.com/app/manage:")
    screen.line("  Integration type   Mobile or desktop app (PKCE); or Web app, then set client_secret_file;")
    screen.line('                     or Custom connection, then set client_secret_file and app = "custom"')
    screen.line("  Company URL        your own site")
    screen.line(f"  Redirect URI       {REDIRECT_URI}")
    screen.line("and put its client id into [xero]; take the three addresses out. It will be asked for these scopes:")
    screen.line("  " + " ".join(scopes))
