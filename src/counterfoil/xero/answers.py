"""What Xero answered, and what it means: each row of facts §3.2 becomes one error of ours.

Called by transport (makes them), client, identity and posting. Pure: no I/O. `explain` never raises.
https://developer.xero.com/documentation/api/accounting/responsecodes (read 2026-11), xero-facts §1.5, §2.3, §3.2.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil import errors

MESSAGES_MAX = 200  # messages kept of one refusal; an answer with more is cut, its elements stay whole
EXCERPT_MAX = 200  # characters of a text body that go into an error's words
ORGANISATION_OFFLINE_RETRY_S = 300.0  # Xero's own advice
WAIT_MAX_S = 86_400  # the longest of Xero's limits is a day's: a header that asks for more is mistaken, and would be kept for years
DIGITS_MAX = 9  # of a number in a header

RECONNECT = "Run `counterfoil connect` and consent again."


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One complete HTTP answer. `body` is decompressed; `bytes_in` counts it as it came over the wire (egress).

    `packed`: the body as it came, where that was as gzip.
    """

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = {}  # lower-case names; only those named in transport.KEPT_HEADERS
    bytes_in: int = 0
    packed: bytes | None = None

    def header(self, name: str) -> str | None:
        """A kept header by any spelling; None when it was not sent."""
        return self.headers.get(name.lower())

    @property
    def correlation_id(self) -> str | None:
        """What Xero's support asks for."""
        return self.header("xero-correlation-id")

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that Xero asks us to wait; sent with minute and day limits only."""
        found = wait(self.header("retry-after"))
        return None if found is None else float(found)

    @property
    def problem(self) -> str | None:
        """Which limit a 429 speaks of ("minute", "day", …); None when Xero does not say."""
        return self.header("x-rate-limit-problem")

    def __repr__(self) -> str:
        return f"<Answer {self.status} {self.content_type or 'no content'} {len(self.body)} bytes>"


def number(text: str | None) -> int | None:
    """A header's number; None: it was not sent, or is none (a date, a sign, more digits than any limit has)."""
    return int(text) if text is not None and len(text) <= DIGITS_MAX and text.isdecimal() else None


def wait(text: str | None) -> int | None:
    """The seconds of a Retry-After, WAIT_MAX_S at most."""
    found = number(text)
    return None if found is None else min(found, WAIT_MAX_S)


def explain(answer: Answer) -> errors.CounterfoilError | None:
    """The error that an answer means, or None when it is a usable success (2xx, whole JSON or empty).

    A 2xx whose JSON is broken is Unclear: Xero may have done what we asked.
    """
    if 200 <= answer.status < 300:
        return None if not answer.body or _is_json(answer.body) else _broken(answer)
    explainer = _BY_STATUS.get(answer.status)
    if explainer is not None:
        return explainer(answer)
    if answer.status >= 500:
        return _unavailable(answer)
    if 400 <= answer.status < 500:
        return _refused(answer)
    return errors.Unclear(f"Xero answered {answer.status}, which it never should.", **_facts(answer))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)  # checks the whole text, builds nothing
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def problem_of(answer: Answer) -> dict[str, Any]:
    """The body as a JSON object; empty when it is none."""
    try:
        decoded = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def words(answer: Answer) -> str:
    """The start of a text body, for people; empty for HTML and JSON."""
    text = answer.body[: 4 * EXCERPT_MAX].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else " ".join(text.split())[:EXCERPT_MAX]


def _facts(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "correlation_id": answer.correlation_id}


def _broken(answer: Answer) -> errors.Unclear:
    return errors.Unclear(
        f"Xero's answer ({answer.status}, {len(answer.body)} bytes) cannot be read.", **_facts(answer)
    )


def _refused(answer: Answer) -> errors.CounterfoilError:
    problem = problem_of(answer)
    elements = tuple(element for element in _list(problem.get("Elements")) if isinstance(element, dict))
    messages = list(dict.fromkeys(text for element in elements for text in validation_messages(element)))
    headline = first_text(problem, "Message", "Detail", "detail", "Title", "title") or words(answer)
    if not messages and headline:
        messages = [headline]
    number = problem.get("ErrorNumber")
    return errors.Refused(
        f"Xero refused the request ({answer.status}): {'; '.join(messages[:3]) or 'it gave no reason'}.",
        status=answer.status,
        error_number=number if isinstance(number, int) else None,
        messages=tuple(messages[:MESSAGES_MAX]),
        elements=elements,
        correlation_id=answer.correlation_id,
        type=first_text(problem, "Type", "type"),
    )


def _unauthorised(answer: Answer) -> errors.CounterfoilError:
    detail = first_text(problem_of(answer), "Detail", "detail")
    if detail.startswith("TokenExpired"):
        return errors.TokenExpired("The access token ran out.", **_facts(answer))
    if detail.startswith("AuthorizationUnsuccessful"):
        return errors.MissingScope(
            "The consent does not cover this call: a scope is missing.", remedy=RECONNECT, **_facts(answer)
        )
    return errors.NoConsent("Xero does not accept our access token.", remedy=RECONNECT, **_facts(answer))


def _forbidden(answer: Answer) -> errors.CounterfoilError:
    detail = first_text(problem_of(answer), "Detail", "detail")
    if detail in {"", "AuthenticationUnsuccessful"}:
        return errors.NotConnected(
            "The organisation is not connected to this app (any more).", remedy=RECONNECT, **_facts(answer)
        )
    return errors.NotConnected(
        f"Xero does not permit this call ({detail}): the user's role may not allow it.",
        remedy="Ask an adviser of the organisation for the permission, or connect as another user.",
        **_facts(answer),
    )


def _not_found(answer: Answer) -> errors.CounterfoilError:
    return errors.NotFound("Xero knows no such document in this organisation.", **_facts(answer))


def _limited(answer: Answer) -> errors.CounterfoilError:
    limit = limit_of(answer)
    return errors.RateLimited(limit, retry_after_s=answer.retry_after_s, **_facts(answer))


def limit_of(answer: Answer) -> str:
    """Which limit a 429 speaks of: "minute", "day", "concurrent" or "app".

    Xero's words for the last two are not known (facts §2.2), and the concurrent one sends no Retry-After.
    """
    said = (answer.problem or "").lower()
    if "app" in said:
        return "app"
    if said in {"minute", "day"}:
        return said
    return "minute" if answer.retry_after_s is not None and "concurrent" not in said else "concurrent"


def _offline_or_down(answer: Answer) -> errors.CounterfoilError:
    text = words(answer)
    if "organisation is offline" in text.lower():
        return errors.OrganisationOffline(
            "Xero took this organisation offline; it is usually back in five minutes.",
            retry_after_s=answer.retry_after_s or ORGANISATION_OFFLINE_RETRY_S,
            **_facts(answer),
        )
    return _unavailable(answer)


def _unavailable(answer: Answer) -> errors.CounterfoilError:
    if answer.status == 501:
        return _refused(answer)
    said = words(answer) or first_text(problem_of(answer), "Message", "Detail", "detail")
    said = said or "it gave no reason"
    return errors.XeroUnavailable(
        f"Xero answered {answer.status}: {said.rstrip('.')}.", retry_after_s=answer.retry_after_s, **_facts(answer)
    )


_BY_STATUS = {
    401: _unauthorised,
    403: _forbidden,
    404: _not_found,
    429: _limited,
    503: _offline_or_down,
}


def first_text(mapping: dict[str, Any], *keys: str) -> str:
    """The first of these keys that holds words."""
    return next((value for key in keys if isinstance(value := mapping.get(key), str) and value), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def validation_messages(element: dict[str, Any], key: str = "ValidationErrors") -> list[str]:
    """Every message under `key` in an element and in what it holds (Contact, LineItems, …), in order, without repeats.

    `key` may be "Warnings" too.
    """
    found: dict[str, None] = {}
    pending: list[Any] = [element]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for entry in _list(value.get(key)):
                if isinstance(entry, dict) and (text := first_text(entry, "Message")):
                    found[text] = None
            pending.extend(reversed([inner for name, inner in value.items() if name != key]))
        elif isinstance(value, list):
            pending.extend(reversed(value))
    return list(found)
