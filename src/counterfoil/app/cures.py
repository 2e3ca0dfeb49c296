"""Which command most likely cures a problem, by its cause. Pure.

Called by troubles. A remedy says in a sentence what to do and where; this says what to type here, if typing helps.
"""

import re
from typing import Final

from counterfoil.model import fixes

_NEAREST: Final = re.compile(r"Did you mean `([^`]+)`\?")
_USE: Final = {"account": "ACCOUNT", "currency": "CURRENCY", "entity": "ENTITY", "tax": "TAX", "tracking": "OPTION"}
_DATE: Final = ("before-closed-through", "before-lock-date")
_SET: Final = {
    "due-date-missing": "due_date=DAY",
    "missing": "{field}=VALUE",
    "sent-too-early": "sent=false",
}
_CONTACT: Final = {
    "contact-held": "fix {n} --use link, or --use new",
    "contact-namesake": "fix {n} --use link, or --use new",
    "contact-number-differs": "fix {n} --use link",
}
_IN_THE_SOURCE: Final = (
    "column-missing", "day-unknown", "daily-disagrees", "daily-mixed", "daily-payments", "entity-changed", "expression-failed", "group-blank", "no-lines", "rows-disagree", "total-differs",
    "total-missing", "twice-with-different-content",
)  # fmt: skip


def likely(n: int, cause: str, field: str, remedy: str, *, fixable: bool) -> str:
    """What to type after `counterfoil problems`; "" when typing does not help. Words in CAPITALS are to be filled in."""
    base = fixes.base_cause(cause)
    near = _NEAREST.search(remedy)
    place = re.sub(r"^lines\.", "lines[].", field)
    if base in _CONTACT:
        return _CONTACT[base].format(n=n)
    if "`counterfoil problems retry`" in remedy:
        return f"retry {n}"
    if "`counterfoil problems skip`" in remedy:
        return f"skip {n} --because TEXT"
    if not fixable or base in _IN_THE_SOURCE:
        return ""
    if base in _DATE:
        return f"fix {n} --date DAY"
    if base == "unknown-key":
        instead = f" --set {_quoted(f'{near[1]}=VALUE')}" if near else ""
        return f"fix {n} --set {_quoted(f'{place}=')}{instead}"
    if base in _SET:
        return f"fix {n} --set {_quoted(_SET[base].format(field=place))}"
    if base == "number-taken":
        return f"fix {n} --set number=NUMBER --only RECORD"
    if not field:
        return f"retry {n}"
    return f"fix {n} --use {_quoted(near[1]) if near else _USE.get(base.partition('-')[0], 'VALUE')}"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w.=-]+", text) else f"'{text}'"
