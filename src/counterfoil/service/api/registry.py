"""How a module declares its routes: what it answers, which rights it takes, and how it may refuse.

Called by every module of routes. A route is a function with typed parameters: those of the path, those of the query
(`Annotated[…, QueryParameter(…)]`), `data` for a body, and, where it wants them, `books` (which act in the key's name) and
`caller`. From those the framework makes the checks and description.py the document at /schema, so that neither can differ
from what runs. Before a route runs, `_checked` has seen to its rights, to a path's entity and to names in the query that
nobody knows: a misspelt filter would otherwise filter nothing. The framework reads a body's numbers as floats before it makes
`data` of them: a route that takes amounts reads `request.body()` itself.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec
from litestar import get as _get
from litestar import post as _post
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter, SkipValidation

from counterfoil.app.api_keys import Caller, Rights
from counterfoil.model import spelling
from counterfoil.service.api import problems

NOT_IN_QUERY: Final = {"books", "caller", "data", "request"}
IN_PATH: Final = re.compile(r"{(\w+)")
CALLER: Final = "counterfoil.caller"  # where gate leaves it in the scope
PAGE_MAX: Final = 500  # of everything that is answered in pages
PAGE_USUAL: Final = 100
CURSOR_MAX: Final = 300  # characters
NUMBER_DIGITS_MAX: Final = 15  # of an id of ours in a path: databases and programs read it exactly

Declared = Callable[..., Any]
BooksOf = NamedDependency[SkipValidation[Any]]
CallerOf = NamedDependency[SkipValidation[Caller]]
EntityName = Annotated[
    str, PathParameter(description="Your own name of a company, as in `[entities.NAME]`.", max_length=100)
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=PAGE_MAX, description="How many at most.")]
After = Annotated[
    str | None,
    QueryParameter(name="after", max_length=CURSOR_MAX, description="`next` of the page before; without: the first."),
]


class Named(msgspec.Struct, frozen=True):
    """A name of the query: the function's parameter, and whether it may come several times."""

    parameter: str
    repeats: bool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What description.py says of a route beyond its types. `refusals`: statuses beyond those of every route."""

    rights: Rights
    refusals: Collection[int]
    example: Any
    body_example: Any
    body: Mapping[str, Any] | None = None  # of a route that reads its body itself: media type → schema
    query: Mapping[str, Named]

    def queried(self, name: str) -> str:
        """What a parameter of the function is called in the query; whatever else is, as it is."""
        return next((said for said, one in self.query.items() if one.parameter == name), name)


def get(
    path: str, *, rights: Rights, summary: str, description: str = "", refusals: Collection[int] = (),
    example: Any = None, headers: Mapping[str, str] | None = None, tags: Collection[str] = (),
) -> Callable[[Declared], HTTPRouteHandler]:  # fmt: skip
    """Declare a GET. `example`: one whole answer; `headers`: name → what an answer's header says."""

    def declare(function: Declared) -> HTTPRouteHandler:
        told = Told(rights=rights, refusals=refusals, example=example, body_example=None, query=_query(path, function))
        return _get(
            path, summary=summary, description=_said(description, rights), operation_id=function.__name__,
            guards=[_checked], opt={"told": told}, response_headers=_headers(headers), tags=list(tags) or None,
        )(function)  # fmt: skip

    return declare


def post(
    path: str, *, rights: Rights, summary: str, description: str = "", status: int = 200,
    refusals: Collection[int] = (), example: Any = None, body_example: Any = None, tags: Collection[str] = (),
    body: Mapping[str, Any] | None = None,
) -> Callable[[Declared], HTTPRouteHandler]:  # fmt: skip
    """Declare a POST, whose body is JSON. `body_example`: one whole body; `body`: of a route that reads it itself, its schemas."""

    def declare(function: Declared) -> HTTPRouteHandler:
        known = _query(path, function)
        told = Told(
            rights=rights, refusals=refusals, example=example, body_example=body_example, query=known, body=body
        )  # fmt: skip
        return _post(
            path, summary=summary, description=_said(description, rights), operation_id=function.__name__,
            guards=[_checked], opt={"told": told}, status_code=status, tags=list(tags) or None,
        )(function)  # fmt: skip

    return declare


def _said(description: str, rights: Rights) -> str:
    return f"{description}\n\nTakes a key with the right to {rights}.".strip()


def _headers(headers: Mapping[str, str] | None) -> list[ResponseHeader]:
    return [
        ResponseHeader(name=name, description=said, documentation_only=True, required=False)
        for name, said in (headers or {}).items()
    ]


def _query(path: str, function: Declared) -> dict[str, Named]:
    """What a route's query may have, by the names that it goes by there."""
    elsewhere = NOT_IN_QUERY | set(IN_PATH.findall(path))
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in elsewhere:
            given = [
                one for one in getattr(parameter.annotation, "__metadata__", ()) if isinstance(one, QueryParameter)
            ]
            of = getattr(parameter.annotation, "__origin__", parameter.annotation)
            repeats = any(get_origin(one) is list for one in (of, *get_args(of)))
            found[next((one.name for one in given if one.name), name)] = Named(name, repeats)
    return found


def _checked(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """What every route is spared. Raises Refusal."""
    told: Told = handler.opt["told"]
    caller: Caller = connection.scope[CALLER]  # type: ignore[typeddict-item]  # ours, put there by gate
    if not caller.may(told.rights):
        raise problems.Refusal(
            "rights",
            f"This takes the right to {told.rights}; key {caller.prefix} may only {caller.rights}.",
            f"Make a key for it: counterfoil api-keys create NAME --rights {told.rights}",
        )
    entity = connection.path_params.get("entity")
    if entity is not None:
        known = visible(connection.app.state.books, caller)
        if entity not in known:
            raise problems.unknown(f"There is no entity {entity!r}.", spelling.suggestion(str(entity), known))
    for name in dict.fromkeys(connection.query_params):
        if name in told.query and not told.query[name].repeats and len(connection.query_params.getall(name)) > 1:
            raise problems.field(
                name, f"{name!r} is given more than once.", remedy="Give it once, or ask several times."
            )
        if name not in told.query:
            raise problems.field(
                name[: problems.TEXT_MAX],
                f"{name[: problems.TEXT_MAX]!r} is no parameter here.",
                remedy=spelling.suggestion(name, told.query) if told.query else "This takes none.",
            )


def visible_flows(books: Any, caller: Caller) -> list[str]:
    """The flows' tables that a key may know of: of its entities, and those whose records name their own."""
    return [one.table for one in books.flows.values() if one.entity is None or caller.sees(one.entity)]


def number(text: str, what: str) -> int:
    """A number in a path. Raises Refusal: 404 for what is none, as for one that there is not."""
    if not (text.isascii() and text.isdecimal()) or len(text) > NUMBER_DIGITS_MAX:
        raise problems.unknown(f"There is no {what} {text!r}.")
    return int(text)


def visible(books: Any, caller: Caller) -> list[str]:
    """The configured entities that a key is for, in the configuration's order."""
    return [entity for entity in books.settings.entities if caller.sees(entity)]
