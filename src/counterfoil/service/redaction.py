"""What must not be in a log, taken out of a line: by the name of its field, by its value, and by its form. Pure.

Called by logs, for every line of ours and of the libraries. A secret that this process was given is known by its value, also
as it stands in a URL or in base64; a token that nobody told of is known by its form.
"""

import base64
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, Final

HIDDEN: Final = "…"
LENGTH_MIN: Final = 6  # shorter values stand in every other word
DEPTH_MAX: Final = 6
TEXT_MAX: Final = 20_000  # characters of one value
SECRETIVE: Final = re.compile(
    r"(^|_)(password|passwd|secret|token|authorization|cookie|code|verifier|nonce|credential|api_key|master_key|webhook_key)s?$"
)
FORMS: Final = (
    (re.compile(r"eyJ[\w-]{6,}\.[\w-]{6,}(\.[\w-]*)?"), HIDDEN),  # a JSON web token
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(r"(?i)([?&;](?:\w*token|code|state|nonce|code_verifier|\w*secret|key|password)=)[^&\s\"'#]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(\bcf_[a-z2-7]{8}_)[a-z2-7]+"), rf"\1{HIDDEN}"),  # an API key: its prefix says which
    (re.compile(r"(://)[^/@\s]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}(?![\w-])"), HIDDEN),  # an opaque token, a key
)


class Redactor:
    """Takes secrets out. `secrets`: what this process was given."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= LENGTH_MIN for form in _forms(secret)}
        self._known = (
            re.compile("|".join(re.escape(one) for one in sorted(forms, key=len, reverse=True))) if forms else None
        )

    def line(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a line without what is secret."""
        return {str(name): HIDDEN if _is_secretive(name) else self.value(value) for name, value in fields.items()}

    def value(self, value: Any, depth: int = 0) -> Any:
        """The same of any value: numbers stay numbers, what is unknown becomes text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth < DEPTH_MAX and isinstance(value, Mapping):
            return {
                self.text(str(name)): HIDDEN if _is_secretive(name) else self.value(one, depth + 1)
                for name, one in value.items()
            }
        if depth < DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
            return [self.value(one, depth + 1) for one in value]
        return self.text(value if isinstance(value, str) else _written(value))

    def text(self, text: str) -> str:
        """A text without secrets, and not without end."""
        text = text[:TEXT_MAX]
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for form, instead in FORMS:
            text = form.sub(instead, text)
        return text


def _written(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a log line may not fail for what stands in it
        return type(value).__name__


def _is_secretive(name: Any) -> bool:
    return SECRETIVE.search(str(name).lower().replace("-", "_")) is not None


def _forms(secret: str) -> set[str]:
    """As it is, as in a URL, in base64 of either alphabet, in hexadecimal."""
    raw = secret.encode()
    encoded = {encode(raw).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return {secret, urllib.parse.quote(secret, safe=""), raw.hex(), raw.hex().upper(), *encoded}
