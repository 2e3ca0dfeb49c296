"""`counterfoil undo RUN` for tests of the engine: plan, carry out, finish."""

from counterfoil.app.reports import RunReport
from counterfoil.posting import undoing
from counterfoil.posting.undoing import UndoPlan
from counterfoil.store import runs
from tests.posting.workbench import WorkbenchBooks


async def planned(books: WorkbenchBooks, run_id: int) -> UndoPlan:
    """What would be taken back."""
    return await undoing.plan(books.database, run_id, books.client, books.catch_up)


async def undo(books: WorkbenchBooks, run_id: int) -> RunReport:
    """Take the run back, as far as it goes."""
    plan = await planned(books, run_id)
    now = books.clock.now()
    own = await books.database.run(
        lambda conn: runs.start(
            conn, flow=None, flow_id=None, command="undo", source=f"run {run_id}", actor="test", now=now
        )
    )
    await undoing.carry_out(books.database, plan, own)
    return await books.finish()
