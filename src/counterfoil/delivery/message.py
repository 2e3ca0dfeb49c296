"""One notice as it is sent: its id, its JSON and its plain text, bounded and on as many lines as they say.

Called by notifying and the ways of sending. The id is the same whenever the same thing is sent to anybody, so that a
receiver can drop a double: it is sent at least once, and a sender that is killed between sending and writing that down
sends it again.
"""

import datetime
import hashlib
from typing import Final, Literal

import msgspec

from counterfoil.store.notices import Notice

MESSAGE_MAX: Final = 500  # characters
REMEDY_MAX: Final = 300
LINK_MAX: Final = 2000
SUBJECT_MAX: Final = 120
ID_DIGITS: Final = 32

State = Literal["standing", "over", "test"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a target gets; its fields are the JSON's keys. Instants are UTC; `count` None: it counts nothing.

    `id` names this message for good, `cause` what it is about: the same while the cause stands and when it is over.
    """

    id: str
    cause: str
    state: State
    kind: str
    entity: str | None
    environment: str
    message: str
    remedy: str
    link: str | None
    count: int | None
    times: int
    since: datetime.datetime
    first_at: datetime.datetime
    last_at: datetime.datetime
    over_at: datetime.datetime | None


def of(notice: Notice, state: State, *, installation: str, environment: str) -> Message:
    """The message of a notice in a state. `installation`: an id of this database, so that two never share an id."""
    cause = _digest(installation, notice.kind, notice.subject, notice.first_at.isoformat())
    return Message(
        id=_digest(cause, state), cause=cause, state=state, kind=notice.kind, entity=notice.entity,
        environment=environment, message=plain(notice.message, MESSAGE_MAX), remedy=plain(notice.remedy, REMEDY_MAX),
        link=_link(notice.link), count=notice.count, times=notice.times, since=notice.since, first_at=notice.first_at,
        last_at=notice.last_at, over_at=notice.over_at,
    )  # fmt: skip


def trial(now: datetime.datetime, *, installation: str, environment: str) -> Message:
    """A message that says that it is a test."""
    cause = _digest(installation, "test", now.isoformat())
    return Message(
        id=_digest(cause, "test"), cause=cause, state="test", kind="test", entity=None, environment=environment,
        message="This is a test of Counterfoil's notifications. Nothing is wrong.", remedy="Nothing needs to be done.",
        link=None, count=None, times=1, since=now, first_at=now, last_at=now, over_at=None,
    )  # fmt: skip


def encoded(message: Message) -> bytes:
    """The JSON that webhooks and commands get."""
    return msgspec.json.encode(message)


def subject(message: Message) -> str:
    """One line that says what it is about."""
    state = {"standing": "", "over": "over: ", "test": "test: "}[message.state]
    where = f" {plain(message.environment, 30)}" if message.environment != "default" else ""
    return plain(f"[Counterfoil{where}] {state}{message.message}", SUBJECT_MAX)


def text(message: Message) -> str:
    """The whole message for people."""
    begin = f"Since {_written(message.since)}."
    lines = [message.message, ""]
    if message.state == "over" and message.over_at is not None:
        lines += [
            f"This is over since {_written(message.over_at)}. Nothing needs to be done.",
            f"It stood since {_written(message.since)}.",
        ]
    else:
        lines += [message.remedy, begin]
    lines += [f"Entity: {plain(message.entity, 64)}"] if message.entity else []
    lines += [message.link] if message.link and message.state != "over" else []
    return "\n".join(
        [*lines, "", f"Counterfoil, environment {plain(message.environment, 64)}, message {message.id}", ""]
    )


def plain(words: str, most: int) -> str:
    """One line without control characters, cut at `most` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in words).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _link(link: str | None) -> str | None:
    """A link that is safe to click and to print; None for anything else."""
    if link is None or len(link) > LINK_MAX or not link.startswith(("https://", "http://")):
        return None
    return link if link.isprintable() and " " not in link else None


def _written(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _digest(*parts: str) -> str:
    """A name of these parts, none of which may stand for two."""
    joined = b"".join(len(part).to_bytes(4) + part for part in (one.encode() for one in parts))
    return hashlib.sha256(joined).hexdigest()[:ID_DIGITS]
