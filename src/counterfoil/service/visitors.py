"""Who may see the pages: whoever sits at this machine, or has the connect token; and that a form was ours.

Called by the pages. There are no users yet: a page that only this machine can reach needs no key, any other needs
`[service] connect_token` once in its link, which is then kept as a cookie that is not the token.
"""

import hashlib
import hmac
import secrets
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Request, Response

from counterfoil import errors
from counterfoil.service import answers, guard
from counterfoil.settings import Settings

BROWSER: Final = "counterfoil_browser"
KEY: Final = "counterfoil_key"
KEY_LIFE_S: Final = 30 * 86_400
FIELDS_MAX: Final = 20
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

Asked = Request[Any, Any, Any]


class Visitors:
    """The rules of one installation. `host`: where the service listens."""

    def __init__(self, settings: Settings, host: str) -> None:
        public = urlsplit(settings.service.public_url)
        self._public_host = public.hostname or ""
        self._is_secure = public.scheme == "https"
        self._only_here = host in guard.LOOPBACK and self._public_host in guard.LOOPBACK
        token = settings.service.connect_token
        self._token = None if token is None else token.reveal()
        self._forms_key = secrets.token_bytes(32)

    def turned_away(self, request: Asked) -> Response[bytes] | None:
        """What somebody gets who may not see the pages; whoever brings the token is sent on with a cookie. None: come in."""
        if self._only_here and not self._is_forwarded(request):
            return None
        if self._token is None:
            return answers.page("closed.html", status=403)
        kept = request.cookies.get(KEY, "")
        if hmac.compare_digest(kept.encode(), self._key(self._token).encode()):
            return None
        query = query_of(request)
        given = query.pop("token", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return answers.page("locked.html", status=403, wrong=bool(given))
        path = request.scope["path"]
        answer = answers.moved(f"{path}?{urlencode(query)}" if query else path)
        self._set(answer, request, KEY, self._key(self._token), KEY_LIFE_S)
        return answer

    def browser(self, request: Asked) -> str:
        """The name that this browser was given; "" when it has none."""
        return request.cookies.get(BROWSER, "")

    def named(self, request: Asked, answer: Response[bytes], browser: str) -> Response[bytes]:
        """Give the browser its name with an answer, if it has none."""
        if not self.browser(request):
            self._set(answer, request, BROWSER, browser, None)
        return answer

    def new_name(self) -> str:
        """A name for a browser, which nobody can guess."""
        return secrets.token_urlsafe(24)

    def form_key(self, browser: str) -> str:
        """What a form of ours carries: nobody else can make it for this browser."""
        return hmac.new(self._forms_key, browser.encode(), hashlib.sha256).hexdigest()

    def is_ours(self, request: Asked, form: dict[str, str]) -> bool:
        """Whether a form was sent by a page of ours in this browser."""
        browser, headers = self.browser(request), request.headers
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        if not browser or site != "same-origin" or (origin and urlsplit(origin).netloc != headers.get("host")):
            return False
        return hmac.compare_digest(form.get("key", "").encode(), self.form_key(browser).encode())

    def _is_forwarded(self, request: Asked) -> bool:
        """Whether a proxy passed it on: then nobody knows where it comes from."""
        name = guard.name_of(request.headers.get("host", ""))
        return name not in guard.LOOPBACK or any(header in request.headers for header in FORWARDED)

    def _key(self, token: str) -> str:
        return hmac.new(token.encode(), b"counterfoil pages", hashlib.sha256).hexdigest()

    def _set(self, answer: Response[bytes], request: Asked, name: str, value: str, life_s: int | None) -> None:
        """A cookie that no script reads, and that comes back from Xero's page."""
        secure = self._is_secure and guard.name_of(request.headers.get("host", "")) == self._public_host
        answer.set_cookie(name, value, max_age=life_s, path="/", secure=secure, httponly=True, samesite="lax")


def query_of(request: Asked) -> dict[str, str]:
    """The query; of a name that stands twice, the last. Raises FixInput."""
    try:
        return dict(parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=FIELDS_MAX))
    except ValueError:
        raise errors.FixInput("The address has too many fields.", remedy="Open /connect again.") from None


async def form_of(request: Asked) -> dict[str, str]:
    """The fields of a posted form; empty when it is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        return {}
