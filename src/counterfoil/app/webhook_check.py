"""`webhooks check`: Xero's intent to receive, played against the address that Xero calls; what is wrong, and how to mend it.

Called by cli/webhooks. It sends what Xero sends (facts §6.4 to §6.6): empty lists of events, signed rightly and wrongly, none of
which is kept by anybody. One request for each key, two more; nothing is asked of Xero.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from counterfoil import errors
from counterfoil.delivery import webhook
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.webhook import Answer
from counterfoil.webhooks import signature

PATH: Final = "/webhooks/xero"
ANSWER_S: Final = 5.0  # Xero waits no longer
HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "gzip,deflate", "Content-Type": "application/json; charset=utf-8"}
INTENT: Final = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "COUNTERFOILPLAYSXERO"}'
# What a program that reads JSON and writes it again would not leave as it is.
FRAGILE: Final = (
    '{ "events" :[ ],"firstEventSequence":  0,\r\n\t"lastEventSequence": 0.0e0,"entropy": "\\u00e9é\\/ 株\u2028","entropy":"x" }\n'
).encode()
PROXY: Final = "Ask who runs the proxy or tunnel between Xero and `counterfoil serve`"
PLAIN: Final = f"{PROXY}: requests to {PATH} have to pass as they are, and answers too."


class Check(msgspec.Struct, frozen=True):
    """One request. `problem` None: answered as Xero wants it. `status` None: there was no answer."""

    check: str
    expected: int
    status: int | None
    took_s: float
    problem: str | None
    remedy: str | None

    @property
    def ok(self) -> bool:
        """Whether Xero would be content."""
        return self.problem is None


class Checked(msgspec.Struct, frozen=True):
    """All of it. `hints`: what Xero itself minds, and this machine cannot try."""

    url: str
    ok: bool
    checks: tuple[Check, ...]
    hints: tuple[str, ...]


async def check(books: Any, url: str | None) -> Checked:
    """Play Xero against `url`; None: the public address. Raises ConfigurationError, InputError."""
    keys = signature.keys_of(books.settings.xero.webhook_keys)
    if not keys:
        raise errors.ConfigurationError(
            "[xero] has no webhook_keys: no webhook can be told from a forged one.",
            remedy="Copy the webhooks key from your app's page at developer.xero.com into XERO_WEBHOOK_KEY and write "
            'webhook_keys = ["${XERO_WEBHOOK_KEY}"].',
        )
    address = url or f"{books.settings.service.public_url}{PATH}"
    hints = _hints(address, is_live=books.settings.xero.is_live)
    found: list[Check] = []
    for n, key in enumerate(keys, 1):
        name = "signed" if len(keys) == 1 else f"signed with key {n} of {len(keys)}"
        found.append(await _asked(books, address, name, INTENT, signature.made(key, INTENT), 200))
    wrong = signature.made(keys[0], INTENT)
    found.append(await _asked(books, address, "signed wrongly", INTENT, _altered(wrong), 401))
    if all(one.status == 200 for one in found[: len(keys)]):
        found.append(await _asked(books, address, "bytes", FRAGILE, signature.made(keys[0], FRAGILE), 200))
    return Checked(address, all(one.ok for one in found), tuple(found), hints)


def _hints(address: str, *, is_live: bool) -> tuple[str, ...]:
    """Raises InputError for what is no address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.InputError(
            f"{address} is no address.", remedy=f"Give one such as https://books.example.com{PATH}."
        )
    hints = []
    if parts.path.rstrip("/") != PATH:
        hints.append(f"`counterfoil serve` takes webhooks at {PATH}; something else has to lead there.")
    if is_live and (parts.scheme != "https" or port not in (None, 443)):
        hints.append("Xero sends to https addresses on port 443 alone, with a certificate that browsers trust.")
    return tuple(hints)


async def _asked(books: Any, url: str, name: str, body: bytes, signed: bytes, expected: int) -> Check:
    began = books.clock.elapsed_s()
    status, told = None, None
    try:
        answer = await webhook.asked(url, HEADERS | {signature.HEADER: signed.decode()}, body, ANSWER_S)
    except NotDelivered as failure:
        told = _unreached(failure)
    else:
        status, told = answer.status, _judged(answer, name, expected)
    problem, remedy = told or (None, None)
    return Check(name, expected, status, round(books.clock.elapsed_s() - began, 3), problem, remedy)


def _unreached(failure: NotDelivered) -> tuple[str, str]:
    if "certificate" in failure.reason or "secure" in failure.reason:
        remedy = "Xero needs a valid certificate of a public authority: look at the proxy's."
    elif failure.reason.startswith("no answer"):
        remedy = "Xero waits 5 seconds. Is the proxy asleep, or the database slow (`counterfoil doctor`)?"
    else:
        remedy = "Does `counterfoil serve` run, and does the address lead to it? Xero calls it from the internet."
    return failure.reason, remedy


def _judged(answer: Answer, name: str, expected: int) -> tuple[str, str] | None:
    """(what is wrong, how to mend it); None: Xero would be content."""
    if 300 <= answer.status < 400:
        return (
            f"it answers {answer.status} and sends Xero on, which Xero does not follow",
            f"Give Xero the address itself{'' if answer.location is None else ', the one that it leads to'}; {PLAIN}",
        )
    if answer.status != expected:
        return _other_status(answer.status, name, expected)
    if answer.has_cookie:
        return "its answer sets a cookie, which Xero refuses", PLAIN
    if answer.has_body:
        return "its answer has a body, which Xero refuses", PLAIN
    return None


def _other_status(status: int, name: str, expected: int) -> tuple[str, str]:
    said = f"it answers {status} instead of {expected}"
    if expected == 401:
        if status == 200:
            return (
                f"{said}: whatever is signed by nobody is taken",
                "This is not Counterfoil's door: where does the address lead?",
            )
        return (
            f"{said}, and Xero wants exactly 401",
            f"Something before `counterfoil serve` answers or changes the answer. {PLAIN}",
        )
    match status:
        case 401 if name == "bytes":
            return f"{said}: the body is changed on its way, so that its signature is no longer right", PLAIN
        case 401:
            return (
                f"{said}: the running service has another key, or the body or the header {signature.HEADER} is changed on its way",
                f"Restart `counterfoil serve` after changing webhook_keys. {PLAIN}",
            )
        case 404 | 421:
            return said, f"Does the address end in {PATH}, and lead to `counterfoil serve`?"
        case 403 | 400 | 405 | 406 | 415:
            return said, f"Counterfoil does not answer so: {PLAIN}"
        case 502 | 503 | 504:
            return said, "Does `counterfoil serve` run behind the proxy, and does its database answer (`/readyz`)?"
        case _:
            return said, PLAIN


def _altered(signed: bytes) -> bytes:
    """One character of it is another, as Xero does."""
    return (b"B" if signed[:1] == b"A" else b"A") + signed[1:]
