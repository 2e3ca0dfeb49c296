"""A message to a webhook: JSON by POST, signed as standardwebhooks.com says; no redirect is followed, no answer read.

Called by notifying, heartbeat for a request of its own, and app/webhook_check, which plays Xero; the only importer of the HTTP library here. The signature is HMAC-SHA256 over
"{id}.{timestamp}.{body}", in base64, so that a receiver refuses what is forged, altered or old.
"""

import contextlib
import datetime
import functools
import math
import os
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from counterfoil.delivery import message as messages
from counterfoil.delivery.aside import aside
from counterfoil.delivery.message import Message
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.settings import Target

USER_AGENT: Final = "counterfoil/0.1"
RETRY_AFTER_DIGITS: Final = 6
NOT_THE_MESSAGE: Final = (401, 403, 404, 408, 410, 429)  # what any other message would be answered, too
# Raised before a byte of ours left.
BEFORE_SENDING: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


async def send(target: Target, message: Message, *, at: datetime.datetime, within_s: float) -> None:
    """Carry one message over; `at`: the present instant, signed so that a copy grows old. Raises NotDelivered unless it answers 2xx in time."""
    from standardwebhooks import Webhook  # only for those who have one

    assert target.url is not None
    body = messages.encoded(message)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message.id,
        "webhook-timestamp": str(math.floor(at.timestamp())),
        "webhook-signature": Webhook(target.secret).sign(message.id, at, body.decode()),
    }
    status = await answered("POST", target.url.reveal(), headers, body, within_s)
    if 300 <= status < 400:
        raise NotDelivered(f"it answered {status}, a redirect, which is not followed")
    if not 200 <= status < 300:
        raise NotDelivered(f"it answered {status}", target_is_down=status >= 500 or status in NOT_THE_MESSAGE)


class Answer(NamedTuple):
    """An answer that was read. `has_body`: at least a byte; `location`: where a redirect leads, which was not followed."""

    status: int
    has_body: bool
    has_cookie: bool
    location: str | None


async def answered(method: str, url: str, headers: dict[str, str], body: bytes | None, within_s: float) -> int:
    """One request to an address of the user's; → the status. Nothing else of the answer is read. Raises NotDelivered."""
    async with _request(method, url, headers, body, within_s) as answer:
        return answer.status


async def asked(url: str, headers: dict[str, str], body: bytes, within_s: float) -> Answer:
    """One POST whose answer is looked at. Raises NotDelivered."""
    async with _request("POST", url, headers, body, within_s) as answer:
        has_body = bool(await answer.content.read(1))
        return Answer(answer.status, has_body, "Set-Cookie" in answer.headers, answer.headers.get("Location"))


class Reply(NamedTuple):
    """What a subscriber answered: the status, and when it says to come again."""

    status: int
    retry_after_s: float | None


async def replied(url: str, headers: dict[str, str], body: bytes, within_s: float) -> Reply:
    """One POST to a subscriber. Nothing of the answer's body is read. Raises NotDelivered."""
    async with _request("POST", url, headers, body, within_s) as answer:
        return Reply(answer.status, _seconds(answer.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    """A Retry-After that gives seconds; a date is not believed: whose clock is right nobody knows."""
    return (
        float(text)
        if text is not None and text.isascii() and text.isdigit() and len(text) <= RETRY_AFTER_DIGITS
        else None
    )


@contextlib.asynccontextmanager
async def _request(
    method: str, url: str, headers: dict[str, str], body: bytes | None, within_s: float
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A request on a connection of its own. Raises NotDelivered, also for what is read of the answer."""
    connector = aiohttp.TCPConnector(ssl=await _trust(url), force_close=True, resolver=_Resolver())
    session = aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=within_s), cookie_jar=aiohttp.DummyCookieJar()
    )
    try:
        async with (
            session,
            session.request(method, yarl.URL(url), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            yield answer
    except BEFORE_SENDING as error:
        raise NotDelivered(_unreachable(error)) from None
    except TimeoutError:
        raise NotDelivered(f"no answer within {within_s:.0f} s", may_have_arrived=True) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotDelivered(f"the connection broke ({type(error).__name__})", may_have_arrived=True) from None


async def _trust(url: str) -> ssl.SSLContext | bool:
    """Whom we believe to be who they say: read once in a process, beside the event loop, which it would hold for 30 ms and more."""
    if url.startswith("http://"):
        return True  # nothing is asked of it
    places = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return await aside(lambda: _context(places))


@functools.lru_cache(maxsize=2)
def _context(_places: tuple[str | None, ...]) -> ssl.SSLContext:
    return ssl.create_default_context()


class _Resolver(AbstractResolver):
    """Names of hosts by the system's own means, in a thread that nobody has to wait for."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of a host. Raises OSError."""
        found = await aside(lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _type, proto, _name, address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _unreachable(error: Exception) -> str:
    """Why there was no connection, without the address."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid for this address"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no secure connection could be made"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host is not known"
    reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return f"it cannot be reached: {reason}" if reason else "it cannot be reached"
