"""One POST to an app's address, and what is wrong with its answer in the words of Xero's portal (facts 6.4, 6.5).

Called by `sender`.
"""

from typing import Final

import aiohttp

from counterfoil.sandbox.unknowns import Unknowns
from counterfoil.sandbox.webhooks import payload

ANSWER_S: Final = 5.0
NOT_200: Final = "Response not 200"
HAS_BODY: Final = "Response contains a body"
HAS_COOKIES: Final = "Response contains cookies"
TOO_LATE: Final = "No response within 5 seconds"
UNREACHABLE: Final = "No connection"
_HEADERS: Final = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip,deflate",
    "Content-Type": "application/json; charset=utf-8",
}


class Postman:
    """A connection for each POST, no redirect, no cookies; `open` in a running loop, `close` at the end."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Be ready."""
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, skip_auto_headers=("User-Agent",), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Post no more."""
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, signature: str, unknowns: Unknowns) -> tuple[int | None, str]:
        """The status, if there was an answer, and what is wrong with it; how strict Xero is there is not known."""
        assert self._session is not None, "open() comes first"
        headers = {**_HEADERS, payload.HEADER: signature}
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                has_body = bool(await answer.content.read(1))
                return answer.status, _judged(answer, unknowns, has_body=has_body)
        except TimeoutError:
            return None, TOO_LATE
        except (aiohttp.ClientError, ValueError):
            return None, UNREACHABLE


def _judged(answer: aiohttp.ClientResponse, unknowns: Unknowns, *, has_body: bool) -> str:
    if not 200 <= answer.status < 300:
        return NOT_200
    if unknowns.plays("webhook-answers", "lenient"):
        return ""
    if has_body:
        return HAS_BODY
    return HAS_COOKIES if "Set-Cookie" in answer.headers else ""
