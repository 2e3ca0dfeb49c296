"""One file here is one flow kind: what a flow table's `kind` names. Files never import each other.

Called by app.py and the commands through `kinds()` and `kind()`. May import posting/, settings, model and what lies
below; nothing above. A kind's file declares, in capitals: KIND (the name), POSTS (the posting kind), RESOURCE (Xero's
plural), RECORD (the type of its records), DOC (one line for the documentation), NEEDS (what it writes at Xero, with the reason), CARD (what is done, todo or
exempt, with the reason); and the functions of `FlowKind`. That is all the registration there is.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final

import msgspec

from counterfoil.errors import ConfigurationError
from counterfoil.model import spelling
from counterfoil.xero.scopes import Need

DECLARED: Final = ("KIND", "POSTS", "RESOURCE", "RECORD", "DOC", "NEEDS", "CARD")
FUNCTIONS: Final = ("decode", "identify", "record_hash", "entity_of", "prepare", "json_schema")


class FlowKind(msgspec.Struct, frozen=True):
    """What a flow kind's file declares.

    `decode(raw)` gives a record or Findings; `identify(raw)` what can be told of a record that is wrong;
    `record_hash(record)` its stable hash; `entity_of(record, flow, entities)` the entity's key or a Finding;
    `prepare(record, ledger, flow)` a Prepared or Findings; `json_schema()` the published schema. None of them raises,
    calls Xero or keeps anything.
    """

    kind: str
    posts: str
    resource: str
    record: Any
    doc: str
    needs: tuple[Need, ...]
    card: Mapping[str, str]
    decode: Callable[..., Any]
    identify: Callable[..., Any]
    record_hash: Callable[..., str]
    entity_of: Callable[..., Any]
    prepare: Callable[..., Any]
    json_schema: Callable[..., bytes]


@functools.cache
def kinds() -> Mapping[str, FlowKind]:
    """All flow kinds by name, in the order of their names; imports their files at the first call."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = (_declared(importlib.import_module(f"{__name__}.{name}")) for name in names)
    return MappingProxyType({kind.kind: kind for kind in found})


def kind(name: str) -> FlowKind:
    """The flow kind called `name`. Raises ConfigurationError with the nearest one."""
    found = kinds().get(name)
    if found is None:
        raise ConfigurationError(f"There is no flow kind `{name}`.", remedy=spelling.suggestion(name, kinds()))
    return found


def _declared(module: ModuleType) -> FlowKind:
    return FlowKind(**{name.lower(): getattr(module, name) for name in (*DECLARED, *FUNCTIONS)})
