"""From a TOML file, its overlay and the environment to Settings; every mistake is reported at once, with its line.

Called by app.py and the commands. Order: the file, `NAME.toml` laid over it, COUNTERFOIL_<TABLE>__<KEY>, `${NAME}` in
strings of the files, `<key>_file` of secrets, then the declarations of tables. Reads files, nothing else.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil.errors import ConfigurationError
from counterfoil.model import shape
from counterfoil.settings import filling, pacing, reading, tables, targets, toml_lines
from counterfoil.settings.mistakes import Where, mistakes, place, told
from counterfoil.settings.secret import Secret

FILE_BYTES_MAX: Final = 1 << 20


class RawFlow(msgspec.Struct, frozen=True):
    """A flow's table before its kind compiles it: `values` as TOML has them, `where` the place of each key."""

    table: str
    values: dict[str, Any]
    where: Where


class RawLookup(msgspec.Struct, frozen=True):
    """A lookup's table before lookups compiles it."""

    name: str
    values: dict[str, Any]
    where: Where


class RawFeed(msgspec.Struct, frozen=True):
    """A feed's table before delivery compiles it."""

    table: str
    values: dict[str, Any]
    where: Where


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. `path` is the file, `environment` the name given with --env ("" for none)."""

    path: Path
    environment: str
    xero: tables.XeroSettings
    store: tables.StoreSettings
    vault: tables.VaultSettings
    service: tables.ServiceSettings
    posting: tables.PostingSettings
    pacing: pacing.PacingSettings
    retention: tables.RetentionSettings = tables.RetentionSettings()
    mirror: tables.MirrorSettings = tables.MirrorSettings()
    entities: dict[str, tables.EntitySettings]
    flows: dict[str, RawFlow]
    lookups: dict[str, RawLookup] = {}
    notify: tuple[targets.NotifySettings, ...] = ()
    feeds: dict[str, RawFeed] = {}
    handlers: tables.HandlersSettings = tables.HandlersSettings()

    @property
    def modes(self) -> dict[str, str]:
        """How much is written to each entity's organisation: entity → model/modes."""
        return {key: entity.mode for key, entity in self.entities.items()}


def load(
    path: Path, env_name: str | None = None, environ: Mapping[str, str] = os.environ, *, more: str = ""
) -> Settings:
    """The settings of the file at `path`. Raises ConfigurationError with every mistake in `problems`, nothing else.

    `env_name` lays `counterfoil.NAME.toml`, beside the file, over it. Relative paths in the result are made absolute,
    relative to the file. `more` is read as if it stood at the file's end: a draft that is to be tried.
    """
    values, where = layered(path, env_name, more)
    problems: list[str] = []
    filling.expand(values, (), where, environ, problems)
    filling.override(values, where, environ, problems)
    filling.read_secrets(values, where, path.parent, problems)
    filling.check_key_sources(values, where, problems)
    found = (*shape.misfits(values, tables.FileTables), *targets.misfits(values.get("notify")))
    problems += [_told(misfit, where, path) for misfit in found]
    if problems:
        raise mistakes(problems)
    try:
        given = converted(values, tables.FileTables, path.parent)
    except msgspec.ValidationError as error:
        raise mistakes([f"{path.name}: {error}"]) from error
    return _settings(given, path, env_name or "", where)


def layered(path: Path, env_name: str | None, more: str = "") -> tuple[dict[str, Any], Where]:
    """The file and its overlay as TOML has them, and the place of each key. Raises ConfigurationError."""
    values, where = _read(path, more)
    if env_name is not None:
        _overlay(path, env_name, values, where)
    return values, where


def _read(path: Path, more: str = "") -> tuple[dict[str, Any], Where]:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise mistakes([f"{path}: the file is larger than {FILE_BYTES_MAX:,} bytes."])
        text = raw.decode("utf-8-sig").replace("\r\n", "\n") + more
        values = tomllib.loads(text)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no configuration at {path}.", remedy="Run `counterfoil init`, or name one with --config.",
            problems=(f"{path}: no such file",),
        ) from error  # fmt: skip
    except OSError as error:
        raise mistakes([f"{path}: cannot be read: {error.strerror or type(error).__name__}."]) from error
    except UnicodeDecodeError as error:
        raise mistakes([f"{path.name}: the file is not UTF-8 (byte {error.start + 1})."]) from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        at = re.search(r"\(at line (\d+), column \d+\)", reason)
        raise mistakes([f"{path.name}{f':{at[1]}' if at else ''}: this is not TOML: {reason}."]) from error
    return values, {key: f"{path.name}:{line}" for key, line in toml_lines.key_lines(text).items()}


def overlay_path(path: Path, env_name: str) -> Path:
    """Where the overlay of an environment is: beside the file."""
    return path.with_name(f"{path.stem}.{env_name}{path.suffix}")


def _overlay(path: Path, env_name: str, values: dict[str, Any], where: Where) -> None:
    if not re.fullmatch(tables.NAME, env_name):
        raise mistakes([f"--env {shape.shown(env_name)}: not a name of an environment."])
    over, over_where = _read(overlay_path(path, env_name))
    filling.drop_replaced_key_sources(values, over)
    _merge(values, over)
    where |= over_where


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        held = below.get(key)
        if isinstance(value, dict) and isinstance(held, dict):
            _merge(held, value)
        else:
            below[key] = value


def _told(misfit: shape.Misfit, where: Where, path: Path) -> str:
    """As `told`, but never with the value of a secret."""
    if tables.is_secret(misfit.path):
        misfit = msgspec.structs.replace(misfit, value="")
    return told(misfit, where, path.name)


def converted(values: Any, type_: Any, folder: Path) -> Any:
    """Plain values that have no misfits as a declared table; paths are relative to `folder`."""
    return msgspec.convert(values, type_, dec_hook=_hook(folder))


def _hook(folder: Path) -> Any:
    def convert(type_: Any, value: Any) -> Any:
        if type_ is Secret:
            return Secret(value)
        assert issubclass(type_, Path), f"no other type of {type_} is declared"
        return folder.resolve() / value

    return convert


def _settings(given: tables.FileTables, path: Path, environment: str, where: Where) -> Settings:
    folder = path.parent.resolve()
    replace = msgspec.structs.replace
    xero, keys = given.xero, given.xero.webhook_keys
    if xero.webhook_key is not None and xero.webhook_key not in keys:
        keys = (*keys, xero.webhook_key)
    urls = {name: getattr(xero, name).rstrip("/") for name in ("login_url", "identity_url", "api_url")}
    service = replace(given.service, public_url=(given.service.public_url or _own_url(given.service)).rstrip("/"))
    if re.search(r"^https?://([^/]*\.)?xero\.com(:\d+)?(/|$)", service.public_url, re.IGNORECASE):
        at = place(where, ("service", "public_url"), path.name)
        raise mistakes([f"{at}: [service] `public_url` may not be at xero.com: Xero refuses such links."])
    _check_app(xero, path, where)
    _check_service(service, path, where)
    _check_zones(given, path, where)
    return Settings(
        path=folder / path.name,  # a link stays one: who replaces what it leads to (a ConfigMap) means a changed file
        environment=environment,
        xero=replace(xero, webhook_keys=keys, webhook_key=None, **urls),
        store=replace(given.store, url=absolute_url(given.store.url, folder)),
        vault=_vault(given.vault, folder),
        service=service,
        posting=given.posting,
        pacing=pacing.compiled(given.pacing, xero.tier, where, path.name),
        retention=given.retention,
        mirror=given.mirror,
        entities={
            key: tables.EntitySettings(key=key, **msgspec.structs.asdict(entity))
            for key, entity in given.entities.items()
        },
        flows={name: RawFlow(name, values, _places("flows", name, where)) for name, values in given.flows.items()},
        lookups={
            name: RawLookup(name, values, _places("lookups", name, where)) for name, values in given.lookups.items()
        },
        notify=tuple(targets.compiled(one) for one in given.notify),
        feeds={name: RawFeed(name, values, _places("feeds", name, where)) for name, values in given.feeds.items()},
        handlers=given.handlers,
    )


def _vault(given: tables.VaultSettings, folder: Path) -> tables.VaultSettings:
    """With the file that is meant when no source is named."""
    if given.master_key is not None or given.master_key_command:
        return given
    return msgspec.structs.replace(given, master_key_file=folder / (given.master_key_file or tables.KEY_FILE))


def _check_app(xero: tables.XeroSettings, path: Path, where: Where) -> None:
    """A PKCE app has no secret; the other two are nothing without theirs."""
    if xero.app is None or (xero.app == "pkce") is (xero.client_secret is None):
        return
    at = place(where, ("xero", "app"), path.name)
    if xero.app == "pkce":
        raise mistakes([f'{at}: [xero] `app = "pkce"` has no secret: take `client_secret` out, or write app = "web".'])
    raise mistakes(
        [f'{at}: [xero] `app = "{xero.app}"` needs `client_secret_file`, or COUNTERFOIL_XERO__CLIENT_SECRET.']
    )


def _own_url(service: tables.ServiceSettings) -> str:
    """The address of where the service listens, as this machine calls it; of every address of its own that is localhost."""
    host, _, port = service.listen.rpartition(":")
    try:
        at = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return f"http://{service.listen}"
    return f"http://{'localhost' if at.is_loopback or at.is_unspecified else host}:{port}"


def _check_service(service: tables.ServiceSettings, path: Path, where: Where) -> None:
    """A key that could be guessed is none; what is asked every minute is an address, and not open to be read on its way."""
    token, heartbeat = service.connect_token, service.heartbeat_url
    if token is not None and len(token.reveal()) < tables.TOKEN_MIN:
        at = place(where, ("service", "connect_token"), path.name)
        raise mistakes([f"{at}: [service] `connect_token` is shorter than {tables.TOKEN_MIN} characters."])
    if heartbeat is not None and not targets.is_safe_address(heartbeat.reveal()):
        at = place(where, ("service", "heartbeat_url"), path.name)
        raise mistakes([f"{at}: [service] `heartbeat_url` is no https address (http goes to this machine only)."])


def _check_zones(given: tables.FileTables, path: Path, where: Where) -> None:
    wrong = [
        f"{place(where, ('entities', key, 'timezone'), path.name)}: [entities.{key}] `timezone` is no time zone: "
        f"{shape.shown(entity.timezone)}. Such as Europe/London."
        for key, entity in given.entities.items()
        if entity.timezone is not None and not reading.is_zone(entity.timezone)
    ]
    if wrong:
        raise mistakes(wrong)


def absolute_url(url: str, folder: Path) -> str:
    """sqlite:///counterfoil.db beside the file; an absolute path has four slashes, :memory: none of its own."""
    head, separator, rest = url.partition(":///")
    if not separator or not head.startswith("sqlite") or not rest or rest.startswith(("/", ":")):
        return url
    return f"{head}:///{folder / rest}"


def _places(table: str, name: str, where: Where) -> Where:
    return {path: at for path, at in where.items() if path[:2] == (table, name)}
