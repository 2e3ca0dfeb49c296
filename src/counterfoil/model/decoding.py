"""JSON to typed records: msgspec's work, and what it cannot do: Xero's dates, and amounts digit for digit.

Called by record. Pure. A function of ours for every value that msgspec does not know is what a page's decoding would
mostly cost; so none is called while it decodes. Amounts are made from their text (amounts), and the dates, which are few,
are read when the rest is there: a field's type says by which function (`reads`). Always all of them, never when asked.
"""

import functools
import itertools
import operator
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec

from counterfoil.model import amounts

_READ: Final = "read"
Get = Callable[[Any], Any]


def reads(read: Callable[[str], Any]) -> Any:
    """The type of a field that is text on the wire and here what `read` makes of it; `read` may raise ValueError."""
    return Annotated[str, msgspec.Meta(extra={_READ: read})]


class Decoder:
    """Decodes one type, a Struct or a tuple of Structs. As msgspec's, it raises its ValidationError and DecodeError."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._quick = msgspec.json.Decoder(type_, float_hook=amounts.exact)
        self._patient = msgspec.json.Decoder(type_, float_hook=amounts.exact, dec_hook=amounts.of)

    def decode(self, raw: msgspec.Raw | bytes) -> Any:
        """What the bytes hold."""
        try:
            found = self._quick.decode(raw)
        except msgspec.ValidationError:
            found = self._patient.decode(raw)  # an amount may be a whole number or a text; else this says what is wrong
        if typing.get_origin(self._type) is tuple:
            _read_dates(typing.get_args(self._type)[0], found)
        else:
            _read_dates(self._type, (found,))
        return found


class _Plan(msgspec.Struct, frozen=True):
    """Which fields of a Struct are read, and in which of its fields Structs with such fields stand."""

    fields: tuple[tuple[str, Get, Callable[[str], Any]], ...]
    below: tuple[tuple[Get, bool, type], ...]  # (getter, whether it gives many, their type)


@functools.cache
def _plan(type_: type) -> _Plan:
    fields: list[tuple[str, Get, Callable[[str], Any]]] = []
    below: list[tuple[Get, bool, type]] = []
    for name, hint in typing.get_type_hints(type_, include_extras=True).items():
        for one in (hint, *typing.get_args(hint)):
            extras = [meta.extra or {} for meta in getattr(one, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
            fields += [(name, operator.attrgetter(name), extra[_READ]) for extra in extras if _READ in extra]
            if isinstance(one, type) and issubclass(one, msgspec.Struct) and _plan(one) != _NOTHING:
                below.append((operator.attrgetter(name), typing.get_origin(hint) is tuple, one))
    return _Plan(tuple(fields), tuple(below))


_NOTHING: Final = _Plan((), ())


def _read_dates(type_: type, parts: Sequence[Any]) -> None:
    plan = _plan(type_)
    for name, get, read in plan.fields:
        for part in parts:
            text = get(part)
            if text is not None:
                msgspec.structs.force_setattr(part, name, _read(read, text, name))
    for get, many, inner in plan.below:
        found = map(get, parts)
        _read_dates(inner, list(itertools.chain.from_iterable(found) if many else filter(None, found)))


def _read(read: Callable[[str], Any], text: str, name: str) -> Any:
    try:
        return read(text)
    except ValueError as cause:
        raise msgspec.ValidationError(f"{cause} - at `{name}`") from None
