"""`counterfoil problems`: what needs a person, by cause, most money first; try again, correct, skip, send on.

For programs the list is flat: one value per record, each with the number and the cause of its problem. Listing, `skip`
and `fixes` call nothing; `retry` and `unfix` read as a plan does, `fix` only when what was read last shows no cure.
"""

import datetime
import sys
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from counterfoil import errors
from counterfoil.cli import problem_exports, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import Problem
    from counterfoil.app.wishes import FixReport


class _FileMayBeLeftOut(typer.core.TyperGroup):
    """`--csv` alone is `--csv -`: stdout."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a `--csv` without its file the dash."""
        given: list[str] = []
        for index, word in enumerate(args):
            given.append(word)
            after = args[index + 1] if index + 1 < len(args) else "--"
            if word == "--csv" and (after.startswith("--") or after in self.commands):
                given.append(problem_exports.STDOUT)
        return super().parse_args(ctx, given)


app = session.app()
app.info.cls = _FileMayBeLeftOut
N = typer.Argument(metavar="N", help="A problem's number.")
CSV = typer.Option(None, "--csv", metavar="[FILE]", help="One line per record, as CSV, into FILE or to stdout.")
HTML = typer.Option(None, "--html", metavar="FILE", help="A page that a colleague can be sent.")
ONLY = typer.Option(None, "--only", metavar="EXTERNAL_ID", help="This one record only.")


@app.callback(invoke_without_command=True)
def problems(context: typer.Context, csv: str | None = CSV, html: str | None = HTML) -> None:
    """What needs a person, by cause, most money first: list, show one, try again, correct, or skip."""
    if context.invoked_subcommand is None:
        _list(session.of(context), csv, html)


@app.command("list")
def list_(context: typer.Context, csv: str | None = CSV, html: str | None = HTML) -> None:
    """The open problems."""
    _list(session.of(context), csv, html)


@app.command()
def show(context: typer.Context, n: int = N) -> None:
    """One problem with all its records."""
    now = session.of(context)
    problem = now.books(lambda books: books.problem(n))
    now.screen.value(problem)
    _told(now.screen, problem)
    rows = [
        [one.id or "", one.entity or "", one.external_id or "", table.money(*total) if total else "unknown", one.source, one.reason or ""]
        for one, total in zip(problem.records, problem.totals, strict=True)
    ]  # fmt: skip
    now.screen.table(("ID", "ENTITY", "RECORD", "TOTAL", "SOURCE", "REASON"), rows, right=(0, 3))
    now.screen.next(
        f"counterfoil problems {problem.cure or f'retry {n}'}  # or: counterfoil problems skip {n} --because '…'"
    )


@app.command()
def retry(context: typer.Context, n: int = N) -> None:
    """Plan a problem's records again, after its cause is cured."""
    now = session.of(context)
    problem, planned = now.books(lambda books: _retry(books, n))
    now.screen.value({"problem": n, "records": planned})
    _retried(now.screen, problem, planned)
    now.screen.next("counterfoil finish" if planned else f"counterfoil problems show {n}")


@app.command()
def skip(
    context: typer.Context,
    n: int = N,
    because: str = typer.Option(..., help="The reason; it is kept."),
    document: str | None = typer.Option(
        None, metavar="ID|NUMBER|URL", help="The document of Xero's that stands for the record: it is proven as such."
    ),
    only: str | None = ONLY,
) -> None:
    """Take a problem's records off the list for good; `--document`: what Xero has for the record already."""
    now = session.of(context)
    if document is None:
        skipped = now.books(lambda books: books.skip(n, because, only=only))
        now.screen.value({"problem": n, "records": skipped})
        now.screen.line(f"{table.count(skipped, 'record')} skipped: {table.harmless(because)}")
    else:
        named = now.books(lambda books: books.vouch(n, because, document, only=only))
        now.screen.value(named)
        now.screen.line(
            table.harmless(f"{named.number or named.document_id} stands for {named.external_id}: {because}")
        )
        for difference in named.differences:
            now.screen.line(f"  Differs: {table.harmless(difference)}")
    now.screen.next("counterfoil problems")


@app.command()
def fix(
    context: typer.Context,
    n: int = N,
    use: str | None = typer.Option(None, metavar="VALUE", help="What to put instead of the value that is wrong."),
    date: str | None = typer.Option(None, metavar="YYYY-MM-DD", help="The document's date instead."),
    set_: list[str] = typer.Option(
        [], "--set", metavar="FIELD=VALUE", help='Set a field ("" takes it away); repeatable.'
    ),
    only: str | None = ONLY,
    because: str | None = typer.Option(None, help="The reason; it is kept."),
) -> None:
    """Correct this and all like it, as an overlay that can be undone; the records stay as they are."""
    from counterfoil.app.wishes import Wish

    now = session.of(context)
    wish = Wish(use, _day(date), _fields(set_), only, because)
    report = now.books(lambda books: books.fix(n, wish))
    now.screen.value(report)
    _fixed(now.screen, report)
    if report.cured and now.screen.is_terminal and sys.stdin.isatty() and _confirmed(report):
        problem, planned = now.books(lambda books: _retry(books, n))
        _retried(now.screen, problem, planned)
        now.screen.next("counterfoil finish" if planned else f"counterfoil problems show {n}")
    else:
        now.screen.next(f"counterfoil problems retry {n}" if report.cured else "counterfoil problems")


@app.command()
def fixes(context: typer.Context) -> None:
    """Every correction: what it does, to how many records, by whom, and whether it was undone."""
    now = session.of(context)
    found = now.books(lambda books: books.fixes())
    now.screen.value(found)
    rows = [
        [one["id"], one["flow"], one["what"], _for(one), one["records"],
         one["actor"], f"{one['at']:%Y-%m-%d}", f"undone {one['undone_at']:%Y-%m-%d}" if one["undone_at"] else "in force"]
        for one in found
    ]  # fmt: skip
    if rows:
        now.screen.table(("FIX", "FLOW", "WHAT", "FOR", "RECORDS", "BY", "ON", ""), rows, right=(0, 4))
    else:
        now.screen.line("No fixes.")
    now.screen.next(f"counterfoil problems unfix {found[0]['id']}" if found else "counterfoil problems")


@app.command()
def unfix(
    context: typer.Context, n: int = typer.Argument(metavar="N", help="A fix's number (`problems fixes`).")
) -> None:
    """Undo a correction; what was posted with it stays, what was not is planned again without it."""
    now = session.of(context)
    one, again = now.books(lambda books: books.unfix(n))
    now.screen.value({"fix": one.id, "planned_again": again})
    now.screen.line(f"Fix {one.id} is undone; {table.count(again, 'record')} not yet sent still pass without it.")
    now.screen.next("counterfoil problems")


def _for(one: dict[str, Any]) -> str:
    ids = one["external_ids"]
    if ids is None:
        return f"all like problem {one['problem']}"
    return ids[0] if len(ids) == 1 else f"{len(ids):,} records of problem {one['problem']}"


async def _retry(books: Any, n: int) -> "tuple[Problem, int]":
    problem = await books.problem(n)
    return problem, await books.retry(n)


def _retried(screen: Screen, problem: "Problem", planned: int) -> None:
    if planned:
        screen.line(f"{table.count(planned, 'record')} planned again.")
    if problem.count > planned:
        screen.line(f"{table.count(problem.count - planned, 'record')} stopped as before: `counterfoil problems`.")


def _confirmed(report: "FixReport") -> bool:
    return typer.confirm(f"Plan {'it' if report.cured == 1 else f'the {report.cured:,} records'} again now?", err=True)


def _fixed(screen: Screen, report: "FixReport") -> None:
    screen.line(f"{report.cured:,} of {table.count(report.records, 'record')} cured.")
    numbers = ", ".join(str(one) for one in report.fixes)
    for said in report.said:
        screen.line(f"  {table.harmless(said)}")
    if numbers:
        whom = (
            "for this and all like it" if report.all_like_it else f"for {table.count(report.records, 'record')} alone"
        )
        screen.line(f"  Fix {numbers}: {whom}; `counterfoil problems fixes` lists, `unfix` undoes.")
    for reason, count in report.left.items():
        screen.line(f"  Left in {table.count(count, 'record')}: {table.harmless(reason)}")


def _day(text: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise errors.InputError(f"--date is no day: {text}.", remedy="Write it as 2026-11-30.") from error


def _fields(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        field, equals, value = text.partition("=")
        if not equals or not field.strip():
            raise errors.InputError(
                f"--set needs FIELD=VALUE: {text}.", remedy="For example --set due_date=2026-12-31."
            )
        found[field.strip()] = value
    return found


def _list(now: session.Session, csv: str | None, html: str | None) -> None:
    if csv is not None and now.json:
        raise errors.InputError("--csv and --json exclude each other.")
    found, at, lost = now.books(_found)
    if csv is not None:
        text = problem_exports.as_csv(found)
        if csv == problem_exports.STDOUT:
            sys.stdout.write(table.lines(text) if now.screen.is_terminal else text)
            return
        problem_exports.write(csv, text)
    if html is not None:
        problem_exports.write(html, problem_exports.as_html(found, at))
    now.screen.value([problem_exports.flat(problem, one) for problem in found for one in problem.records])
    files = " and ".join(file for file in (csv, html) if file is not None)
    if files:
        now.screen.line(f"{table.count(len(found), 'problem')} written to {files}")
        return
    rows = [
        [
            problem.n,
            problem.count,
            table.waiting(problem.amounts, problem.unknown),
            problem.flow,
            problem.column or problem.field,
            problem.reason,
            problem.remedy,
        ]
        for problem in found
    ]
    for consent in lost:
        now.screen.line(table.harmless(consent))
    if not found:
        now.screen.line("No problems." if not lost else "No problem with a record.")
    else:
        heads = ("N", "RECORDS", "WAITING", "FLOW", "FIELD", "WHAT IS WRONG", "WHAT TO DO")
        now.screen.table(heads, rows, right=(0, 1, 2))
    now.screen.next(f"counterfoil problems show {found[0].n}" if found else "counterfoil status")


async def _found(books: Any) -> "tuple[list[Problem], datetime.datetime, list[str]]":
    from counterfoil.app import pausing, troubles

    lost = await troubles.lost_consents(books)
    paused = [f"{one.said}. What is planned waits: end it with {one.remedy}" for one in await pausing.standing(books)]
    return await books.problems(), books.clock.now(), [*lost, *paused]


def _told(screen: Screen, problem: "Problem") -> None:
    known = table.waiting(problem.amounts, problem.unknown)
    waiting = f", {known} waiting" if problem.amounts else ", amount unknown" if problem.unknown else ""
    screen.line(f"Problem {problem.n} of {problem.flow}: {table.count(problem.count, 'record')}{waiting}")
    screen.line(f"  {table.harmless(problem.reason)}")
    where = [
        problem.field,
        f"column {problem.column}" if problem.column not in ("", problem.field) else "",
        problem.value,
    ]
    if problem.field:
        screen.line(f"  Field: {table.harmless(', '.join(part for part in where if part))}")
    for message in problem.xero_messages:
        screen.line(f"  Xero said: {table.harmless(message)}")
    screen.line(f"  What to do: {table.harmless(problem.remedy)}")
    if problem.cure:
        screen.line(f"  Likely: counterfoil problems {problem.cure}")
    screen.line()
