"""The support bundle: what helps to find a fault, with nothing of anybody in it.

Called by cli/doctor. Pure. Not a copy with names taken out but a list of what may be in it: numbers, days, stable codes, and
words of our own. Every other text (names, keys of entities and flows, paths, addresses) becomes a hash with a salt that is made
for this bundle and thrown away, so that equal names are equal inside it and nobody can guess them.
"""

import datetime
import functools
import hashlib
import hmac
import io
import numbers
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from counterfoil import flows, settings
from counterfoil.app.doctor import Report
from counterfoil.app.doctor.finding import Finding
from counterfoil.settings.secret import HIDDEN

HASH_DIGITS: Final = 10
WORDS: Final = {  # values of settings that are words of ours, beside the flow kinds
    "draft", "submitted", "authorised", "xero", "hold", "link", "new", "update", "reissue", "next-open-day", "refuse",
    "credit_note", "never", "each", "daily", "row", "record", "tax", "rounding", "line", "starter", "core", "plus",
    "advanced", "enterprise", "web", "pkce", "custom",
}  # fmt: skip
NAMED: Final = (
    "entities",
    "flows",
    "lookups",
    "map",
    "accounts",
    "taxes",
    "rows",
    "tracking",
)  # tables with keys of the user's
TOP: Final = (
    "path",
    "environment",
    "xero",
    "store",
    "vault",
    "service",
    "posting",
    "entities",
    "flows",
    "lookups",
    "notify",
)
HOSTS: Final = ("xero.com", "localhost", "127.0.0.1", "[::1]")  # whose addresses may be told, without a path
_HOST: Final = re.compile(r"^(https?)://([^/:@]+|\[[0-9a-f:]+\])(:[0-9]+)?(?:/|$)")


class Names:
    """Texts of anybody's, hashed for one bundle."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def __call__(self, text: str) -> str:
        """The same for the same text, in this bundle alone."""
        return "name-" + hmac.new(self._salt, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:HASH_DIGITS]


class Facts(msgspec.Struct, frozen=True):
    """What goes in beside the report. `settings` as `settings.redacted` gives them; `runs`, `problems` as plain rows."""

    at: datetime.datetime
    versions: Mapping[str, str]
    settings: Mapping[str, Any] | None = None
    tables: Mapping[str, int] = {}
    runs: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[Mapping[str, Any]] = ()


def contents(report: Report, facts: Facts, salt: bytes) -> dict[str, bytes]:
    """The bundle's files by name."""
    names = Names(salt)
    files: dict[str, Any] = {
        "about.json": {"made_at": facts.at, "versions": dict(facts.versions), "names": "hashed for this bundle alone"},
        "doctor.json": {
            "ok": report.is_well,
            "skipped": report.skipped,
            "gets": report.gets,
            "checks": [_finding(one, names) for one in report.findings],
        },
        "settings.json": None if facts.settings is None else _settings(facts.settings, names),
        "tables.json": dict(facts.tables),
        "runs.json": [_run(one, names) for one in facts.runs],
        "problems.json": [_problem(one, names) for one in facts.problems],
    }
    return {name: msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n" for name, value in files.items()}


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as one zip, the same bytes for the same files."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return into.getvalue()


def _finding(one: Finding, names: Names) -> dict[str, Any]:
    """Codes and facts; the message holds names, and stands in our own code anyway."""
    subject = None if one.subject is None else names(one.subject)
    return {"check": one.check, "code": one.code, "level": one.level, "subject": subject, "facts": one.facts}


def _settings(value: Any, names: Names, key: str = "") -> Any:
    """Numbers, flags, our own words and well-known hosts; everything else is hashed, keys of the user's too."""
    if isinstance(value, Mapping):
        return {_key(str(name), key, names): _settings(inner, names, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_settings(one, names, key) for one in value]
    if value is None or isinstance(value, numbers.Number):
        return value
    text = str(value)
    if not text or text == HIDDEN or text.lower() in WORDS or text in flows.kinds():
        return text
    if key == "url" and text.partition(":")[0] in ("sqlite", "postgresql"):
        return text.partition(":")[0]
    return _address(text) or names(text)


@functools.cache
def _declared() -> frozenset[str]:
    """Every key that a configuration may have, but for those that its writer makes up."""
    return frozenset({*TOP, *(one.key for one in settings.declared())})


def _key(name: str, table: str, names: Names) -> str:
    return name if table not in NAMED and name in _declared() else names(name)


def _address(text: str) -> str | None:
    found = _HOST.match(text)
    if found is None:
        return None
    host = found[2].lower()
    is_known = any(host == one or host.endswith(f".{one}") for one in HOSTS)
    return f"{found[1]}://{host}{found[3] or ''}" if is_known else None


def _run(one: Mapping[str, Any], names: Names) -> dict[str, Any]:
    counts = {name: n for name, n in (one["counts"] or {}).items() if isinstance(n, numbers.Number)}
    flow = None if one["flow"] is None else names(one["flow"])
    return {**{name: one[name] for name in ("id", "command", "started", "ended")}, "flow": flow, "counts": counts}


def _problem(one: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The cause without its value, which may be a name; how many; nothing of the records."""
    cause, _colon, value = str(one["cause"]).partition(":")
    return {
        "n": one["n"],
        "cause": cause,
        "value": names(value) if value else None,
        "flow": names(one["flow"]),
        "count": one["count"],
    }
