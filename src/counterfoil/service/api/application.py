"""The API's own application: its routes, what they are handed, and every refusal as a problem document.

Called by service.application. A module of routes that stands in MODULES has its routes answered and described.
"""

import logging
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from counterfoil import errors
from counterfoil.app import acting
from counterfoil.app.api_keys import Caller
from counterfoil.service import answers
from counterfoil.service.api import (
    changes,
    description,
    documents,
    entities,
    figures,
    postings,
    problems,
    records,
    reference,
    status,
    troubles,
)
from counterfoil.service.api.gate import BODY_BYTES_MAX, Gate
from counterfoil.service.api.registry import CALLER
from counterfoil.service.api.waiting import Waiting

MODULES: Final[Sequence[ModuleType]] = (  # each has its ROUTES
    entities, figures, documents, changes, status, records, postings, troubles,
)  # fmt: skip

_log = logging.getLogger("counterfoil.api")
Asked = Request[Any, Any, Any]


def made(books: Any, is_known_host: Callable[[Any], bool]) -> Gate:
    """The API of one installation."""
    waiting = Waiting(books)
    return Gate(framework(books, waiting), books, is_known_host, waiting)


def framework(books: Any, waiting: Waiting) -> Litestar:
    """The framework's application, which gate stands before."""
    routes: list[HTTPRouteHandler] = [one for module in MODULES for one in module.ROUTES]
    return Litestar(
        [*routes, *_described()],
        openapi_config=description.CONFIG,
        plugins=[description.AsItIs()],
        logging_config=None,
        debug=False,
        state=State({"books": books, "waiting": waiting}),
        request_max_body_size=BODY_BYTES_MAX,
        dependencies={
            "books": Provide(_books, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
        },
        exception_handlers={
            HTTPException: _refused,
            errors.CounterfoilError: _told,
            RecursionError: _too_deep,
            Exception: _unforeseen,
        },
    )


def _caller(request: Asked) -> Caller:
    """Whoever asks; gate has recognised the key."""
    found: Caller = request.scope[CALLER]  # type: ignore[typeddict-item]  # ours, put there by gate
    return found


def _books(request: Asked) -> Any:
    """The books, acting in the key's name."""
    caller = _caller(request)
    return acting.acting(request.app.state.books, caller.actor, caller.sees)


def _described() -> list[HTTPRouteHandler]:
    @get("/schema", include_in_schema=False)
    async def schema(request: Asked) -> Response[bytes]:
        document = description.document(request.app)
        return Response(msgspec.json.encode(document), media_type="application/json")

    @get("/schema/reference", include_in_schema=False)
    async def page(request: Asked) -> Response[bytes]:
        found = reference.page(description.document(request.app))
        return Response(found, media_type=answers.HTML, headers={"Content-Security-Policy": answers.policy()})

    return [schema, page]


def _refused(request: Asked, error: HTTPException) -> Response[bytes]:
    handler: Any = request.scope.get("route_handler")  # none of an address that there is not
    told = None if handler is None else handler.opt.get("told")
    return problems.answer(problems.of_framework(error, str if told is None else told.queried))


def _told(_request: Asked, error: errors.CounterfoilError) -> Response[bytes]:
    return problems.answer(error)


def _too_deep(_request: Asked, _error: RecursionError) -> Response[bytes]:
    """Of a body: nothing else here goes as deep as whoever asks wants."""
    return problems.answer(problems.Refusal("bad-request", "The body is nested too deeply.", "See /schema."))


def _unforeseen(_request: Asked, error: Exception) -> Response[bytes]:
    _log.error("a request failed", exc_info=error)
    return problems.answer(problems.unforeseen())
