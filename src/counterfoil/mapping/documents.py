"""Which fields Xero's documents have and what they hold, so that a path in a feed's `map` can be told from a misspelt one.

Called by outward. Pure, but for the list itself, which comes with the package (OpenAPI 16.1.0;
tests/conformance/published_paths writes it). Dates are days but where their name ends in UTC, as model/whole reads them.
"""

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final, Literal

import msgspec

from counterfoil.model import spelling

Kind = Literal["text", "amount", "whole", "day", "instant", "yes_no", "json"]
PLAIN: Final = frozenset({"text", "amount", "whole", "day", "instant", "yes_no", "json"})
DEPTH_MAX: Final = 8  # steps of one path; an invoice has its payments, which have their invoice, which …


class Resource(msgspec.Struct, frozen=True):
    """One resource. `type` of its documents, `id` the field that names one, `words` the first half of its changes' names.

    `shared`: other organisations have documents with the same ids.
    """

    type: str
    id: str
    words: tuple[str, ...]
    shared: bool


class _Published(msgspec.Struct, frozen=True):
    resources: dict[str, Resource]
    types: dict[str, dict[str, str]]


class Astray(msgspec.Struct, frozen=True):
    """A path that leads nowhere: `reason` continues a sentence, `remedy` is one. `steps`: how many led somewhere."""

    reason: str
    remedy: str
    steps: int = 0


@functools.cache
def _published() -> _Published:
    kept = resources.files("counterfoil.mapping").joinpath("documents.json").read_bytes()
    return msgspec.json.decode(kept, type=_Published)


def all_resources() -> Mapping[str, Resource]:
    """Every resource that is mirrored, by Xero's plural."""
    return _published().resources


def fields(type_: str) -> tuple[str, ...]:
    """The fields of a type."""
    return tuple(_published().types[type_])


def lists(type_: str) -> tuple[str, ...]:
    """The fields of a type that are lists of things with fields of their own."""
    return tuple(name for name, kind in _published().types[type_].items() if kind.startswith("["))


def item(type_: str, path: str) -> str | None:
    """The type of the members of the list at `path`; None: there is no such list."""
    found = _walked(type_, path.split("."))
    return found[1:-1] if isinstance(found, str) and found.startswith("[") else None


def kind(types: Sequence[str], path: str) -> Kind | Astray:
    """What stands at `path` in documents of these types; of those that have it. Text where they do not agree.

    A step into a list is its place, from 0: `LineItems.0.Description`.
    """
    tried = [_walked(one, path.split(".")) for one in types]
    found = {one for one in tried if isinstance(one, str)}
    if not found:
        return max((one for one in tried if isinstance(one, Astray)), key=lambda one: one.steps)
    kinds = {one if one in PLAIN else "json" for one in found}
    return _named(kinds.pop()) if len(kinds) == 1 else "text"


def _named(kind_: str) -> Kind:
    found: Kind = msgspec.convert(kind_, Kind)
    return found


def _walked(type_: str, steps: list[str]) -> str | Astray:
    """What the file says of the field at the end of the path."""
    at = type_
    for n, step in enumerate(steps):
        if n == DEPTH_MAX:
            return Astray(f"is deeper than {DEPTH_MAX} steps", "Take what stands nearer.", n)
        if at == "json":
            return "json"
        before = ".".join(steps[:n])
        if at.startswith("["):
            if not step.isdecimal():
                remedy = f'Write {before}.0.{step} for the first one; or each = "{before}", for a row of each.'
                return Astray(f"looks into the list {before} as if it were one thing", remedy, n)
            at = at[1:-1]
            continue
        if at in PLAIN:
            return Astray(f"looks into {before}, which has no fields", f"Write {before}.", n)
        known = _published().types[at]
        if step not in known:
            said_again = step.removesuffix("String")  # left out of what is kept
            near = said_again if said_again in known else spelling.nearest(step, known)
            remedy = spelling.suggestion(step, known) if near is None else f"Did you mean `{_with(before, near)}`?"
            return Astray(f"names `{step}`, which no {at} of Xero's has", remedy, n)
        at = known[step]
    return at


def _with(before: str, name: str) -> str:
    return f"{before}.{name}" if before else name
