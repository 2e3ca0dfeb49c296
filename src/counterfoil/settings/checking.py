"""[flows.NAME.check]: the source's own total of each record, and what to do about a difference to Xero's.

Called by flows (which compiles the table); `total` is a value of the mapping, `difference` is read by flows/ (the
kinds), which compute what Xero will compute (design §5.4).
"""

import decimal
import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import shape
from counterfoil.model.text import END, Line50, Line255
from counterfoil.settings import tables

DifferenceAs = Literal["tax", "rounding", "line", "refuse"]
UP_TO_MAX: Final = Decimal(10)  # more than this is no rounding
_UP_TO: Final = r"^\d{1,2}(\.\d{1,2})?" + END


class DifferenceTable(tables.Table, frozen=True, kw_only=True, rename={"as_": "as"}):
    """`difference` as it is written."""

    up_to: Annotated[
        Annotated[str, msgspec.Meta(pattern=_UP_TO, extra={"rule": 'An amount in quotes, such as "0.05".'})] | None,
        msgspec.Meta(description='The largest difference that is mended, such as "0.05".'),
    ] = None
    as_: Annotated[
        DifferenceAs,
        msgspec.Meta(description="tax: in the lines' tax; rounding: Xero's rounding; line: a line of its own; refuse."),
    ] = "refuse"
    account: Annotated[Line255 | None, msgspec.Meta(description="For a line: the entity's name of its account.")] = None
    account_code: Annotated[Line50 | None, msgspec.Meta(description="For a line: or Xero's code of it.")] = None
    tax: Annotated[Line255 | None, msgspec.Meta(description="For a line: the entity's name of its tax.")] = None
    tax_type: Annotated[Line50 | None, msgspec.Meta(description="For a line: or Xero's TaxType.")] = None


class CheckTable(tables.Table, frozen=True, kw_only=True):
    """[flows.NAME.check] as it is written."""

    total: Annotated[Any, msgspec.Meta(description='The total by the source, such as "{Order total}".')] = None
    difference: Annotated[
        DifferenceTable | None, msgspec.Meta(description='Such as { up_to = "0.05", as = "rounding" }.')
    ] = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What to do when a record's expected total and the predicted one differ by at most `up_to`.

    `up_to` is in the document's currency. `kind`: "tax" moves it into the lines' tax, "rounding" into Xero's
    RoundingAmount, "line" into a line of its own on `account` (or `account_code`) with `tax` (or `tax_type`); "refuse"
    mends nothing. Larger differences are always refused.
    """

    up_to: Decimal
    kind: DifferenceAs
    account: str | None = None
    account_code: str | None = None
    tax: str | None = None
    tax_type: str | None = None


def compiled(table: DifferenceTable | None) -> Difference | None:
    """The policy, from a table that has passed `misfits`; None when there is none or it is "refuse"."""
    if table is None or table.as_ == "refuse":
        return None
    return Difference(
        up_to=Decimal(table.up_to or 0),
        kind=table.as_,
        account=table.account,
        account_code=table.account_code,
        tax=table.tax,
        tax_type=table.tax_type,
    )


def misfits(check: Any) -> list[shape.Misfit]:
    """What the declaration alone cannot say: which keys each policy needs, and which it has no use for."""
    difference = check.get("difference") if isinstance(check, dict) else None
    if not isinstance(difference, dict):
        return []
    policy, found = difference.get("as", "refuse"), []
    if policy != "refuse" and "up_to" not in difference:
        found.append(_wrong("up_to", "is missing", 'Write how much may be mended: up_to = "0.05".'))
    amount = difference.get("up_to")
    if amount is not None and _is_amount(amount) and not 0 < Decimal(amount) <= UP_TO_MAX:
        found.append(_wrong("up_to", f"must be more than 0 and at most {UP_TO_MAX}", "", amount))
    extras = [key for key in ("account", "account_code", "tax", "tax_type") if key in difference]
    if policy == "line":
        for one, other in (("account", "account_code"), ("tax", "tax_type")):
            if (one in difference) == (other in difference):
                rule = 'Such as { up_to = "0.05", as = "line", account = "rounding", tax = "zero" }.'
                found.append(_wrong(one, f"or `{other}` must be given for a line, and only one of them", rule))
    elif extras:
        found.append(_wrong(extras[0], 'goes with as = "line" only', "Take it out."))
    return found


def _is_amount(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.search(_UP_TO, value) is not None and Decimal(value).is_finite()
    except decimal.InvalidOperation:
        return False


def _wrong(key: str, reason: str, rule: str, value: Any = "") -> shape.Misfit:
    return shape.Misfit(("difference", key), "wrong-value", reason, rule, shape.shown(value))
