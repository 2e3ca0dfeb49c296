"""Keys and numbers that do not look like what they are: no new document and no new customer gets one.

Called by posting/planning where something is about to be made for the first time, and by app/checking. Whatever was made under such a
key before the rule came goes on under it: a document's mark is made of its key.
"""

from collections.abc import Collection, Iterator
from typing import Final

from counterfoil.model import shape, text
from counterfoil.model.prepared import Finding, PaymentWanted, Prepared

REMEDY: Final = "Take the character out where the key comes from, or choose another key and keep it."


def found(prepared: Prepared, parts: Collection[str] = (), *, is_new: bool = True) -> Finding | None:
    """Why a new document may not have its keys or its number; None: it may.

    `parts`: the keys of a day's sales. `is_new`: its customer has to be made too.
    """
    keys = _keys(prepared, parts, prepared.contact.external_id if is_new else "")
    return next((_finding(field, key) for field, key in keys if text.unseen(key)), None)


def of_payment(prepared: Prepared, payment: PaymentWanted) -> Finding | None:
    """The same of a payment that comes to a document which is there already, whatever that one's own key is."""
    own = payment.external_id.removeprefix(prepared.external_id)
    return _finding("payments[].external_id", own.removeprefix("/")) if text.unseen(own) else None


def said(key: str) -> str:
    """What a message says of a key that may look like another one; "" when nothing is hidden in it."""
    character = text.unseen(key)
    return "" if character is None else f"has the character {character}, which nobody sees, and "


def _keys(prepared: Prepared, parts: Collection[str], customer: str) -> Iterator[tuple[str, str]]:
    yield "external_id", prepared.external_id
    yield from (("external_id", part) for part in parts)
    yield "number", prepared.number or ""
    yield "contact.external_id", customer
    yield from ((f"payments[{index}].external_id", one.external_id) for index, one in enumerate(prepared.payments))


def _finding(field: str, key: str) -> Finding:
    reason = f"`{field}` has the character {text.unseen(key)}, which nobody sees: {shape.shown(key)}."
    return Finding(text.KEY_ILLEGAL, reason, REMEDY, field, shape.shown(key))
