"""The settings for people: what is set, without secrets, and what can be set.

Called by `config show`, `init` and the documentation's test. Reads the declarations of tables and flows.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from counterfoil.settings import checking, feeds, flows, loading, lookups, reading, sources, tables, targets
from counterfoil.settings.secret import HIDDEN, Secret


class Field(msgspec.Struct, frozen=True):
    """One key that can be set. `default` is None when it is required or has none."""

    table: str
    key: str
    help: str
    required: bool
    secret: bool
    default: Any


def redacted(settings: loading.Settings) -> dict[str, Any]:
    """Everything that is set, as plain JSON values; secrets are an ellipsis, also the password in the store's URL."""
    shown: dict[str, Any] = msgspec.to_builtins(
        {
            "path": settings.path,
            "environment": settings.environment,
            "xero": settings.xero,
            "store": msgspec.structs.asdict(settings.store) | {"url": _without_password(settings.store.url)},
            "vault": settings.vault,
            "service": settings.service,
            "posting": settings.posting,
            "pacing": settings.pacing,
            "retention": settings.retention,
            "mirror": settings.mirror,
            "entities": settings.entities,
            "flows": {name: flow.values for name, flow in settings.flows.items()},
            "lookups": {name: lookup.values for name, lookup in settings.lookups.items()},
            "notify": [_notify(one) for one in settings.notify],
            "feeds": {name: _feed(one.values) for name, one in settings.feeds.items()},
            "handlers": settings.handlers,
        },
        enc_hook=_plain,
    )
    return shown


def declared() -> tuple[Field, ...]:
    """Every key that can be set, table by table, in the order of the declarations."""
    structs = {
        "xero": tables.XeroSettings,
        "store": tables.StoreSettings,
        "vault": tables.VaultSettings,
        "service": tables.ServiceSettings,
        "posting": tables.PostingSettings,
        "pacing": tables.PacingTable,
        "pacing.minute_kept": tables.KeptTable,
        "retention": tables.RetentionSettings,
        "mirror": tables.MirrorSettings,
        "entities.KEY": tables.EntityTable,
        "notify": tables.NotifyTable,
        "notify.to": tables.TargetTable,
        "flows.NAME": flows.FlowTable,
        "flows.NAME.source": sources.SourceTable,
        "flows.NAME.read": reading.ReadTable,
        "flows.NAME.check": checking.CheckTable,
        "flows.NAME.check.difference": checking.DifferenceTable,
        "lookups.NAME": lookups.LookupTable,
        "feeds.NAME": feeds.FeedTable,
        "handlers": tables.HandlersSettings,
    }
    return tuple(_field(table, field) for table, struct in structs.items() for field in _fields(struct))


def _notify(one: targets.NotifySettings) -> dict[str, Any]:
    """As it is written, but for what is not set."""
    given = msgspec.to_builtins(one.given, enc_hook=_plain)
    return {key: value for key, value in given.items() if value is not None} | {
        "to": {key: value for key, value in given["to"].items() if value is not None}
    }


def _feed(values: dict[str, Any]) -> dict[str, Any]:
    """As it is written, without what may be secret of where it goes."""
    to = values["to"] if isinstance(values.get("to"), dict) else {}
    shown = {key: HIDDEN if tables.is_secret(("feeds", "", "to", key)) else value for key, value in to.items()}
    return values | {"to": shown}


def _fields(struct: Any) -> list[inspect.Field]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return list(info.fields)


def _field(table: str, field: inspect.Field) -> Field:
    info = field.type
    meta = info if isinstance(info, inspect.Metadata) else None
    return Field(
        table=table,
        key=field.encode_name,
        help=str(((meta and meta.extra_json_schema) or {}).get("description", "")),
        required=field.required,
        secret=bool(((meta and meta.extra) or {}).get("secret")),
        default=None if field.default is msgspec.NODEFAULT else _shown_default(field.default),
    )


def _shown_default(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value)} is not in the declarations")


def _without_password(url: str) -> str:
    return re.sub(r"^([a-z+]+://[^:/@]*):.*@", rf"\1:{HIDDEN}@", url)
