"""The record's own total is not what Xero would compute: even it out as the flow says, or say why not.

Called by flows/sales_invoices. Implements design §5.3 (`check.difference`) with facts 4.6: the tax of a line may be
given; a RoundingAmount of at most ten cents is honoured only on SUBMITTED and AUTHORISED, and only beside SubTotal,
TotalTax and Total that agree with it (MAN, not in the published specification). Whatever was done stands in `note`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from counterfoil.model import differences, totals
from counterfoil.model.checks import lines
from counterfoil.model.differences import TaxedLine
from counterfoil.model.ledger import Ledger
from counterfoil.model.money import EXACT, ZERO, to_cents
from counterfoil.model.prepared import Finding, PredictedLine
from counterfoil.model.records import Line, SalesInvoice
from counterfoil.model.totals import Amounts, Totals

ROUNDING_MAX: Final = Decimal("0.10")
ROUNDED_STATUSES: Final = ("SUBMITTED", "AUTHORISED")
LINE_TEXT: Final = "Rounding"
LINE_PATH: Final = "check.difference"


class Policy(Protocol):
    """What the flow says of differences; settings' Difference is one."""

    @property
    def up_to(self) -> Decimal:
        """The most that is evened out, either way, in the document's currency."""
        ...

    @property
    def kind(self) -> str:
        """How: tax, rounding, line or refuse."""
        ...

    @property
    def account(self) -> str | None:
        """For `line`: the entity's own name of the account."""
        ...

    @property
    def account_code(self) -> str | None:
        """For `line`: or Xero's code of it."""
        ...

    @property
    def tax(self) -> str | None:
        """For `line`: the entity's own name of the tax."""
        ...

    @property
    def tax_type(self) -> str | None:
        """For `line`: or Xero's TaxType."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """A document whose lines are priced, and who asks: everything that a policy looks at."""

    record: SalesInvoice
    ledger: Ledger
    status: str
    currency: str
    sums: Totals
    lines: Sequence[TaxedLine]


class Evened(msgspec.Struct, frozen=True):
    """What has to be done so that the total is the record's.

    `difference`: the record's total less Xero's own. `taxes`: of each line, where they change. `line` and `element`: one
    more line. `rounding`: Xero's RoundingAmount.
    """

    difference: Decimal
    note: str
    taxes: tuple[Decimal, ...] | None = None
    line: PredictedLine | None = None
    element: dict[str, Any] | None = None
    rounding: Decimal = ZERO


def difference_of(record: SalesInvoice, total: Decimal) -> Decimal:
    """The record's own total less `total`; zero when the record has none of its own."""
    return ZERO if record.expected_total is None else to_cents(EXACT.subtract(record.expected_total, total))


def even_out(asked: Asked, policy: Policy | None) -> Evened | Finding:
    """How the difference, which is not zero, is evened out; a Finding when the policy forbids it or cannot."""
    if policy is None or policy.kind == "refuse":
        return _differs(asked, "Check quantities, prices, discounts, taxes and `amounts`; Xero rounds each line's tax.")
    difference = difference_of(asked.record, asked.sums.total)
    if abs(difference) > policy.up_to:
        return _differs(asked, f"The flow evens out {policy.up_to} at most: check prices, discounts and taxes.")
    if policy.kind == "tax":
        return _as_tax(asked, difference)
    return _as_rounding(asked, difference) if policy.kind == "rounding" else _as_line(asked, difference, policy)


def _as_tax(asked: Asked, difference: Decimal) -> Evened | Finding:
    if asked.record.amounts != "exclusive":
        why = "where prices contain tax, or there is none, the total does not follow the tax"
        return _differs(asked, f'as = "tax" cannot even it out: {why}. Use "rounding" or "line" for this flow.')
    taxes = differences.spread(difference, asked.lines)
    if taxes is None:
        return _differs(asked, 'as = "tax" cannot even it out: no line bears tax enough. Check the taxes of the lines.')
    changed = [number for number, line in enumerate(asked.lines, 1) if taxes[number - 1] != line.tax]
    where = f"line{'s' if len(changed) > 1 else ''} {', '.join(map(str, changed))}"
    return Evened(difference, f"{_told(asked, difference)}: put onto the tax of {where}.", taxes=taxes)


def _as_rounding(asked: Asked, difference: Decimal) -> Evened | Finding:
    if asked.status not in ROUNDED_STATUSES:
        why = f"Xero keeps a rounding amount on SUBMITTED and AUTHORISED invoices only, and this will be {asked.status}"
        return _differs(asked, f'as = "rounding" cannot even it out: {why}. Use "tax" or "line" for this flow.')
    if abs(difference) > ROUNDING_MAX:
        return _differs(asked, f'as = "rounding" cannot even it out: Xero rounds by {ROUNDING_MAX} at most.')
    return Evened(difference, f"{_told(asked, difference)}: given to Xero as rounding.", rounding=difference)


def _as_line(asked: Asked, difference: Decimal, policy: Policy) -> Evened | Finding:
    amounts = asked.record.amounts
    wanted = _rounding_line(policy, amounts)
    account = lines.account_of(wanted, asked.ledger, LINE_PATH)
    if isinstance(account, Finding):
        return account
    tax = lines.tax_of(wanted, account, asked.ledger, amounts, LINE_PATH)
    if isinstance(tax, Finding):
        return tax
    percent = tax.percent if tax else Decimal(0)
    amount = differences.line_of(difference, percent, amounts)
    if amount is None:
        return _differs(asked, f'as = "line" cannot even it out at {percent} % tax: use a tax of 0 % for that line.')
    line = PredictedLine(
        account.code,
        tax.tax_type if tax else None,
        amount,
        totals.line_tax(amount, percent, amounts),
    )
    element: dict[str, Any] = {
        "Description": LINE_TEXT,
        "Quantity": 1,
        "UnitAmount": amount,
        "AccountCode": account.code,
    }
    if tax is not None:
        element["TaxType"] = tax.tax_type
    note = f"{_told(asked, difference)}: a line of its own on account {account.code} ({account.name})."
    return Evened(difference, note, line=line, element=element)


def _rounding_line(policy: Policy, amounts: Amounts) -> Line:
    """The line as a record would name it, so that it is checked as every line is; without tax where nothing bears any."""
    taxed = amounts != "no_tax"
    return Line(
        description=LINE_TEXT,
        quantity=Decimal(1),
        unit_amount=ZERO,
        account=policy.account,
        account_code=policy.account_code,
        tax=policy.tax if taxed else None,
        tax_type=policy.tax_type if taxed else None,
    )


def _told(asked: Asked, difference: Decimal) -> str:
    own, ours = to_cents(asked.record.expected_total or ZERO), asked.sums.total
    return f"The record's total is {own} {asked.currency}, Xero by itself would make it {ours} ({difference:+})"


def _differs(asked: Asked, remedy: str) -> Finding:
    expected = asked.record.expected_total
    assert expected is not None, "only a record with a total of its own can differ"
    ours = asked.sums.total
    more = to_cents(EXACT.subtract(ours, expected))
    reason = (
        f"`expected_total` is {to_cents(expected)} {asked.currency}, but Xero will compute {ours} {asked.currency} "
        f"(difference {more:+})."
    )
    return Finding("total-differs", reason, remedy, "expected_total", str(expected))
