"""The one client without a binding: it can read /connections and /Organisation, and nothing else.

Called by access, for binding and verifying. xero-facts §1.6, §5.1.
"""

from typing import Final

from counterfoil import errors
from counterfoil.model.hidden import HiddenText
from counterfoil.model.organisation import Organisation
from counterfoil.model.ports import Permits, Tokens
from counterfoil.xero import answers, identity, paging, scopes
from counterfoil.xero.answers import Answer
from counterfoil.xero.identity import Connection
from counterfoil.xero.resources import organisation
from counterfoil.xero.transport import Transport

LANE: Final = "interactive"
PATH: Final = "/api.xro/2.0/Organisation"
NEEDS: Final = (scopes.reads("Organisation", "bind your entities, and notice when an organisation is another one"),)


class Probe:
    """Reads what a grant reaches and what an organisation says of itself.

    `names_tenant` False: a custom connection, whose calls are about its one organisation (facts §1.2).
    """

    def __init__(self, transport: Transport, tokens: Tokens, permits: Permits, *, names_tenant: bool = True) -> None:
        self._transport = transport
        self._tokens = tokens
        self._permits = permits
        self._names_tenant = names_tenant

    async def connections(self, grant_id: str, *, event_id: str | None = None) -> tuple[Connection, ...]:
        """Everything that the grant's user let us into; `event_id`: only in that consent. Costs one call."""
        token = await self._tokens.access_token(grant_id)
        answer = await identity.perform(self._transport, identity.connections(token, event_id=event_id))
        if isinstance(answers.explain(answer), errors.TokenExpired):
            token = await self._tokens.access_token(grant_id, rejected=token)
            answer = await identity.perform(self._transport, identity.connections(token, event_id=event_id))
        return identity.connections_of(answer)

    async def organisation(self, grant_id: str, tenant_id: str) -> Organisation:
        """What the organisation says of itself. Costs one call. Raises NotConnected, MissingScope and RunAgain's."""
        token = await self._tokens.access_token(grant_id)
        answer = await self._ask(tenant_id, token)
        if isinstance(answers.explain(answer), errors.TokenExpired):
            answer = await self._ask(tenant_id, await self._tokens.access_token(grant_id, rejected=token))
        problem = answers.explain(answer)
        if problem is not None:
            raise problem
        return paging.only(answer, Organisation, organisation.PLURAL)

    async def _ask(self, tenant_id: str, token: str) -> Answer:
        headers: dict[str, str] = {"Authorization": HiddenText(f"Bearer {token}"), "Accept": "application/json"}
        if self._names_tenant:
            headers["Xero-Tenant-Id"] = tenant_id
        async with self._permits.call(tenant_id, LANE) as place:
            answer = await self._transport.send(
                "GET", self._transport.api_url + PATH, headers, timeout_s=30.0, tenant_id=tenant_id, lane=LANE
            )
            offline = answer.status == 503 and isinstance(answers.explain(answer), errors.OrganisationOffline)
            self._permits.learn(tenant_id, answer.header, answer.status, place=place, offline=offline)
        return answer
