"""Answers: pages from our templates, JSON, text; and errors in our own words, as a page or as JSON.

Called by every handler of this folder and by guard. Pages load one stylesheet of ours, no script and nothing from
anywhere else.
"""

import functools
import hashlib
from importlib import resources
from typing import Any, Final

import jinja2
import markupsafe
import msgspec
from litestar import Response

from counterfoil import errors
from counterfoil.access import consent

HTML: Final = "text/html"  # the framework adds the charset
JSON: Final = "application/json"
STYLE_PATH: Final = "/style.css"
UNFORESEEN: Final = "Counterfoil did not foresee this."
UNFORESEEN_REMEDY: Final = "Nothing is lost. The service's log says what happened."
STATUS: Final[dict[type, int]] = {  # of errors, by what the caller does next; what else there is, is ours: 500
    errors.NotFound: 404,
    errors.FixInput: 400,
    errors.Reconnect: 400,
    errors.RunAgain: 503,
    errors.Stop: 503,
}


def policy(forms: str = "'none'") -> str:
    """The Content-Security-Policy of a page; `forms`: where its form and the redirects behind it may lead."""
    return (
        f"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action {forms}; "
        "frame-ancestors 'none'"
    )


PAGE_HEADERS: Final = ((b"content-security-policy", policy().encode()),)


def page(template: str, *, status: int = 200, forms: str = "'none'", **values: Any) -> Response[bytes]:
    """A template as an answer."""
    headers = {"Content-Security-Policy": policy(forms)}
    return Response(html(template, **values), status_code=status, media_type=HTML, headers=headers)


def html(template: str, **values: Any) -> bytes:
    """A template as HTML."""
    return _environment().get_template(template).render(**values).encode()


def json(value: Any, *, status: int = 200) -> Response[bytes]:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)


def moved(to: str) -> Response[bytes]:
    """The browser goes elsewhere, with GET."""
    return Response(b"", status_code=303, headers={"Location": to}, media_type=HTML)


def problem(error: errors.CounterfoilError, *, page: bool, again: str = "") -> Response[bytes]:
    """An error of ours. `again`: the page on which to begin anew, when beginning anew is the remedy."""
    status = next((STATUS[kind] for kind in STATUS if isinstance(error, kind)), 500)
    remedy = error.remedy
    if again and remedy.startswith(consent.AGAIN):
        remedy = remedy.removeprefix(consent.AGAIN).strip()
    else:
        again = ""
    body, kind = told(status, error.message, remedy, page=page, again=again, code=error.code)
    return Response(body, status_code=status, media_type=kind, headers={"Content-Security-Policy": policy()})


def told(
    status: int, what: str, remedy: str, *, page: bool, again: str = "", code: str = "request", title: str = ""
) -> tuple[bytes, str]:
    """An error as (body, media type): a page for a browser, JSON for a program."""
    if page:
        heading = title or ("There is no such page" if status == 404 else "That did not work")
        return html("message.html", title=heading, what=what, remedy=remedy, again=again), HTML
    return msgspec.json.encode({"error": {"code": code, "message": what, "remedy": remedy}}), JSON


def coded(text: str) -> str:
    """A sentence whose `words in backticks` are set as code. Safe: every part is escaped."""
    code = markupsafe.Markup("<code>{}</code>")
    parts = text.split("`")
    return markupsafe.Markup("").join(code.format(part) if n % 2 else part for n, part in enumerate(parts))


@functools.cache
def style() -> bytes:
    """The stylesheet."""
    return resources.files("counterfoil.service").joinpath("style.css").read_bytes()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("counterfoil.service"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["coded"] = coded
    environment.globals["style_url"] = f"{STYLE_PATH}?{hashlib.sha256(style()).hexdigest()[:12]}"
    return environment
