"""Why a plain value does not fit a declared type: every misfit at once, with its path, in a user's words.

Called by records and settings when msgspec has refused a value; msgspec stops at the first mistake and speaks to
programmers. Walks the same declarations (`msgspec.inspect`), so there is no second schema. `Meta(extra=…)` may say
`places` (most decimals) and `places_rule` (what to do about more), `digits` (most before the point), `positive`,
`not_negative`, `cause`, `rule` (what is allowed).
"""

import datetime
import decimal
import functools
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import inspect

from counterfoil.model import money, spelling

Path = tuple[str | int, ...]
VALUE_SHOWN_MAX: Final = 60
DEPTH_MAX: Final = 20
MISFITS_MAX: Final = 50  # of one value; more help nobody
_ANY_TEXT: Final = inspect.StrType(min_length=1, pattern=r"^[^\x00]*(?![\s\S])")  # secrets and paths


class Misfit(msgspec.Struct, frozen=True):
    """One place where a value does not fit. `reason` names neither path nor value; both stand beside it."""

    path: Path
    cause: str
    reason: str
    remedy: str
    value: str = ""


def misfits(value: Any, type: Any) -> tuple[Misfit, ...]:
    """All misfits of a plain value (what a JSON or TOML reader returns, decimals as Decimal) in document order."""
    found: list[Misfit] = []
    for misfit in _walk(value, _info(type), (), {}):
        found.append(misfit)
        if len(found) == MISFITS_MAX:
            break
    return tuple(found)


def written(path: Path) -> str:
    """`("lines", 0, "quantity")` as `lines[0].quantity`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}" if text else shown(step)
    return text


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, never a whole table."""
    if isinstance(value, dict | list | tuple):
        inside = "…" if value else ""
        return f"{{{inside}}}" if isinstance(value, dict) else f"[{inside}]"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if value is None:
        text = "null"
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= VALUE_SHOWN_MAX else text[: VALUE_SHOWN_MAX - 1] + "…"


@functools.cache
def _info(type: Any) -> inspect.Type:
    return inspect.type_info(type)


def _walk(value: Any, info: inspect.Type, path: Path, extra: dict[str, Any]) -> Iterator[Misfit]:
    assert len(path) <= DEPTH_MAX, "our declarations are not recursive"
    match info:
        case inspect.Metadata():
            yield from _walk(value, info.type, path, {**extra, **(info.extra or {})})
        case inspect.StructType():
            yield from _struct(value, info, path)
        case inspect.UnionType():
            yield from _union(value, info, path, extra)
        case inspect.VarTupleType() | inspect.ListType():
            yield from _items(value, info, path)
        case inspect.DictType():
            yield from _mapping(value, info, path)
        case _:
            yield from _leaf(value, info, path, extra)


def _struct(value: Any, info: inspect.StructType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield _wrong(value, path, "must be an object with keys", "")
        return
    fields = {field.encode_name: field for field in info.fields}
    for key, item in value.items():
        if key not in fields:
            yield Misfit((*path, str(key)), "unknown-key", "is not a known key", spelling.suggestion(str(key), fields))
        else:
            yield from _walk(item, fields[key].type, (*path, key), {})
    for name, field in fields.items():
        if field.required and name not in value:
            yield Misfit((*path, name), "missing", "is missing", f"Give `{name}`.")


def _union(value: Any, info: inspect.UnionType, path: Path, extra: dict[str, Any]) -> Iterator[Misfit]:
    if value is None and any(isinstance(member, inspect.NoneType) for member in info.types):
        return
    tried = [list(_walk(value, member, path, extra)) for member in info.types if _plausible(value, member)]
    if not any(not found for found in tried):
        yield from min(tried, key=len)


def _plausible(value: Any, info: inspect.Type) -> bool:
    """Skip None among a union's members: "must be null" helps nobody."""
    return not isinstance(info, inspect.NoneType) or value is None


def _items(value: Any, info: inspect.VarTupleType | inspect.ListType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, list | tuple):
        remedy = 'Write it in brackets: ["…"].' if isinstance(value, str) else ""  # not the value: it may be a secret
        yield _wrong(value, path, "must be a list", remedy)
        return
    if info.min_length is not None and len(value) < info.min_length:
        yield _wrong(value, path, f"must have at least {info.min_length} item(s)", "")
    if info.max_length is not None and len(value) > info.max_length:
        yield _wrong(value, path, f"must have at most {info.max_length} items", "")
    for index, item in enumerate(value):
        yield from _walk(item, info.item_type, (*path, index), {})


def _mapping(value: Any, info: inspect.DictType, path: Path) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield _wrong(value, path, "must be an object with keys", "")
        return
    for key, item in value.items():
        yield from _walk(key, info.key_type, (*path, str(key)), {})
        yield from _walk(item, info.value_type, (*path, str(key)), {})


def _leaf(value: Any, info: inspect.Type, path: Path, extra: dict[str, Any]) -> Iterator[Misfit]:
    cause, rule = str(extra.get("cause", "wrong-value")), str(extra.get("rule", ""))
    match info:
        case inspect.StrType():
            reason = _text_misfit(value, info)
        case inspect.DecimalType():
            reason = _amount_misfit(value, extra)
            if reason is None and money.places(Decimal(value)) > extra.get("places", 4):
                cause, rule = "too-many-decimals", str(extra.get("places_rule", ""))
                reason = f"has {money.places(Decimal(value))} decimals; at most {extra.get('places', 4)} are allowed"
        case inspect.DateType():
            reason = None if _is_date(value) else "must be a date such as 2026-11-01"
        case inspect.CustomType():
            reason = _text_misfit(value, _ANY_TEXT)
        case inspect.FloatType():
            reason = _seconds_misfit(value, info)
        case inspect.BoolType():
            reason = None if isinstance(value, bool) else "must be true or false"
        case inspect.IntType():
            reason = _whole_misfit(value, info)
        case inspect.LiteralType():
            reason = None if value in info.values else f"must be one of {', '.join(map(str, info.values))}"
        case _:
            reason = None
    if reason is not None:
        yield _wrong(value, path, reason, rule, cause=cause)


def _text_misfit(value: Any, info: inspect.StrType) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if info.min_length and len(value) < info.min_length:
        return "must not be empty"
    if info.max_length is not None and len(value) > info.max_length:
        return f"is {len(value)} characters long; at most {info.max_length} are allowed"
    if info.pattern is not None and not re.search(info.pattern, value):
        return _named(value, info.pattern) or "has characters or a form that is not allowed"
    return None


def _named(value: str, pattern: str) -> str | None:
    """The first character that cannot be seen and may not stand there, by its number."""
    for character in value:
        if character.isprintable():
            continue
        is_refused = re.search(pattern, "aa") and not re.search(pattern, f"a{character}a")
        if is_refused or re.search(pattern, value.replace(character, "")):
            return f"has the character U+{ord(character):04X}, which is not allowed"
    return None


def _amount_misfit(value: Any, extra: dict[str, Any]) -> str | None:
    try:
        amount = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except decimal.InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        return "must be a number such as 10.50 (a decimal point, no thousands separator)"
    if amount and money.whole_digits(amount) > extra.get("digits", 13):
        return f"is too large: at most {extra.get('digits', 13)} digits before the decimal point"
    if extra.get("positive") and amount <= 0:
        return "must be more than zero"
    if extra.get("not_negative") and amount < 0:
        return "must not be negative"
    return None


def _seconds_misfit(value: Any, info: inspect.FloatType) -> str | None:
    """For durations only: amounts are Decimal."""
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        return "must be a number"
    if info.gt is not None and not value > info.gt:
        return f"must be more than {info.gt:g}"
    if info.le is not None and not value <= info.le:
        return f"must be {info.le:g} or less"
    return None


def _whole_misfit(value: Any, info: inspect.IntType) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be a whole number"
    if info.ge is not None and value < info.ge:
        return f"must be {info.ge} or more"
    if info.le is not None and value > info.le:
        return f"must be {info.le} or less"
    return None


def _is_date(value: Any) -> bool:
    if isinstance(value, datetime.datetime):
        return False
    if isinstance(value, datetime.date):
        return True
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _wrong(value: Any, path: Path, reason: str, remedy: str, *, cause: str = "wrong-value") -> Misfit:
    return Misfit(path, cause, reason, remedy or "Correct it where the record comes from.", shown(value))
