"""Scheduled runs are counted anew when their postings have come to their end.

Called by open_postings and flow_runs: a scheduled run reads and plans, others send, so its first count is of what was planned.
"""

from typing import Any

from counterfoil.store import open_work, runs, schedules
from counterfoil.store.database import Connection


async def conclude(books: Any) -> int:
    """Count the runs of which nothing is open any more; → how many. Writes nothing while there is none."""
    turns = await books.database.read(schedules.everything)
    waiting = [one for one in turns.values() if one.run_id is not None]
    if not waiting:
        return 0

    def work(conn: Connection) -> int:
        done = [one for one in waiting if one.run_id is not None and not open_work.of_run(conn, one.run_id)]
        for one in done:
            assert one.run_id is not None, "chosen by it"
            run = runs.get(conn, one.run_id)
            if run is not None and run.counts is not None:
                counts = run.counts | runs.counts(conn, one.run_id)
                counts["problems"] = runs.problem_count(conn, one.flow_id, one.run_id)
                runs.end(conn, one.run_id, books.database.now(conn), counts)
            schedules.concluded(conn, one.flow_id, one.run_id)
        return len(done)

    ended: int = await books.database.run(work)
    return ended
