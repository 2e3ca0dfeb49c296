"""JSON that can be trusted: UTF-8, whole, no key twice in one object; its numbers as they were written.

Called by jsonl, documents and splitting.
"""

import json
from typing import Any, Final

import msgspec

from counterfoil.model import shape
from counterfoil.model.prepared import Finding

_COLON_ESCAPED: Final = rb"\u003"  # how a text may hold a colon that its bytes do not show, a few others included
_DUPLICATE_REMEDY: Final = "Write each key once: which of the two is meant cannot be known."
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(float_hook=str)  # digits that a person wrote are kept digit for digit


def decode(raw: bytes, what: str = "line") -> dict[str, Any] | Finding:
    """The object that `raw` holds, with numbers that have a point or exponent as text; or why it is none.

    `what` is what a person calls these bytes: "line" or "item".
    """
    remedy = f"Write one JSON object per {what}, in UTF-8."
    try:
        raw.decode()
        value = _DECODER.decode(raw)
        anew = _ENCODER.encode(value)
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
    # A key that stood twice lost one of its colons: with as many colons as before, none did.
    if _COLON_ESCAPED not in raw and raw.count(b":") == anew.count(b":"):
        return value
    return _duplicate(raw, what) or value


def _plainly(error: msgspec.DecodeError) -> str:
    text = str(error).removeprefix("JSON is malformed: ").partition(" - at")[0]
    return "it ends too early, or holds half a character" if "truncated" in text else text


class _TwiceError(ValueError):
    """A key that stands twice in one object."""


def _duplicate(raw: bytes, what: str) -> Finding | None:
    """The slow and sure way, which names the key."""
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
