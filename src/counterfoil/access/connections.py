"""Connections: what the app may reach, and ending one of them.

Called by cli (`counterfoil connections`) and bindings. Ending a connection is DELETE /connections/{id}; the user's other
connections stay. xero-facts §1.6.
"""

import datetime

from counterfoil import errors
from counterfoil.access import reach
from counterfoil.access.audit import NO_ENTITY, AuditLog
from counterfoil.model.ports import Tokens
from counterfoil.store import grants
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected
from counterfoil.xero import answers, identity
from counterfoil.xero.identity import App, Connection
from counterfoil.xero.probe import Probe
from counterfoil.xero.transport import Transport

CONNECT = "Run `counterfoil connect`."


class Connections:
    """Every grant's connections, as Xero lists them now."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        transport: Transport,
        tokens: Tokens,
        probe: Probe,
        app: App,
    ) -> None:
        self._database = database
        self._audit = audit
        self._transport = transport
        self._tokens = tokens
        self._probe = probe
        self._app = app

    async def refreshed(self) -> tuple[Connected, ...]:
        """Ask Xero again, one call per grant; by name, then tenant. Raises NoConsent when no grant is left.

        A tenant that several users let us into appears once per grant.
        """
        usable = await self._database.read(lambda conn: grants.usable(conn, self._app.client_id))
        lost: errors.NoConsent | None = None
        reached = 0
        for grant in usable:
            try:
                seen = await self._seen(grant.id)
            except errors.NoConsent as problem:  # this user's consent is gone; another's may do
                lost = problem
                continue
            now = self._database.clock.now()
            await self._store(grant.id, [row(grant.id, one, now) for one in seen])
            reached += 1
        if not usable:
            raise errors.NoConsent(
                "Nobody has connected this app to Xero yet, or the consent was lost.", remedy=CONNECT
            )
        if lost is not None and not reached:
            raise lost
        live = {grant.id for grant in await self._database.read(lambda c: grants.usable(c, self._app.client_id))}
        known = await self._database.read(grants.connections)
        return tuple(one for one in known if one.grant_id in live)

    async def known(self) -> set[str]:
        """The tenants that a usable consent reached when it was last asked; no call."""
        live = {grant.id for grant in await self._database.read(lambda c: grants.usable(c, self._app.client_id))}
        return {one.tenant_id for one in await self._database.read(grants.connections) if one.grant_id in live}

    async def disconnect(self, tenant_id: str) -> int:
        """End every connection to a tenant; how many. Costs one call each. Raises NotConnected when there is none.

        The audit log says before each call that it is wanted; after it, with the row that goes, that it is done.
        """
        found = [one for one in await self.refreshed() if one.tenant_id == tenant_id]
        if not found:
            raise errors.NotConnected("This organisation is not connected.", remedy="See `counterfoil connections`.")
        for one in found:
            await self._end(one)
        await self.refreshed()
        return len(found)

    async def _end(self, one: Connected) -> None:
        data = {"tenant": one.tenant_id, "grant": one.grant_id, "connection": one.connection_id}
        token = await self._tokens.access_token(one.grant_id)
        await self._database.run(lambda conn: self._audit.append(conn, NO_ENTITY, "disconnecting", data))
        try:
            answer = await identity.perform(self._transport, identity.disconnect(token, one.connection_id))
            problem = answers.explain(answer)
            if problem is not None and not isinstance(problem, errors.NotFound):  # 404: somebody else was faster
                raise problem
        except errors.CounterfoilError as failure:
            why = data | {"why": failure.code}
            await self._database.run(lambda conn: self._audit.append(conn, NO_ENTITY, "disconnect failed", why))
            raise

        def ended(conn: grants.Connection) -> None:
            grants.drop_connection(conn, one.grant_id, one.tenant_id)
            self._audit.append(conn, NO_ENTITY, "disconnected", data)

        await self._database.run(ended)

    async def _seen(self, grant_id: str) -> tuple[Connection, ...]:
        """What Xero lists; of a custom connection that is not active, nothing."""
        try:
            return await self._probe.connections(grant_id)
        except (errors.MissingScope, errors.NotConnected):
            if not self._app.is_custom:
                raise
            return ()

    async def _store(self, grant_id: str, rows: list[Connected]) -> None:
        custom = self._app.is_custom
        await self._database.run(
            lambda conn: reach.keep(conn, self._audit, grant_id, rows, is_custom=custom, now=self._database.now(conn))
        )


def row(grant_id: str, one: Connection, seen_at: datetime.datetime) -> Connected:
    """One of Xero's connections as the database keeps it."""
    return Connected(
        tenant_id=one.tenant_id,
        grant_id=grant_id,
        connection_id=one.id,
        name=one.tenant_name or "",
        tenant_type=one.tenant_type,
        seen_at=seen_at,
        since=one.updated_date_utc or one.created_date_utc,
    )
