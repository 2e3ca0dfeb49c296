"""The client of one bound organisation: the only way to its books.

Called by resources (get), mirror and posting (write). Made from a Binding: there is no default tenant, and code that
could send to "whatever tenant" does not type-check (tests/typing/api.py). Reads are repeated where that is safe; a
write is sent exactly once per `commit`, and what to do next is posting's business.
https://developer.xero.com/documentation/api/accounting/requests-and-responses (read 2026-11), xero-facts §3, §4.1.
"""

import datetime
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.model.binding import Binding
from counterfoil.model.ports import Permits, Tokens
from counterfoil.xero import answers
from counterfoil.xero.answers import Answer
from counterfoil.xero.transport import Transport

ACCOUNTING: Final = "/api.xro/2.0/"
GET_TRIES_MAX: Final = 3
GET_TIMEOUT_S: Final = 60.0
GET_BACKOFF_S: Final = 0.5  # doubled each time
LIMIT_WAITS_MAX: Final = 5  # 429s in a row that one GET sits out
LIMIT_WAIT_MAX_S: Final = 90.0  # the longest of them; a day limit is never waited for

Params = Mapping[str, str]


class _Tried(msgspec.Struct):
    """What one GET has already been through."""

    failures: int = 0
    limits: int = 0
    refreshed: bool = False


class XeroClient:
    """One organisation's Accounting API, paced and authorised. Safe to share between tasks.

    `names_tenant` False: a custom connection, whose calls are about its one organisation (facts §1.2).
    """

    def __init__(
        self, binding: Binding, transport: Transport, tokens: Tokens, permits: Permits, *, names_tenant: bool = True
    ) -> None:
        self.binding = binding
        self._transport = transport
        self._tokens = tokens
        self._permits = permits
        self._names_tenant = names_tenant
        self._rejected: str | None = None

    async def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        lane: str,
        if_modified_since: datetime.datetime | None = None,
    ) -> Answer:
        """Read `path` ("Invoices", "Contacts/…", percent-encoded). Returns a usable 2xx, else raises its error.

        `if_modified_since`: aware; cut to the second, as Xero reads it. Costs one call, and one more for each repeat:
        up to three tries on a lost answer or a 5xx, and after a 429 that says when (or a concurrent one). A token that
        ran out is refreshed once. Raises RateLimited (day, or too long a wait), OrganisationOffline, XeroUnavailable,
        Unclear, NotConnected, MissingScope, NoConsent, NotFound, Refused.
        """
        extra = {}
        if if_modified_since is not None:
            extra["If-Modified-Since"] = if_modified_since.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        tried = _Tried()
        while True:
            try:
                answer = await self._get_once(path, params or {}, extra, lane)
                problem = answers.explain(answer)
                if problem is None:
                    return answer
            except (errors.Unclear, errors.XeroUnavailable) as lost:
                problem = lost
            delay_s = _repeat_after(problem, tried)
            if delay_s is None:
                raise problem
            await self._transport.clock.sleep(delay_s)

    async def write(
        self,
        method: str,
        path: str,
        params: Params,
        body: bytes,
        idempotency_key: str,
        *,
        lane: str,
        timeout_s: float,
        commit: Callable[[], Awaitable[float]],
    ) -> Answer:
        """Send one write exactly once; return any complete HTTP answer, refusals and 5xx included.

        Waits for a place, gets a fresh token, then awaits `commit()`: it records the attempt and returns its start on
        Clock.elapsed_s(), or raises to forbid the send. The first byte leaves at most 5 s after that start, the last
        within `timeout_s`. Costs one call. Not idempotent but by `idempotency_key`, for six minutes (facts §3.5).
        Raises Unclear when there is no complete answer, XeroUnavailable with `sent` False when nothing left, and
        before `commit` NoConsent, RateLimited("day"), WindowClosed, or OrganisationOffline while it is.
        """
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": idempotency_key}
        async with self._permits.call(self.binding.tenant_id, lane) as place:
            token = await self._token()
            started_s = await commit()
            answer = await self._transport.send(
                method,
                self._url(path, params),
                self._headers(token) | headers,
                body,
                timeout_s=timeout_s,
                started_s=started_s,
                tenant_id=self.binding.tenant_id,
                lane=lane,
            )
            self._learn(answer, token, place)
        return answer

    async def _get_once(self, path: str, params: Params, extra: Mapping[str, str], lane: str) -> Answer:
        token = await self._token()
        async with self._permits.call(self.binding.tenant_id, lane) as place:
            answer = await self._transport.send(
                "GET",
                self._url(path, params),
                self._headers(token) | dict(extra),
                timeout_s=GET_TIMEOUT_S,
                tenant_id=self.binding.tenant_id,
                lane=lane,
            )
            self._learn(answer, token, place)
        return answer

    async def _token(self) -> str:
        rejected, self._rejected = self._rejected, None
        return await self._tokens.access_token(self.binding.grant_id, rejected=rejected)

    def _learn(self, answer: Answer, token: str, place: str) -> None:
        offline = answer.status == 503 and isinstance(answers.explain(answer), errors.OrganisationOffline)
        self._permits.learn(self.binding.tenant_id, answer.header, answer.status, place=place, offline=offline)
        if answer.status == 401 and isinstance(answers.explain(answer), errors.TokenExpired):
            self._rejected = token  # the next call has it refreshed

    def _headers(self, token: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if self._names_tenant:
            headers["Xero-Tenant-Id"] = self.binding.tenant_id
        return headers

    def _url(self, path: str, params: Params) -> str:
        query = urllib.parse.urlencode(params, quote_via=urllib.parse.quote)
        return f"{self._transport.api_url}{ACCOUNTING}{path}{'?' if query else ''}{query}"


def _repeat_after(problem: errors.CounterfoilError, tried: _Tried) -> float | None:
    """Seconds after which a GET that met `problem` is repeated; None: it is not. Remembers in `tried`."""
    match problem:
        case errors.TokenExpired() if not tried.refreshed:
            tried.refreshed = True
            return 0.0
        case errors.RateLimited(limit="minute" | "concurrent" | "app", retry_after_s=wait_s):
            tried.limits += 1
            within = (wait_s or 0.0) <= LIMIT_WAIT_MAX_S and tried.limits <= LIMIT_WAITS_MAX
            return 0.0 if within else None  # the permits wait: they learned the same answer
        case errors.OrganisationOffline() | errors.XeroUnavailable(sent=False, retry_after_s=float()):
            return None  # the second: nobody asks for now, whatever is tried
        case errors.Unclear() | errors.XeroUnavailable():
            tried.failures += 1
            return GET_BACKOFF_S * 2 ** (tried.failures - 1) if tried.failures < GET_TRIES_MAX else None
        case _:
            return None
