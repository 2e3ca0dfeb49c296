"""The service: schedules of flows, open postings, consents, the daily look, notices and housekeeping, until it is told to stop.

Called by cli (`serve`, `worker`) and by the door, which asks `Serving.health`. May import app's operations and what stands
below app; never cli, service or the sandbox. Everything that is due is read from the tables: a process that dies is missed by
nobody, and any number of them share the work where the database is Postgres.
"""

from counterfoil.app.serving.health import Health, Piece, Scheduled
from counterfoil.app.serving.serving import Serving, Summary

__all__ = ["Health", "Piece", "Scheduled", "Serving", "Summary"]
