"""JSON that can be trusted: UTF-8, whole, no key twice in one object; its numbers as they were written.

Called by jsonl, documents and splitting.
"""

import json
import re
from typing import Any, Final

import msgspec

from counterfoil.model import shape
from counterfoil.model.prepared import Finding

_KEY_MARK: Final = re.compile(rb'"[ \t\r\n]*:')
_DUPLICATE_REMEDY: Final = "Write each key once: which of the two is meant cannot be known."
_DECODER: Final = msgspec.json.Decoder(float_hook=str)  # digits that a person wrote are kept digit for digit


def decode(raw: bytes, what: str = "line") -> dict[str, Any] | Finding:
    """The object that `raw` holds, with numbers that have a point or exponent as text; or why it is none.

    `what` is what a person calls these bytes: "line" or "item".
    """
    remedy = f"Write one JSON object per {what}, in UTF-8."
    try:
        raw.decode()
        value = _DECODER.decode(raw)
    except UnicodeDecodeError as error:
        reason = f"Byte {error.start + 1} of the {what} is not UTF-8."
        return Finding("bad-utf8", reason, "Save the file as UTF-8.", value=f"0x{raw[error.start]:02x}")
    except msgspec.DecodeError as error:
        return Finding("broken-json", f"The {what} is not JSON: {_plainly(error)}.", remedy)
    except RecursionError:
        return Finding("broken-json", f"The {what} is not usable JSON: it is nested too deeply.", remedy)
    if not isinstance(value, dict):
        reason = f"The {what} is JSON, but not an object: {shape.shown(raw.decode())}."
        return Finding("broken-json", reason, remedy)
    # Every key is followed by a colon; when there are as many such marks as keys kept, no key was there twice.
    if len(_KEY_MARK.findall(raw)) == _keys(value):
        return value
    return _duplicate(raw, what) or value


def _plainly(error: msgspec.DecodeError) -> str:
    text = str(error).removeprefix("JSON is malformed: ").partition(" - at")[0]
    return "it ends too early, or holds half a character" if "truncated" in text else text


def _keys(value: dict[str, Any]) -> int:
    """How many keys all its objects have together."""
    count = 0
    rest: list[Any] = [value]
    while rest:
        container = rest.pop()
        if type(container) is dict:
            count += len(container)
            container = container.values()
        rest += [item for item in container if type(item) is dict or type(item) is list]
    return count


class _TwiceError(ValueError):
    """A key that stands twice in one object."""


def _duplicate(raw: bytes, what: str) -> Finding | None:
    """The slow and sure way: a colon after a quote may also stand inside a text."""
    try:
        json.loads(raw, object_pairs_hook=_once)
    except _TwiceError as error:
        key = shape.shown(str(error))
        return Finding("duplicate-key", f"The key `{key}` stands twice in one object.", _DUPLICATE_REMEDY, key)
    except (ValueError, RecursionError):
        return Finding("broken-json", f"The {what} is not JSON that every reader understands.", "Write plain JSON.")
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found
