"""What Xero is asked, once, for all checks: a few GETs, none of which changes anything.

Called by doctor when it may ask. HOST_GETS without a token (one per host), then one per consent (GET /connections) and
two per bound organisation (GET /Organisation and its Actions), of ORGANISATIONS_MAX organisations at most. A token that
has run out is refreshed, as by any command. xero-facts §1.1, §1.6, §5.1.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from counterfoil import errors
from counterfoil.app.doctor.patient import HostAnswer, Organised, Patient
from counterfoil.model.binding import Binding
from counterfoil.store import bindings, grants
from counterfoil.xero.resources import organisation

HOST_GETS: Final = 3
ORGANISATIONS_MAX: Final = 25
TIMEOUT_S: Final = 10.0  # of one question to a host
PATIENCE_S: Final = 30.0  # with one consent or organisation, waits for Xero's limits included
PATHS: Final = {  # setting → a path that answers without a token
    "login_url": "/identity/connect/authorize",
    "identity_url": "/.well-known/openid-configuration",
    "api_url": "/connections",
}
LANE: Final = "interactive"

T = TypeVar("T")


async def ask(patient: Patient) -> None:
    """Ask everything, and keep the answers; a host that cannot be reached is an answer, too."""
    books = patient.books
    before = books.counts()[0]
    for setting, path in PATHS.items():
        patient.hosts[setting] = await _host(books, getattr(patient.loaded.xero, setting) + path)
    if any(one.error is not None for name, one in patient.hosts.items() if name != "login_url"):
        patient.gets = books.counts()[0] - before
        return  # neither tokens nor books can be had
    client_id = patient.loaded.xero.client_id
    for grant in await books.database.read(lambda conn: grants.usable(conn, client_id)):
        patient.connections[grant.id] = await _patiently(books.access.probe.connections(grant.id))
    bound = await books.database.read(bindings.everything)
    patient.unasked = max(0, len(bound) - ORGANISATIONS_MAX)
    for binding in bound[:ORGANISATIONS_MAX]:
        patient.organisations[binding.entity] = await _organised(books, binding)
    patient.gets = books.counts()[0] - before


async def _host(books: Any, url: str) -> HostAnswer:
    clock = books.clock
    asked_at = clock.now()
    try:
        answer = await books.transport.send("GET", url, {"Accept": "application/json"}, timeout_s=TIMEOUT_S)
    except errors.CounterfoilError as error:
        return HostAnswer(url, asked_at, clock.now(), None, error)
    return HostAnswer(url, asked_at, clock.now(), answer)


async def _organised(books: Any, binding: Binding) -> Organised:
    said = await _patiently(books.access.probe.organisation(binding.grant_id, binding.tenant_id))
    if isinstance(said, errors.CounterfoilError):
        return Organised(error=said)
    client = await books.client(binding.entity)
    actions = await _patiently(organisation.actions(client, lane=LANE))
    return Organised(said, () if isinstance(actions, errors.CounterfoilError) else actions)


async def _patiently(asked: Awaitable[T]) -> T | errors.CounterfoilError:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asked
    except TimeoutError:
        return errors.XeroUnavailable(f"There was no answer within {PATIENCE_S:.0f} s.")
    except errors.CounterfoilError as error:
        return error
