"""Setup: the chart of accounts and the balances that an organisation comes with, in one POST (facts 5.23).

Called through `resources`. Accounts are made or changed by their code as `accounts` does it; system accounts stay as they
are, and nobody's account is deleted. The balances stand on the last day before the month of the conversion; what they
lack to nothing is on Historical Adjustment. Sent again, they replace what was sent before. Assumed, where no source tells:
receivables, payables and the stock of tracked items come from documents, so a balance of theirs is refused.
"""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.ledger import entry, opening
from counterfoil.sandbox.resources import accounts, batches, document_rules, exchange, shape, stock
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Setup"
SUMMARY: Final = "ImportSummary"
NO_DATE: Final = "A ConversionDate needs a Month from 1 to 12 and a Year after 2006."
NOT_BY_BALANCE: Final = "Account code '{}' gets its balance from documents."
NO_ACCOUNT: Final = "Account code '{}' does not exist."
_YEARS: Final = range(2007, 2200)
_DETAIL: Final = shape.Shape(Balance=shape.decimal, CurrencyCode=shape.text, CurrencyRate=shape.decimal)
SHAPE: Final = shape.Shape(
    ConversionDate=shape.object_of(shape.Shape(Month=shape.whole, Year=shape.whole)),
    ConversionBalances=shape.array_of(
        shape.Shape(AccountCode=shape.text, Balance=shape.decimal, BalanceDetails=shape.array_of(_DETAIL))
    ),
    Accounts=shape.array_of(accounts.SHAPE),
)


def handle(call: Call) -> Answer:
    """POST; there is nothing to GET."""
    if call.method != "POST" or call.path:
        raise Refusal(answers.not_implemented())
    (posted,) = shape.posted(call, PLURAL, PLURAL, SHAPE)[:1]
    summary = _imported(call, posted.get("Accounts", []))
    errors = _opened(call, posted)
    if errors:
        raise Refusal(answers.validation([{"ValidationErrors": batches.messages(errors)}]))
    answer = answers.envelope(call.world, call.client_id, SUMMARY, [])
    document = {**(answer.document or {}), SUMMARY: {"Accounts": summary, "Organisation": {"Present": False}}}
    return Answer(200, wire.pretty(document), wire.JSON, answer.headers, None, document)


def _imported(call: Call, sent: list[Row]) -> Row:
    """Make or change each account; how many were which."""
    table = call.books.table("Accounts")
    counts = dict.fromkeys(("New", "Updated", "Errored"), 0)
    for posted in sent:
        found = table.first("code", fold(posted.get("Code")))
        if found is not None and found.get("SystemAccount"):
            continue
        mark = call.world.changes.mark()
        outcome = accounts.imported(call, posted, found)
        if outcome.errors:
            call.world.changes.roll_back(mark)
        counts["Errored" if outcome.errors else "New" if found is None else "Updated"] += 1
    return {
        "Total": len(table),
        "New": counts["New"],
        "Updated": counts["Updated"],
        "Deleted": 0,
        "Locked": 0,
        "System": sum(bool(row.get("SystemAccount")) for row in table),
        "Errored": counts["Errored"],
        "Present": bool(sent),
        "NewOrUpdated": counts["New"] + counts["Updated"],
    }


def _opened(call: Call, posted: Row) -> list[str]:
    """Put down the balances, if some were sent."""
    balances = posted.get("ConversionBalances", [])
    if not balances:
        return []
    given = posted.get("ConversionDate", {})
    if given.get("Month") not in range(1, 13) or given.get("Year") not in _YEARS:
        return [NO_DATE]
    day = date(given["Year"], given["Month"], 1) - timedelta(days=1)
    rows, errors = [], document_rules.locked(call.books, day)
    for one in balances:
        account = call.books.table("Accounts").first("code", fold(one.get("AccountCode")))
        if account is None:
            errors.append(NO_ACCOUNT.format(one.get("AccountCode", "")))
        elif wrong := [text for detail in one.get("BalanceDetails", []) for text in _rate(call, detail)]:
            errors += wrong
        elif account.get("SystemAccount") in {entry.DEBTORS, entry.CREDITORS} or stock.is_asset(
            call.books, account["AccountID"]
        ):
            errors.append(NOT_BY_BALANCE.format(account.get("Code", "")))
        else:
            rows.append([account["AccountID"], _balance(call, one)])
    if not errors:
        call.books.table(opening.TABLE).put(call.books.tenant_id, {"day": wire.day(day), "balances": rows})
    return errors


def _rate(call: Call, detail: Row) -> list[str]:
    """What is wrong with the rate of a detail."""
    return exchange.problems(call.books, str(detail.get("CurrencyCode") or "").upper() or "-", detail)


def _balance(call: Call, one: Row) -> Decimal:
    """In base currency: as it says, else what its details come to."""
    if "Balance" in one:
        return Decimal(one["Balance"]).quantize(entry.CENT, ROUND_HALF_UP)
    details = one.get("BalanceDetails", [])
    parts = (
        entry.in_base(call.books, detail.get("Balance", entry.ZERO), detail.get("CurrencyRate") or Decimal(1))
        for detail in details
    )
    return sum(parts, entry.ZERO)


RESOURCE = Resource(PLURAL, PLURAL, "accounting.settings", handle)
