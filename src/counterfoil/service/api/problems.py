"""Refusals as problem documents (RFC 9457): one table from codes of the tree of errors to status and title.

Called by gate and application. `type` leads to a paragraph of our own reference page, `code` is the same for programs;
`detail` is the error's message, `remedy` what to do. Facts of an error beyond these stay inside.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from counterfoil import errors
from counterfoil.service import answers

MEDIA_TYPE: Final = "application/problem+json"
REFERENCE: Final = "/schema/reference"
REALM: Final = 'Bearer realm="counterfoil"'
FIELDS_MAX: Final = 50  # of one refusal
TEXT_MAX: Final = 500  # characters of what is said of one of them
RETRY_AFTER_S: Final = 30  # of a 429 or 503 of which nobody knows better
# By the code of an error's class, or of the nearest class above it; what has none is ours: 500.
TITLES: Final = {
    "bad-request": (400, "The request cannot be read"),
    "no-key": (401, "No usable API key"),
    "rights": (403, "The key's rights do not cover this"),
    "not-found": (404, "There is no such thing"),
    "method": (405, "This cannot be done here"),
    "too-slow": (408, "The request took too long"),
    "not-read-yet": (409, "The ledger was not read yet"),
    "bad-cursor": (422, "The cursor is of another question"),
    "reconnect": (409, "There is no usable consent or binding"),
    "paused": (409, "The writes are paused"),
    "cursor-gone": (410, "What follows this cursor was dropped"),
    "too-large": (413, "The request is too large"),
    "media-type": (415, "The body is of another kind"),
    "misdirected": (421, "This service is not called so"),
    "fix-input": (422, "The request has to change"),
    "too-many": (429, "Too many requests at once"),
    "first-reading": (503, "The ledger is being read for the first time"),
    "rate-limited": (429, "Xero's limit is used up"),
    "unforeseen": (500, "Counterfoil did not foresee this"),
    "run-again": (503, "It cannot be done now"),
    "stop": (503, "The service cannot work"),
}


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field. `where`: query, path, header or body."""

    field: str
    detail: str
    where: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refusal. `code` is stable for programs; `remedy` says what to do; `fields`: those that have to change."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str = ""
    fields: tuple[FieldProblem, ...] = ()
    retry_after_s: int | None = None
    oldest: str | None = None  # of a cursor that is gone: where what is left begins


class Refusal(errors.FixInput):
    """A refusal of the API's own. `title`: a word of TITLES, which gives the status; `code` None: the same word."""

    def __init__(
        self, title: str, message: str, remedy: str = "", *, fields: Iterable[FieldProblem] = (),
        retry_after_s: float | None = None, oldest: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, remedy=remedy)
        self.title = title
        self.fields = tuple(fields)[:FIELDS_MAX]
        self.retry_after_s = retry_after_s
        self.oldest = oldest
        self.headers = dict(headers or {})


def no_key(*, given: bool = True) -> Refusal:
    """401, the same for whatever is wrong with a key; `given`: there was something in its place."""
    return Refusal(
        "no-key",
        "This takes an API key that is usable." if given else "This takes an API key.",
        "Send it as `Authorization: Bearer cf_…`. One is made by `counterfoil api-keys create`.",
    )


def unknown(message: str, remedy: str = "") -> Refusal:
    """404: it is not there, or not for this key; nobody can tell which."""
    return Refusal("not-found", message, remedy)


def field(name: str, detail: str, *, where: str = "query", remedy: str = "") -> Refusal:
    """422: one field has to change."""
    return Refusal("fix-input", detail, remedy, fields=[FieldProblem(name, detail, where)])


def of(error: errors.CounterfoilError) -> Problem:
    """The problem document of an error."""
    retry_after_s: float | None = getattr(error, "retry_after_s", None)
    status, title = TITLES[_family(error)]
    if isinstance(error, Refusal):
        code, fields, oldest = error.title, error.fields, error.oldest
    else:
        code, fields, oldest = error.code, _named(error), getattr(error, "oldest", None)
    if status in (429, 503) and retry_after_s is None:
        retry_after_s = RETRY_AFTER_S
    seconds = None if retry_after_s is None else max(1, math.ceil(retry_after_s))
    return Problem(anchor(_family(error)), title, status, error.message, code, error.remedy, fields, seconds, oldest)


def _named(error: errors.CounterfoilError) -> tuple[FieldProblem, ...]:
    """The field of the request that an error names as its fact."""
    name = error.facts.get("field")
    return (FieldProblem(name, error.message, "query"),) if isinstance(name, str) else ()


def _family(error: errors.CounterfoilError) -> str:
    """The word of TITLES that an error's code, or that of the nearest class above it, is."""
    codes = (kind.code for kind in type(error).__mro__ if issubclass(kind, errors.CounterfoilError))
    return error.title if isinstance(error, Refusal) else next((one for one in codes if one in TITLES), "unforeseen")


def anchor(title: str) -> str:
    """The `type` of a word of TITLES: its paragraph on our reference page."""
    return f"{REFERENCE}#problem-{title}"


def headers(problem: Problem, more: Mapping[str, str]) -> dict[str, str]:
    """What an answer with this problem carries beside it."""
    found = dict(more)
    if problem.retry_after_s is not None:
        found["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        found["WWW-Authenticate"] = REALM
    return found


def answer(error: errors.CounterfoilError) -> Response[bytes]:
    """An error as an answer."""
    problem = of(error)
    more = headers(problem, getattr(error, "headers", {}))
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=more)


def unforeseen() -> errors.CounterfoilError:
    """500: the log says what happened, the answer does not."""
    return Refusal("unforeseen", answers.UNFORESEEN, answers.UNFORESEEN_REMEDY)


def of_framework(error: HTTPException, called: Callable[[str], str] = str) -> Refusal:
    """The framework's own refusals, in our words. `called`: what a route's parameter is called outside."""
    if error.status_code == 404:
        return unknown("There is nothing at this address.", "GET /schema lists every address.")
    if error.status_code == 405:
        allowed = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        return Refusal("method", "This cannot be done here.", "GET /schema lists what can.", headers=allowed)
    if error.status_code == 413:
        return Refusal("too-large", "The request is too large.")
    found = list(_fields(error.extra, called))
    if found:
        return Refusal("fix-input", f"{found[0].field}: {found[0].detail}", fields=found)
    if error.status_code == 500:
        return Refusal("unforeseen", answers.UNFORESEEN, answers.UNFORESEEN_REMEDY)
    return Refusal("bad-request", "The request cannot be understood.", "The body is JSON in UTF-8, as /schema says.")


def _fields(extra: object, called: Callable[[str], str]) -> Iterable[FieldProblem]:
    for one in extra if isinstance(extra, list) else ():
        if isinstance(one, dict):
            source = one.get("source", "body")
            where = str(getattr(source, "value", source))
            name, message = (str(one.get(part, ""))[:TEXT_MAX] for part in ("key", "message"))
            if message == f"'{name}'":  # how the framework says it
                message = "It is missing."
            yield FieldProblem("body" if name == "data" else called(name), message, where)
