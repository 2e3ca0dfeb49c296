"""A whole document as Xero gave it, read as a mapping when somebody first asks for a field.

Called by mirror (which makes thousands of them in a first load, of which most are never looked at) and by whoever reads
its Observed. Pure. Names and nesting are Xero's; amounts are Decimal, document dates ISO text ("2026-11-02"), instants ISO text
in UTC; the companion texts of dates (DateString) are left out, since they say the same again (xero-facts §4.2).
"""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from counterfoil.model import record

_WHOLE_NUMBERS: Final = frozenset({"Day", "FinancialYearEndDay", "FinancialYearEndMonth"})
COMPANION: Final = "String"


PROVISIONAL: Final = "~"


class Whole(Mapping[str, Any]):
    """`raw`: one JSON object. `later` and `unread`: of these fields what `later` says, where `raw` does not have them.

    A name in `unread` with PROVISIONAL before it: another record that `raw` shows more or less of than a page would; what
    `later` says of the same record counts.
    """

    __slots__ = ("_found", "_later", "_raw", "_unread")

    def __init__(self, raw: bytes, later: "Whole | None" = None, unread: Collection[str] = ()) -> None:
        self._raw = raw
        self._later = later
        self._unread = unread
        self._found: dict[str, Any] | None = None

    @property
    def raw(self) -> bytes:
        """Xero's JSON."""
        return self._raw

    def _fields(self) -> dict[str, Any]:
        if self._found is None:
            found: dict[str, Any] = typed(record.plain(self._raw))
            if self._later is not None:
                found |= {name: self._later[name] for name in self._taken_over(found)}
            self._found = found
        return self._found

    def _taken_over(self, found: Mapping[str, Any]) -> Iterator[str]:
        later: Mapping[str, Any] = self._later or {}
        for told in self._unread:
            name = told.removeprefix(PROVISIONAL)
            if name in later and (name not in found or (name != told and is_same_record(found[name], later[name]))):
                yield name

    def __getitem__(self, name: str) -> Any:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def __repr__(self) -> str:
        return f"<document of {len(self._raw)} bytes>"


def is_same_record(one: Any, other: Any) -> bool:
    """Whether two objects have the same id."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    return any(name.endswith("ID") and one[name] == other.get(name) for name in one)


def typed(value: Any, name: str = "") -> Any:
    """Plain JSON with Xero's dates and numbers read; what is no date that we know stays as it is."""
    if isinstance(value, dict):
        return {key: typed(one, key) for key, one in value.items() if not _is_companion(key, value)}
    if isinstance(value, list):
        return [typed(one, name) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and name not in _WHOLE_NUMBERS:
        return Decimal(value)
    if isinstance(value, str) and value.startswith("/Date("):
        return _date(value, name)
    return value


def _is_companion(name: str, beside: Mapping[str, Any]) -> bool:
    return name.endswith(COMPANION) and name.removesuffix(COMPANION) in beside


def _date(text: str, name: str) -> str:
    try:
        if name.endswith("UTC"):
            return record.stamp(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return record.day(text).isoformat()
    except ValueError:
        return text
