"""Templates to answers: the Jinja environment, its filters, and the headers that every page carries.

Called by `views` and `consent`. The stylesheet's address changes with its content, so that it may be kept for ever.
"""

import hashlib
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2
from aiohttp import web

from counterfoil.sandbox.pages import words

STYLE_PATH: Final = "/pages/style.css"
SCRIPT_PATH: Final = "/pages/live.js"
_POLICY: Final = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action {forms}"
_LIVE: Final = "; script-src 'self'; connect-src 'self'"
# A consent ends in a redirect to the app, which a browser counts as a target of the form; apps run on localhost, or at https
# addresses that they registered.
CONSENT_POLICY: Final = _POLICY.format(forms="'self' http://localhost:* https:")
HEADERS: Final = {
    "Content-Security-Policy": _POLICY.format(forms="'self'") + "; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def text(template: str, **values: Any) -> str:
    """A template as HTML text."""
    return _environment().get_template(template).render(**values)


def page(template: str, *, status: int = 200, live: bool = False, **values: Any) -> web.Response:
    """A template as an answer with the headers of every page; `live`: it may run our one script."""
    headers = {**HEADERS, "Content-Security-Policy": HEADERS["Content-Security-Policy"] + _LIVE} if live else HEADERS
    return web.Response(
        text=text(template, **values), status=status, content_type="text/html", charset="utf-8", headers=headers
    )


def message_page(title: str, text: str, *, status: int = 400) -> web.Response:
    """A page that says one thing, e.g. that there is no such document."""
    return page("message.html", status=status, title=title, message=text)


def not_found(text: str) -> web.Response:
    """A page that says what is not there."""
    return message_page("Not found", text, status=404)


@cache
def style() -> bytes:
    """The stylesheet."""
    return resources.files("counterfoil.sandbox.pages").joinpath("style.css").read_bytes()


@cache
def script() -> bytes:
    """The front page's script."""
    return resources.files("counterfoil.sandbox.pages").joinpath("live.js").read_bytes()


@cache
def _environment() -> jinja2.Environment:
    # Undefined is falsy on purpose: Xero leaves out what is empty.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("counterfoil.sandbox.pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind_of": words.kind_of,
        "money": words.money,
        "price": words.price,
        "quantity": words.quantity,
        "percent": words.percent,
        "size": words.size,
        "month": words.month,
        "day": words.day,
        "short_day": words.short_day,
        "stamp": words.stamp,
        "moment": words.moment,
        "status": words.status,
    }
    environment.globals["style_url"] = f"{STYLE_PATH}?{hashlib.sha256(style()).hexdigest()[:12]}"
    environment.globals["script_url"] = f"{SCRIPT_PATH}?{hashlib.sha256(script()).hexdigest()[:12]}"
    return environment
