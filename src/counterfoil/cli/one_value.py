"""The one value of --json as bytes: UTF-8 on one line, whatever the texts in it are made of.

Called by screen and endings. A path, an argument or a damaged row may hold what is no text (Python keeps such bytes as
lone surrogates): it is shown as ?, since a value that cannot be written would be no value at all.
"""

from typing import Any

import msgspec


def encoded(value: Any) -> bytes:
    """A value as one line of JSON. Decimals become strings, instants ISO 8601."""
    try:
        told = msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:
        told = msgspec.json.encode(_text(msgspec.to_builtins(value, enc_hook=str)))
    if b"\n" in told:  # it holds Xero's own JSON, with its line ends
        told = msgspec.json.format(told, indent=-1)
    return told


def _text(value: Any) -> Any:
    """The same with every text as text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_text(key): _text(one) for key, one in value.items()}
    return [_text(one) for one in value] if isinstance(value, list | tuple) else value
