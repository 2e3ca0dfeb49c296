"""The application: which path is answered by what, and the framework's own words kept inside.

Called by open_door. Nothing is answered that does not stand here.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Litestar, Response, get, post
from litestar.exceptions import HTTPException

from counterfoil import errors
from counterfoil.app import connecting
from counterfoil.service import answers, connect_page, metrics
from counterfoil.service.api import application as api
from counterfoil.service.api import gate
from counterfoil.service.connect_page import ConnectPage
from counterfoil.service.guard import BODY_BYTES_MAX, Guard, known_hosts
from counterfoil.service.health import Health
from counterfoil.service.posting_page import PostingPage
from counterfoil.service.readiness import Readiness
from counterfoil.service.visitors import Asked, Visitors

PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9/_.~-]*")
TAKEN: Final = (connect_page.PATH, connect_page.DONE_PATH, "/healthz", "/readyz", "/metrics", answers.STYLE_PATH)

_log = logging.getLogger("counterfoil.service")


async def made(
    books: Any, ready: Readiness, *, host: str, port: int, health: Callable[[], Health | None], doors: Mapping[str, Any]
) -> Guard:
    """The whole application of one installation; `doors` as Guard takes them. Raises StoreError."""
    visitors = Visitors(books.settings, host)
    uri = connect_page.redirect_uri(books, port)
    path = urlsplit(uri).path if uri is not None else ""
    if not PLAIN_PATH.fullmatch(path) or path in TAKEN or path.rstrip("/") in doors:
        uri = None
    connect = ConnectPage(books, visitors, uri)
    handlers = [
        *_probes(books, ready, await connecting.installation(books), health),
        *_pages(connect, PostingPage(books, visitors), path if uri is not None else None),
    ]
    app = Litestar(
        handlers, openapi_config=None, logging_config=None, debug=False, request_max_body_size=BODY_BYTES_MAX,
        exception_handlers={HTTPException: _refused, errors.CounterfoilError: _told, Exception: _unforeseen},
    )  # fmt: skip
    service = books.settings.service
    hosts = (urlsplit(service.public_url).netloc, host, *service.hosts)
    return Guard(app, connect.end, hosts, doors, (gate.is_ours, api.made(books, known_hosts(hosts))))


def _probes(books: Any, ready: Readiness, installation: str, health: Callable[[], Health | None]) -> list[Any]:
    measured = metrics.Metrics(books, health)

    @get("/healthz")
    async def healthz() -> Response[bytes]:
        return answers.json({"alive": True, "installation": installation})

    @get("/readyz")
    async def readyz() -> Response[bytes]:
        reasons = await ready.reasons()
        return answers.json({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    @get("/metrics")
    async def metrics_text() -> Response[bytes]:
        return await measured.answer()

    return [healthz, readyz, metrics_text]


def _pages(connect: ConnectPage, posted: PostingPage, callback_path: str | None) -> list[Any]:
    @get(answers.STYLE_PATH)
    async def style() -> Response[bytes]:
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(answers.style(), media_type="text/css", headers=kept)

    @get(connect_page.PATH)
    async def show(request: Asked) -> Response[bytes]:
        return await connect.show(request)

    @post(connect_page.PATH)
    async def begin(request: Asked) -> Response[bytes]:
        return await connect.begin(request)

    @get("/p/{marker:str}")
    async def posting(request: Asked) -> Response[bytes]:
        return await posted.show(request, str(request.path_params["marker"]))

    @get(connect_page.DONE_PATH)
    async def done(request: Asked) -> Response[bytes]:
        return await connect.done(request)

    found: list[Any] = [style, show, begin, done, posting]
    if callback_path not in ("", "/"):

        @get("/")
        async def front() -> Response[bytes]:
            return answers.moved(connect_page.PATH)

        found.append(front)
    if callback_path is not None:

        @get(callback_path or "/")
        async def finish(request: Asked) -> Response[bytes]:
            return await connect.finish(request)

        found.append(finish)
    return found


def _wants_page(request: Asked) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _refused(request: Asked, error: HTTPException) -> Response[bytes]:
    """The framework's own refusals, in our words."""
    words = {
        404: "There is nothing at this address.",
        405: "This cannot be done here.",
        413: "The request is too large.",
    }
    status = error.status_code if error.status_code in words else 400
    body, kind = answers.told(
        status, words.get(status, "The request cannot be understood."), "", page=_wants_page(request)
    )
    return Response(body, status_code=status, media_type=kind, headers={"Content-Security-Policy": answers.policy()})


def _told(request: Asked, error: errors.CounterfoilError) -> Response[bytes]:
    _log.warning("a request was refused: %s", error.code)
    return answers.problem(error, page=_wants_page(request), again=connect_page.PATH)


def _unforeseen(request: Asked, error: Exception) -> Response[bytes]:
    _log.error("a request failed", exc_info=error)
    body, kind = answers.told(500, answers.UNFORESEEN, answers.UNFORESEEN_REMEDY, page=_wants_page(request))
    return Response(body, status_code=500, media_type=kind, headers={"Content-Security-Policy": answers.policy()})
