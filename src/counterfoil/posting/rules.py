"""The engine's numbers, and what follows from them: when an unclear request is sent again, and when it is looked at.

Called by sending, looking, finishing. Pure; `[posting]` in the configuration sets them, tests shorten them.
"""

import datetime
from collections.abc import Mapping

import msgspec

from counterfoil.store.requests import Request

KEY_MARGIN_S = 15  # we stop using a key this long before Xero forgets it
FRESH_S = 15  # a change is frozen at most this long after its document was read, and sent as long after that
LOOK_FRESH_S = 30  # a new request may be frozen on the word of a look no older than this
LOOK_OVERLAP = datetime.timedelta(minutes=5)
LOOKS_MAX = 3  # uniqueness refusals in a row whose document nobody can find, before a person is asked
LOOK_AGAIN_S = 3  # pause after a look that Xero did not answer


class Rules(msgspec.Struct, frozen=True):
    """`[posting]` and what the links in our markers start with. Seconds."""

    request_timeout_s: float = 60
    key_life_s: float = 360
    quiet_s: float = 180
    second_look_s: float = 60
    batch: int = 50
    body_bytes_max: int = 3_000_000  # Xero's ceiling is quoted between 3.5 and 10 MB (facts §2.5)
    public_url: str = "http://localhost:8321"
    modes: dict[str, str] = {}  # of each entity: normal, draft_only or read_only; absent: normal
    slots: int = 4  # of Xero's five requests at a time per organisation; one stays free for looking

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Other modes, in force at once for whoever holds these rules: also for requests that are frozen already.

        An entity that is named no more keeps its mode. Each is replaced at one stroke: a transaction on another thread may be asking.
        """
        self.modes.update(modes)

    @property
    def lease(self) -> datetime.timedelta:
        """How long an attempt belongs to its owner alone: longer than any request may still run at Xero."""
        return datetime.timedelta(seconds=self.request_timeout_s + self.quiet_s)


class Closed(msgspec.Struct, frozen=True):
    """Flows that may send nothing now, since their window is not open. `until`: when the first of them opens, if known."""

    flow_ids: frozenset[str] = frozenset()
    until: datetime.datetime | None = None


ALL_OPEN = Closed()


class Step(msgspec.Struct, frozen=True):
    """What an unclear request needs next ("resend" the same bytes, or "look"), and not before when."""

    action: str
    when: datetime.datetime


def still_true(request: Request, now: datetime.datetime) -> bool:
    """False for a change whose document was compared too long ago: a person may have edited it since."""
    return request.method != "POST" or now <= request.frozen_at + datetime.timedelta(seconds=FRESH_S)


def key_usable(request: Request, rules: Rules, now: datetime.datetime) -> bool:
    """True while Xero surely still remembers the key until the answer could have come."""
    assert request.first_started is not None
    left = rules.key_life_s - rules.request_timeout_s - KEY_MARGIN_S
    return now <= request.first_started + datetime.timedelta(seconds=left)


def next_step(request: Request, rules: Rules, now: datetime.datetime) -> Step:
    """The next step of an unclear request (design §3.1, 6).

    Same bytes and key at most once, counted over all workers: at once where Xero refuses a second one, else after the
    quiet period. Then a look, after the quiet period; kinds of which Xero would take a second one get a second look.
    """
    assert request.last_started is not None
    quiet_over = request.last_started + rules.lease
    if request.attempts == 1 and request.unclear_attempts == 1:
        when = now if request.own_number else max(now, quiet_over)
        if key_usable(request, rules, when) and still_true(request, when):
            return Step("resend", when)
    when = quiet_over if request.unclear_attempts else now
    if request.last_look is not None:
        pause = rules.second_look_s if request.looks and not request.own_number else LOOK_AGAIN_S
        when = max(when, request.last_look + datetime.timedelta(seconds=pause))
    return Step("look", max(now, when))


def looks_needed(request: Request) -> int:
    """How many complete looks must find nothing before the element may be sent again."""
    return 1 if request.own_number else 2
