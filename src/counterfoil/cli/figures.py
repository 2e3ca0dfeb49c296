"""What receivables, payables and cash print: tables by contact and age, bank accounts, the weeks to come.

Called by the commands of these names. The figures are those of the HTTP API (app/figures); with --json they are the same
values, one of each entity in an array, whole. Of several entities one that was never read is told, and decides the exit code.
"""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from counterfoil import errors
from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.figures.cash import Cash
    from counterfoil.app.figures.owed import Owed
    from counterfoil.app.figures.reading import Basis
    from counterfoil.app.figures.several import Told
    from counterfoil.reporting.ageing import Aged
    from counterfoil.reporting.papers import Side
    from counterfoil.reporting.weeks import Flow

OLD_S = 3600.0  # a copy that is older is worth a sync first
AGES = ("NOT DUE", "1-30", "31-60", "61-90", "OVER 90", "CREDIT", "TOTAL")
NOUN = {"receivables": "Owed to", "payables": "Owed by"}


def owed(now: session.Session, entity: str | None, side: "Side", on: str | None) -> None:
    """Receivables or payables, of one entity or all."""

    async def ask(books: "Books", one: str) -> "Owed":
        from counterfoil.app.figures import owed as owing

        return await owing.owed(books, one, side, on=_day(on))

    other = "payables" if side == "receivables" else "receivables"  # not cash: that needs resources that no flow reads
    _tell(now, entity, ask, _show_owed, f"counterfoil {other}")


def cash(now: session.Session, entity: str | None, on: str | None) -> None:
    """Cash, of one entity or all."""

    async def ask(books: "Books", one: str) -> "Cash":
        from counterfoil.app.figures import cash as cashes

        return await cashes.cash(books, one, on=_day(on))

    _tell(now, entity, ask, _show_cash, "counterfoil receivables")


def _tell(
    now: session.Session, entity: str | None, ask: "Callable[[Books, str], Awaitable[Any]]",
    show: Callable[[Screen, Any], None], following: str,
) -> None:  # fmt: skip
    async def asked(books: "Books") -> "list[Told[Any]]":
        from counterfoil.app.figures import several

        return await several.told(books, entity, lambda one: ask(books, one))

    found = now.books(asked)
    now.screen.value([one.figure if one.error is None else _refused(one.entity, one.error) for one in found])
    ended, is_old = 0, False
    for one in found:
        if one.error is None:
            assert one.figure is not None
            show(now.screen, one.figure)
            is_old = is_old or max(fresh.lag_s for fresh in one.figure.basis.resources) > OLD_S
        else:
            now.screen.note(f"{one.entity}: {one.error.message} {one.error.remedy}")
            ended = max(ended, one.error.exit_code)
    now.screen.next("counterfoil sync" if ended or is_old else following)
    raise typer.Exit(ended)


def _refused(entity: str, error: errors.CounterfoilError) -> dict[str, Any]:
    return {"entity": entity, "error": {"code": error.code, "message": error.message, "remedy": error.remedy}}


def _day(text: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise errors.InputError(f"--on is no day: {text}.", remedy="Write it as 2026-11-30.") from error


def _head(screen: Screen, noun: str, basis: "Basis") -> None:
    day = f"{basis.on}" if basis.on == basis.today else f"{basis.on} (today is {basis.today})"
    screen.line(f"{noun} {basis.entity} on {day}, from the copy of {basis.as_of:%Y-%m-%d %H:%M:%S} UTC")


def _show_owed(screen: Screen, found: "Owed") -> None:
    _head(screen, NOUN[found.side], found.basis)
    if found.contacts:
        _show_contacts(screen, found)
    else:
        screen.line("Nothing is open.")
    if found.base.without_rate:
        screen.line(f"{table.count(found.base.without_rate, 'document')} without a rate: in no base amount.")
    if found.unsaid.count:
        named = ", ".join(found.unsaid.ids)
        screen.line(f"{table.count(found.unsaid.count, 'document')} in no number, since they do not say it: {named}")
    screen.line()


def _show_contacts(screen: Screen, found: "Owed") -> None:
    """Most money first in each currency; then the totals, which a long list does not push off the screen."""
    rows = sorted(found.contacts, key=lambda one: (one.currency, -one.aged.total, one.contact, one.contact_id))
    shown = [[one.contact, one.currency, *_ages(one.aged)] for one in rows]
    screen.table(("CONTACT", "CURRENCY", *AGES), shown, right=range(2, 9))
    totals: list[list[str]] = [["All", currency, *_ages(aged)] for currency, aged in found.totals.items()]
    if set(found.totals) - {found.base.currency}:
        totals.append(["All, in base", found.base.currency, *_ages(found.base.aged)])
    screen.line()
    screen.table(("TOTAL", "CURRENCY", *AGES), totals, right=range(2, 9))


def _ages(aged: "Aged") -> list[str]:
    return [
        table.money(amount) if amount else ""
        for amount in (
            aged.not_due, aged.days_1_30, aged.days_31_60, aged.days_61_90, aged.over_90, aged.credit, aged.total,
        )
    ]  # fmt: skip


def _show_cash(screen: Screen, found: "Cash") -> None:
    _head(screen, "Cash of", found.basis)
    rows = [
        [
            one.code, one.name, one.currency, table.money(one.balance.amount, one.balance.currency) if one.balance else "?",
            table.money(one.movements, one.currency), one.since,
        ]
        for one in found.accounts
    ]  # fmt: skip
    screen.table(("CODE", "ACCOUNT", "CURRENCY", "BALANCE", "MOVEMENTS", "SINCE"), rows, right=(3, 4))
    total, told = found.balance_total, next((one.balance for one in found.accounts if one.balance), None)
    if total is not None:
        screen.line(f"All accounts: {table.money(total.amount, total.currency)}")
    if told is not None:
        screen.line(f"Balances as Xero told them {errors.span(told.lag_s)} ago, up to {told.on}.")
    for why in dict.fromkeys(one.balance_unknown for one in found.accounts if one.balance_unknown):
        screen.line(f"No balance: {why.reason} {why.remedy}")
    screen.line()
    _show_weeks(screen, found)
    screen.line()


def _show_weeks(screen: Screen, found: "Cash") -> None:
    expected = found.expected
    parts: list[tuple[str, Sequence[Flow]]] = [
        ("overdue", expected.overdue), *((f"{week.first} to {week.last}", week.flows) for week in expected.weeks),
        ("later", expected.later), ("credit, no day", expected.credit),
    ]  # fmt: skip
    rows = [
        [when, flow.currency, _amount(flow.coming_in), _amount(flow.going_out), table.money(flow.coming_in - flow.going_out)]
        for when, flows in parts
        for flow in flows
    ]  # fmt: skip
    if rows:
        screen.table(("DUE", "CURRENCY", "IN", "OUT", "NET"), rows, right=(2, 3, 4))
    else:
        screen.line("Nothing is due to come in or go out.")
    if found.unsaid:
        screen.line(f"{table.count(found.unsaid, 'document')} in no number: they do not say what is left.")


def _amount(amount: Decimal) -> str:
    return table.money(amount) if amount else ""
