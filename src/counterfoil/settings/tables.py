"""The configuration, declared once: each table's keys, their types, bounds, defaults, help and which are secret.

Called by loading (validation), show (redaction, help) and everybody who reads settings. Design §5.3 is the contract;
`[flows.*]` are compiled by flows.compile_flows. A field's `Meta` holds its help; `extra` its secrecy.
"""

import functools
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect

from counterfoil.model.text import END, PORT
from counterfoil.settings import companies, declaring, names, receivers, upkeep
from counterfoil.settings.secret import Secret

TOKEN_MIN: Final = 20  # characters of a key that stands in a link
KEY_FILE: Final = "counterfoil.key"
KEY_SOURCES: Final = ("master_key", "master_key_file", "master_key_command")
NAME: Final = names.NAME
Key = names.Key
HandlersSettings = receivers.HandlersSettings
NotifyTable = receivers.NotifyTable
TargetTable = receivers.TargetTable
TARGET_SECRETS: Final = receivers.TARGET_SECRETS
FEED_SECRETS: Final = receivers.FEED_SECRETS
Table = declaring.Table
KeptTable = upkeep.KeptTable
PacingTable = upkeep.PacingTable
RetentionSettings = upkeep.RetentionSettings
Mirrorable = upkeep.Mirrorable
MirrorSettings = upkeep.MirrorSettings
EntityTable = companies.EntityTable
EntitySettings = companies.EntitySettings
_SECRET: Final = {"secret": True}


class XeroSettings(Table, frozen=True, kw_only=True):
    """[xero]: the app that was registered at Xero, and where Xero is."""

    client_id: Annotated[str, msgspec.Meta(min_length=1, description="The app's client id.")]
    app: Annotated[
        Literal["web", "pkce", "custom"] | None,
        msgspec.Meta(
            description="What was registered: a web app, a PKCE app (no secret) or a custom connection. "
            "Absent: web with a client_secret, pkce without."
        ),
    ] = None
    client_secret: Annotated[
        Secret | None, msgspec.Meta(description="The app's secret; none for a PKCE app.", extra=_SECRET)
    ] = None
    webhook_keys: Annotated[
        tuple[Secret, ...], msgspec.Meta(description="Keys that sign Xero's webhooks.", extra=_SECRET)
    ] = ()
    webhook_key: Annotated[Secret | None, msgspec.Meta(description="The same, if there is one.", extra=_SECRET)] = None
    tier: Annotated[
        Literal["starter", "core", "plus", "advanced", "enterprise"], msgspec.Meta(description="The app's tier.")
    ] = "core"
    redirect_uri: Annotated[str, declaring.url("Where Xero sends the browser after consent.")] = (
        "http://localhost:8321/oauth/callback"
    )
    login_url: Annotated[str, declaring.url("Xero's consent pages.")] = "https://login.xero.com"
    identity_url: Annotated[str, declaring.url("Xero's token endpoint.")] = "https://identity.xero.com"
    api_url: Annotated[str, declaring.url("Xero's API.")] = "https://api.xero.com"
    calls_per_minute: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="Calls a minute to one organisation; Xero's limit is 60.")
    ] = 60

    @property
    def kind(self) -> Literal["web", "pkce", "custom"]:
        """What was registered at Xero: as written, else by whether there is a secret."""
        return self.app or ("pkce" if self.client_secret is None else "web")

    @property
    def is_live(self) -> bool:
        """True when this is Xero itself: what is posted stands in somebody's books."""
        host = urlsplit(self.api_url).hostname or ""
        return host == "xero.com" or host.endswith(".xero.com")


class StoreSettings(Table, frozen=True, kw_only=True):
    """[store]: our own database."""

    url: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(sqlite|postgresql)(\+[a-z0-9_]+)?://[^\r\n]*" + END,
            description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
            extra={"secret": True, "rule": "It begins with sqlite:/// or postgresql://."},
        ),
    ] = "sqlite:///counterfoil.db"
    free_min_mib: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=1 << 20, description="Less room on the database's disk: nothing new is planned; 0: never."
        ),
    ] = 100


class VaultSettings(Table, frozen=True, kw_only=True):
    """[vault]: the key that protects tokens at rest, from exactly one of three sources."""

    master_key: Annotated[
        Secret | None, msgspec.Meta(description="The master key itself, in base64.", extra=_SECRET)
    ] = None
    master_key_file: Annotated[
        Path | None, msgspec.Meta(description="The file that holds it (mode 0600); counterfoil.key if nothing is set.")
    ] = None
    master_key_command: Annotated[
        tuple[str, ...], msgspec.Meta(description="A program, with its arguments, that prints it; no shell.")
    ] = ()


class ServiceSettings(Table, frozen=True, kw_only=True):
    """[service]: our own address."""

    listen: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:/]+):" + PORT + END,
            description="Host and port to listen on.",
            extra={"rule": "HOST:PORT, such as 127.0.0.1:8321."},
        ),
    ] = "127.0.0.1:8321"
    public_url: Annotated[
        str,
        declaring.url(
            "Our address for others, the base of the links that our markers carry; not at xero.com. Absent: what `listen` says."
        ),
    ] = ""
    hosts: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:_\[\]-]{1,253}" + END)], ...],
        msgspec.Meta(
            description="More names by which the service is called, such as the one that Prometheus uses.",
            extra={"rule": 'Names without port, such as ["counterfoil"].'},
        ),
    ] = ()
    connect_token: Annotated[
        Secret | None,
        msgspec.Meta(
            description="Opens the pages of the service to whoever has it in the link, where not only this machine can "
            "reach them; at least 20 characters.",
            extra=_SECRET,
        ),
    ] = None
    log: Annotated[
        Literal["json", "text"] | None,
        msgspec.Meta(description="How the service logs to stderr. Absent: text on a terminal, else json."),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], msgspec.Meta(description="The least that is logged.")
    ] = "info"
    heartbeat_url: Annotated[
        Secret | None,
        msgspec.Meta(
            description="An https address that is asked every minute while the service is ready, so that somebody "
            "notices when it is not; it may hold a token.",
            extra=_SECRET,
        ),
    ] = None


class PostingSettings(Table, frozen=True, kw_only=True):
    """[posting]: the times of the exactly-once engine; tests shorten them."""

    request_timeout_s: Annotated[float, declaring.seconds("How long a request may take.")] = 60
    key_life_s: Annotated[float, declaring.seconds("How long Xero remembers an idempotency key.")] = 360
    quiet_s: Annotated[
        float, declaring.seconds("How long we wait before we look for what became of an unclear request.")
    ] = 180
    second_look_s: Annotated[float, declaring.seconds("The pause before the second look.")] = 60
    batch: Annotated[int, msgspec.Meta(ge=1, le=50, description="Documents in one request.")] = 50


class FileTables(Table, frozen=True, kw_only=True):
    """The whole file but for what is compiled later."""

    xero: XeroSettings
    store: StoreSettings = StoreSettings()
    vault: VaultSettings = VaultSettings()
    service: ServiceSettings = ServiceSettings()
    posting: PostingSettings = PostingSettings()
    pacing: PacingTable = PacingTable()
    retention: RetentionSettings = RetentionSettings()
    mirror: MirrorSettings = MirrorSettings()
    entities: dict[Key, EntityTable] = msgspec.field(default_factory=dict)
    notify: tuple[NotifyTable, ...] = ()
    flows: dict[Key, dict[str, Any]] = msgspec.field(default_factory=dict)
    lookups: dict[Key, dict[str, Any]] = msgspec.field(default_factory=dict)
    feeds: dict[Key, dict[str, Any]] = msgspec.field(default_factory=dict)
    handlers: HandlersSettings = HandlersSettings()


@functools.cache
def secrets() -> frozenset[tuple[str, str]]:
    """(table, key) of everything that is declared secret."""
    found = set()
    for table in _fields(FileTables):
        if isinstance(table.type, inspect.StructType):
            for field in table.type.fields:
                if isinstance(field.type, inspect.Metadata) and (field.type.extra or {}).get("secret"):
                    found.add((table.name, field.name))
    return frozenset(found)


def is_secret(path: tuple[str | int, ...]) -> bool:
    """Whether what stands at this place of the file may never be shown."""
    if path[:1] in (("notify",), ("feeds",)) and path[2:3] == ("to",):
        return receivers.is_secret(path)
    return path[:2] in secrets()


@functools.cache
def declared_types() -> dict[tuple[str, str], inspect.Type]:
    """(table, key) of every key of the plain tables, with its declared type less help and bounds' wrapping."""
    return {
        (table.name, field.name): field.type.type if isinstance(field.type, inspect.Metadata) else field.type
        for table in _fields(FileTables)
        if isinstance(table.type, inspect.StructType)
        for field in table.type.fields
    }


def _fields(struct: Any) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields
