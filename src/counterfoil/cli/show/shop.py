"""The demo's web shop: an export is mapped, a problem of several orders is fixed at once, a run is taken back.

Called by acts for its fifth step. Uses the operations of app, as the commands do.
"""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from counterfoil.cli import table
from counterfoil.cli.sample import orders

if TYPE_CHECKING:
    from collections.abc import Callable

    from counterfoil.app import Books
    from counterfoil.app.reports import Problem, RunReport

FLOW: Final = "web"
OLD: Final = "orders-last-month.csv"
OLD_ORDERS: Final = 20
OLD_FIRST: Final = 801
RIGHT_VAT: Final = "VAT 0%"


class Played(NamedTuple):
    """What came of it, and what was not as it should be."""

    told: dict[str, Any]
    off: list[str]


async def play(books: "Books", folder: Path, today: datetime.date, say: "Callable[[str], None]") -> Played:
    """Map and post the export, mend what several orders have wrong, post the wrong file and take it back."""
    off: list[str] = []
    await _show_mapping(books, folder / "orders.csv", say)
    first = await books.run(FLOW)
    say(f"{table.count(first.records or 0, 'order')}: {first.posted} posted as drafts, {first.rejected} refused")
    fixed = await _fix(books, say, off)
    old = folder / OLD
    with old.open("w", newline="", encoding="utf-8") as file:
        file.write(orders.text(today, 5, first=OLD_FIRST, count=OLD_ORDERS, rows=OLD_ORDERS + 9))
    wrong = await books.run(FLOW, old)
    undone = await _undo(books, wrong, say, off)
    if (first.posted, fixed) != (orders.ORDERS - orders.ODD - 1, orders.ODD):
        off.append(f"of the export {first.posted} were posted and {fixed} after the fix")
    return Played({"posted": first.posted, "fixed": fixed, "undone": undone}, off)


async def _show_mapping(books: "Books", path: Path, say: "Callable[[str], None]") -> None:
    from counterfoil.app import trying

    flow = books.flow(FLOW)
    async for one in trying.Trier(books, flow).records(path):
        if len(one.rows) > 1 and one.predicted is not None:
            lines = one.predicted["lines"]
            say(f"{one.source} ({len(one.rows)} rows, {len(one.rows[0])} columns) becomes {one.record['number']}:")
            for line in lines:
                say(
                    f"  account {line['account_code']}, {line['tax_type']}: {line['line_amount']} + {line['tax_amount']}"
                )
            say(f"  total {one.predicted['total']} {one.predicted['currency']}, as the shop has it")
            return


async def _fix(books: "Books", say: "Callable[[str], None]", off: list[str]) -> int:
    """One fix for all orders with the VAT name that no lookup has; → how many were posted with it."""
    from counterfoil.app.wishes import Wish

    problem = _named(await books.problems(), "lookup-unknown")
    if problem is None:
        off.append("no problem names the unknown VAT name")
        return 0
    say(f"one problem for {table.count(problem.count, 'order')}: {table.harmless(problem.reason)}")
    await books.fix(problem.n, Wish(use=RIGHT_VAT))
    planned = await books.retry(problem.n)
    report = await books.finish()
    say(f"`counterfoil problems fix {problem.n} --use '{RIGHT_VAT}'` mends this and all like it: {planned} posted")
    return report.posted


def _named(problems: "list[Problem]", cause: str) -> "Problem | None":
    return next((one for one in problems if one.flow == FLOW and one.cause.partition(":")[0] == cause), None)


async def _undo(books: "Books", wrong: "RunReport", say: "Callable[[str], None]", off: list[str]) -> int:
    """Take the run of the wrong file back; → how many documents are gone."""
    taken, report = await books.undo(wrong.run)
    gone = taken.count("delete") - report.held - report.rejected - report.uncertain - report.planned
    say(f"{OLD} was posted by mistake: {table.count(wrong.posted, 'draft')}")
    say(f"`counterfoil undo {wrong.run}` takes them back: {gone} deleted, {len(taken.lines) - gone} left")
    if gone != wrong.posted:
        off.append(f"of {wrong.posted} documents {gone} were taken back")
    return gone
