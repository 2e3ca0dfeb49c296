"""Tokens become a grant: stored first, then what it reaches is listed; and a consent that comes to nothing is on record.

Base of consent (a user's) and custom (a custom connection's, which has no user). A grant is one Xero user of one
client id: the same user's next consent replaces its tokens and nobody else's. xero-facts §1.4, §1.6.
"""

import asyncio
import contextlib
import datetime
import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.access import connections, losing, reach, refresh, silence
from counterfoil.access.audit import NO_ENTITY, AuditLog
from counterfoil.access.vault import Vault
from counterfoil.store import grants
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected, Grant
from counterfoil.xero import identity
from counterfoil.xero.identity import App, Connection, TokenSet
from counterfoil.xero.transport import Transport

NOBODY: Final = ""  # the user of a custom connection's grant
INTERRUPTED: Final = "interrupted"
G = TypeVar("G", bound="Granting")
P = ParamSpec("P")
T = TypeVar("T")


class Consented(msgspec.Struct, frozen=True):
    """What came of a consent. `fresh`: the tenants of this very consent; `reached`: all that the user ever allowed."""

    grant_id: str
    scopes: tuple[str, ...]
    reached: tuple[Connected, ...]
    fresh: tuple[Connected, ...]


class Granting:
    """Stores grants of one app."""

    def __init__(self, database: Database, vault: Vault, audit: AuditLog, transport: Transport, app: App) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._transport = transport
        self._app = app

    @contextlib.asynccontextmanager
    async def on_record(self) -> AsyncIterator[None]:
        """What ends inside with an error of ours, or is interrupted, goes into the audit log: a consent that failed.

        By a code alone (the error's own `why`, else its code), with the app. Without a key or a database nothing can be
        on record: those errors pass.
        """
        try:
            yield
        except errors.Stop:
            raise
        except errors.CounterfoilError as problem:
            await self._failed(problem.facts.get("why", problem.code))
            raise
        except asyncio.CancelledError:
            await self._failed(INTERRUPTED)
            raise

    async def _failed(self, why: str) -> None:
        data = {"client": self._app.client_id, "why": why}
        await self._database.run(lambda conn: self._audit.append(conn, NO_ENTITY, "consent failed", data))

    async def keep(
        self, fresh: TokenSet, xero_userid: str, asked_at: datetime.datetime, event_id: str | None
    ) -> Consented:
        """Store the grant before anything is done with it, since a code works once; then list what it reaches.

        `asked_at`: by Xero's clock. `event_id`: names the consent, so that its own tenants can be told from the user's
        earlier ones (None: there is none, and all are its own). Costs one or two calls. Raises XeroUnavailable, Unclear:
        the grant is stored then.
        """
        grant = await self._stored(fresh, xero_userid, asked_at)
        everything = await self._connections(fresh.access_token, None)
        newly = await self._connections(fresh.access_token, event_id) if event_id else everything
        now = self._database.clock.now()
        rows = [connections.row(grant.id, one, now) for one in everything]
        custom = self._app.is_custom

        def reached(conn: grants.Connection) -> None:
            at = self._database.now(conn)
            reach.keep(conn, self._audit, grant.id, rows, is_custom=custom, now=at)
            losing.over(conn, grant.id, at)
            silence.answered(conn, grant.id, at)

        await self._database.run(reached)
        return Consented(
            grant_id=grant.id,
            scopes=tuple(fresh.scope.split()),
            reached=tuple(rows),
            fresh=tuple(connections.row(grant.id, one, now) for one in newly),
        )

    async def _connections(self, token: str, event_id: str | None) -> tuple[Connection, ...]:
        answer = await identity.perform(self._transport, identity.connections(token, event_id=event_id))
        return identity.connections_of(answer)

    async def _stored(self, fresh: TokenSet, xero_userid: str, asked_at: datetime.datetime) -> Grant:
        def store(conn: grants.Connection) -> Grant:
            old = grants.find_for_update(conn, self._app.client_id, xero_userid)
            grant_id = secrets.token_hex(16) if old is None else old.id
            grant = Grant(
                id=grant_id,
                client_id=self._app.client_id,
                xero_userid=xero_userid,
                scopes=fresh.scope,
                generation=1 if old is None else old.generation + 1,
                secret=refresh.sealed(self._vault, conn, grant_id, fresh),
                spare=None,
                spare_until=None,
                expires_at=asked_at + datetime.timedelta(seconds=fresh.expires_in),
                refreshed_at=asked_at,
                refresh_owner=None,
                refresh_until=None,
                lost=None,
            )
            grants.put(conn, grant)
            self._audit.append(conn, NO_ENTITY, "consented", {"grant": grant_id, "scopes": fresh.scope})
            return grant

        return await self._database.run(store)


def recorded(
    work: Callable[Concatenate[G, P], Awaitable[T]],
) -> Callable[Concatenate[G, P], Awaitable[T]]:
    """Do this work inside `on_record`."""

    @functools.wraps(work)
    async def on_record(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.on_record():
            return await work(self, *args, **kwargs)

    return on_record
