"""`counterfoil run FLOW`: finish what is open, plan, post, prove; safe to interrupt and repeat at any instant.

Cost: 1 call per 50 new documents and per 50 new contacts, a few for reading settings, and for the proof 1 per entity.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import outcome, plan_file, session

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.reports import Proof, RunReport

app = session.app()
PROVED_MAX = 20_000  # records after which a run leaves the proof, which holds all of a flow in memory, to `prove`


@app.command()
def run(
    context: typer.Context,
    flow: str = typer.Argument(metavar="FLOW", help="A table of [flows]."),
    input: Path | None = typer.Option(None, help="Read this file instead of the flow's source."),
    plan: Path | None = typer.Option(None, help="Do what this plan says, or nothing (`plan --out`)."),
    remap: bool = typer.Option(False, "--remap", help="Apply what only a changed mapping made different."),
    again: bool = typer.Option(False, "--again", help="Post anew what was undone."),
    yes: bool = typer.Option(False, "--yes", help="AUTHORISED documents may go into a live organisation, this time."),
) -> None:
    """Finish what is open, plan, post, prove; safe to interrupt and repeat."""
    now = session.of(context)
    report, proof = now.books(
        lambda books: _Run(books, now, flow, input, remap, again).carry_out(plan, yes=yes), alone=True
    )
    now.screen.value(report.to_json())
    outcome.show(now.screen, report)
    _show_proof(now, report, proof)
    now.screen.next(outcome.next_step(report))
    raise typer.Exit(report.exit_code or (0 if proof is None or proof.holds else 1))


class _Run:
    """One run with what stands around it."""

    def __init__(
        self, books: "Books", now: session.Session, flow: str, source: Path | None, remap: bool, again: bool
    ) -> None:
        self._books = books
        self._now = now
        self._flow = flow
        self._source = source
        self._remap, self._again = remap, again

    async def carry_out(self, plan: Path | None, *, yes: bool) -> "tuple[RunReport, Proof | None]":
        """Ask what has to be asked, compare with a plan, run, prove."""
        from counterfoil.cli import progress

        flow = self._books.flow(self._flow)
        approved = {}
        if plan is not None:
            approved["plan"] = plan_file.check(
                plan, await self._books.plan(self._flow, self._source, remap=self._remap, again=self._again)
            )
        if yes or await self._may_go_live():
            if self._books.settings.xero.is_live and not flow.live:
                approved["live"] = "--yes" if yes else "answered"
            self._books.flows[self._flow] = msgspec.structs.replace(flow, live=True)
        with progress.bar(json=self._now.json) as take:
            report = await self._books.run(
                self._flow, self._source, progress=take, remap=self._remap, again=self._again, approved=approved
            )
        return await self._proved(report)

    async def _may_go_live(self) -> bool:
        """The first AUTHORISED documents of a flow into live organisations need a word of a person at a terminal."""
        flow = self._books.flow(self._flow)
        if (
            flow.live
            or not self._books.settings.xero.is_live
            or not self._now.screen.is_terminal
            or not sys.stdin.isatty()
        ):
            return False
        return typer.confirm(f"May {self._flow} put AUTHORISED documents into live organisations, this time?", err=True)

    async def _proved(self, report: "RunReport") -> "tuple[RunReport, Proof | None]":
        """The proof, and the report with its calls counted in. Nothing new, too much, or Xero away: none."""
        if not (report.posted or report.adopted) or (report.records or 0) > PROVED_MAX:
            return report, None
        try:
            proof = await self._books.prove(self._flow)
        except (errors.RunAgain, errors.Reconnect) as error:
            self._now.screen.note(f"Not proved now: {error}")
            return report, None
        calls, egress = self._books.counts()
        counted = {"api_calls": max(calls, report.api_calls), "egress_bytes": max(egress, report.egress_bytes)}
        return msgspec.structs.replace(report, **counted), proof


def _show_proof(now: session.Session, report: "RunReport", proof: "Proof | None") -> None:
    if proof is None:
        return
    if proof.holds:
        now.screen.line("Proved: what we posted is what Xero has, once each.")
        return
    for difference in (*proof.differences, *proof.duplicates):
        now.screen.line(f"Differs: {difference}")
    now.screen.note(f"NOT proved: `counterfoil prove {report.flow}` shows all.")
