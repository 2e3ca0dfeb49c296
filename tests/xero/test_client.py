import datetime
import json

import pytest

from counterfoil import errors
from counterfoil.xero.client import XeroClient
from counterfoil.xero.transport import Transport
from tests.xero.fakes import BINDING, FakeClock, FakeTokens, FreePermits, RawServer, envelope, reply

OK = reply(envelope("Invoices", []))
EXPIRED = reply({"Status": 401, "Detail": "TokenExpired: token expired at 11/22/2026 09:00:00"}, 401)
NO_SCOPE = reply({"Status": 401, "Detail": "AuthorizationUnsuccessful"}, 401)
MINUTE = reply(b"", 429, content_type="", Retry_After="26", X_Rate_Limit_Problem="minute")
DAY = reply(b"", 429, content_type="", Retry_After="66975", X_Rate_Limit_Problem="day")
OFFLINE = reply(b"The Organisation is offline", 503, content_type="text/plain")
REFUSED = reply({"ErrorNumber": 14, "Message": "bad"}, 400)


@pytest.fixture
def parts():
    class Parts:
        clock = FakeClock()
        tokens = FakeTokens()
        permits = FreePermits()

        def client(self, server):
            self.transport = Transport(self.clock, api_url=server.url)
            return XeroClient(BINDING, self.transport, self.tokens, self.permits)

    return Parts()


async def get(parts, *replies, **arguments):
    async with RawServer(*replies) as server:
        try:
            return await parts.client(server).get("Invoices", lane="sync", **arguments), server.requests
        finally:
            parts.seen = server.requests
            await parts.transport.close()


async def test_a_read_names_tenant_and_token(parts):
    """Every call carries the binding's tenant, a bearer token, JSON, and what was asked."""
    since = datetime.datetime(2026, 11, 1, 9, 30, 15, 999999, tzinfo=datetime.timezone(datetime.timedelta(hours=13)))
    _, requests = await get(parts, OK, params={"where": 'Name=="a&b"', "page": "1"}, if_modified_since=since)
    sent = requests[0]
    assert sent.target == "/api.xro/2.0/Invoices?where=Name%3D%3D%22a%26b%22&page=1"
    assert [sent.headers[n] for n in ("xero-tenant-id", "authorization", "accept", "if-modified-since")] == [
        "tenant-1",
        "Bearer token-1",
        "application/json",
        "2026-10-31T20:30:15",
    ]
    assert (parts.permits.calls, [s for _, s, _ in parts.permits.learned]) == ([("tenant-1", "sync")], [200])


async def test_an_expired_token_is_refreshed_once(parts):
    """TokenExpired tells the tokens which one was rejected, and repeats with the next."""
    answer, requests = await get(parts, EXPIRED, OK)
    assert (answer.status, parts.tokens.rejected) == (200, ["token-1"])
    assert [r.headers["authorization"] for r in requests] == ["Bearer token-1", "Bearer token-2"]


async def test_a_token_that_keeps_expiring_is_shown(parts):
    """There is no refresh loop."""
    with pytest.raises(errors.TokenExpired):
        await get(parts, EXPIRED)
    assert (len(parts.seen), parts.tokens.rejected) == (2, ["token-1"])


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (NO_SCOPE, errors.MissingScope),
        (OFFLINE, errors.OrganisationOffline),
        (DAY, errors.RateLimited),
        (REFUSED, errors.Refused),
    ],
)
async def test_what_repeating_cannot_help_is_raised_at_once(parts, first, kind):
    """A missing scope, an offline organisation, a used-up day and a refusal cost one call."""
    with pytest.raises(kind):
        await get(parts, first)
    assert len(parts.seen) == 1


async def test_a_lost_answer_is_read_again(parts):
    """A GET may be repeated: a drop and a 500 on the way do not show."""
    answer, requests = await get(parts, None, reply(b"", 500), OK)
    assert (answer.status, len(requests), parts.clock.naps) == (200, 3, [0.5, 1.0])


async def test_three_tries_and_no_more(parts):
    """After the third lost answer it is unclear."""
    with pytest.raises(errors.Unclear):
        await get(parts, None)
    assert len(parts.seen) == 3


async def test_truncated_json_is_read_again(parts):
    """Xero cuts JSON under load: the next try shows it whole."""
    answer, requests = await get(parts, reply(b'{"Status": "OK", "Invoi'), OK)
    assert (answer.status, len(requests)) == (200, 2)


async def test_a_minute_limit_is_sat_out(parts):
    """A 429 that says when is repeated; the permits learned it and do the waiting."""
    answer, requests = await get(parts, MINUTE, OK)
    assert (answer.status, len(requests), parts.permits.learned[0][1]) == (200, 2, 429)


async def test_limits_without_end_are_raised(parts):
    """Six in a row are raised, with Xero's seconds."""
    with pytest.raises(errors.RateLimited) as caught:
        await get(parts, MINUTE)
    assert (len(parts.seen), caught.value.limit, caught.value.retry_after_s) == (6, "minute", 26.0)


async def write(parts, *replies, commit=None, timeout_s=60):
    async def at_once():
        return parts.clock.elapsed_s()

    async with RawServer(*replies) as server:
        try:
            client = parts.client(server)
            return await client.write(
                "PUT",
                "Invoices",
                {"summarizeErrors": "false", "unitdp": "4"},
                b'{"Invoices":[{}]}',
                "key-1",
                lane="bulk",
                timeout_s=timeout_s,
                commit=commit or at_once,
            )
        finally:
            parts.seen = server.requests
            await parts.transport.close()


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 412, 413, 429, 500, 503])
async def test_a_write_returns_any_complete_answer(parts, status):
    """Refusals and 5xx are answers; nothing is repeated."""
    answer = await write(parts, reply(b"{}", status))
    assert (answer.status, len(parts.seen)) == (status, 1)


async def test_a_write_carries_key_body_and_switches(parts):
    """The frozen bytes leave as they are, with their idempotency key."""
    await write(parts, OK)
    sent = parts.seen[0]
    assert (sent.method, sent.target) == ("PUT", "/api.xro/2.0/Invoices?summarizeErrors=false&unitdp=4")
    assert (sent.body, sent.headers["idempotency-key"]) == (b'{"Invoices":[{}]}', "key-1")
    assert (sent.headers["content-type"], sent.headers["content-length"]) == ("application/json; charset=utf-8", "17")


@pytest.mark.parametrize(
    "lost", [None, reply(b"{}", length=99), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"]
)
async def test_a_lost_write_is_unclear_and_sent_once(parts, lost):
    """A dropped or cut answer never makes the client send again."""
    async with RawServer(lost, keep=False) as server:
        client = parts.client(server)

        async def commit():
            return parts.clock.elapsed_s()

        with pytest.raises(errors.Unclear):
            await client.write("PUT", "Invoices", {}, b"{}", "k", lane="bulk", timeout_s=60, commit=commit)
        await parts.transport.close()
    assert len(server.requests) == 1


async def test_commit_may_forbid_the_send(parts):
    """What commit raises goes through, and nothing was sent."""

    async def forbid():
        raise errors.WrongLedger("stopped")

    with pytest.raises(errors.WrongLedger):
        await write(parts, OK, commit=forbid)
    assert parts.seen == []


async def test_commit_is_called_after_place_and_token(parts):
    """The attempt starts when everything that waits is behind us."""
    order = []

    async def commit():
        order.append((list(parts.permits.calls), parts.tokens.n))
        return parts.clock.elapsed_s()

    await write(parts, OK, commit=commit)
    assert order == [([("tenant-1", "bulk")], 1)]


async def test_a_commit_that_took_too_long_is_unclear(parts):
    """More than five seconds between the attempt's start and the first byte: nothing leaves, and it is unclear."""

    async def late():
        return parts.clock.elapsed_s() - 6

    with pytest.raises(errors.Unclear):
        await write(parts, OK, commit=late)
    assert parts.seen == []


async def test_a_write_that_met_an_expired_token_has_it_refreshed_for_the_next(parts):
    """The 401 comes back as the answer; the next call reports the token."""
    async with RawServer(EXPIRED, OK) as server:
        client = parts.client(server)

        async def commit():
            return parts.clock.elapsed_s()

        first = await client.write("PUT", "Invoices", {}, b"{}", "k", lane="bulk", timeout_s=60, commit=commit)
        second = await client.write("PUT", "Invoices", {}, b"{}", "k2", lane="bulk", timeout_s=60, commit=commit)
        await parts.transport.close()
    assert (first.status, second.status, parts.tokens.rejected) == (401, 200, ["token-1"])


async def test_no_secret_in_any_error(parts):
    """Whatever happens, the token is in no text that a user or a log may see."""
    for bad in (None, EXPIRED, NO_SCOPE, DAY, reply(json.dumps({"Detail": "token-1"}).encode(), 403)[:60]):
        async with RawServer(bad, keep=False) as server:
            client = parts.client(server)
            with pytest.raises(errors.CounterfoilError) as caught:
                await client.get("Invoices", lane="sync")
            await parts.transport.close()
        seen = caught.value
        assert "token-" not in f"{seen!r} {seen} {seen.facts} {seen.__cause__!r} {client!r}"
