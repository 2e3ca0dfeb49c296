"""[[notify]]: who is told of what, beyond what the declaration alone can say.

Called by loading. `misfits` speaks of plain values before they are converted, `compiled` makes of a good table what
delivery/ uses. `when` is KIND, KIND > DURATION (30m, 2h, 2d) or KIND > COUNT; the kinds are model/notices'.
"""

import base64
import datetime
import hashlib
import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from counterfoil.model import shape, spelling
from counterfoil.model.notices import ANY, COUNTED, KINDS, Condition
from counterfoil.settings import tables
from counterfoil.settings.secret import Secret

TARGETS_MAX: Final = 20
CONDITIONS_MAX: Final = 50
ARGUMENTS_MAX: Final = 50
KEY_BYTES_MIN: Final = 24  # of a webhook's secret, by standardwebhooks.com
WRITTEN_BEFORE: Final = "whsec_"  # may stand before its base64, by the same
MAKE_ONE: Final = "Make one: openssl rand -base64 32"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
TLS_PORT: Final = 465
WAYS: Final = {  # what a target may be → what it must have, what it may have
    "webhook": (("secret",), ()),
    "email": (("smtp", "from"), ("user", "password", "security")),
    "command": ((), ()),
}
_CONDITION: Final = re.compile(r"([a-z]+)(?:\s*>\s*([0-9]{1,6})\s*([smhd]?))?", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = datetime.timedelta(days=365)
_EXAMPLE: Final = 'Such as "problems", "uncertain > 30m" or "held > 10".'
_ONE: Final = 'Such as { webhook = "https://…", secret = "…" }, { email = "…", … } or { command = ["…"] }.'


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages go, ready for use. `key` names it in the database for good; `label` shows it to people, no secret."""

    key: str
    label: str
    way: Literal["webhook", "email", "command"]
    url: Secret | None = None
    secret: bytes = b""
    email: str = ""
    host: str = ""
    port: int = 0
    sender: str = ""
    user: str | None = None
    password: Secret | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    command: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Target {self.key}>"


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One [[notify]] table: its conditions, of which one is enough, and its target. `given`: the table as it is written."""

    when: tuple[Condition, ...]
    to: Target
    given: tables.NotifyTable


def compiled(table: tables.NotifyTable) -> NotifySettings:
    """A table that has passed `misfits`."""
    return NotifySettings(when=tuple(_condition(text) for text in table.when), to=_target(table), given=table)


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text.strip())
    assert found is not None, "misfits() has seen it"
    kind, number, unit = found.groups()
    if number is None:
        return Condition(kind=kind)
    if unit:
        return Condition(kind=kind, longer=datetime.timedelta(**{_UNITS[unit]: int(number)}))
    return Condition(kind=kind, more=int(number))


def _target(table: tables.NotifyTable) -> Target:
    to = table.to
    if to.webhook is not None:
        assert to.secret is not None
        url = to.webhook.reveal()
        return Target(
            key=table.name or _key("webhook", url), label=f"webhook {urlsplit(url).netloc}", way="webhook",
            url=to.webhook, secret=key_of(to.secret.reveal()),
        )  # fmt: skip
    if to.email is not None:
        assert to.smtp is not None
        assert to.from_ is not None
        host, _, port = to.smtp.rpartition(":")
        return Target(
            key=table.name or _key("email", to.email), label=f"e-mail {to.email}", way="email", email=to.email,
            host=host.strip("[]"), port=int(port), sender=to.from_, user=to.user, password=to.password,
            security=to.security or ("tls" if int(port) == TLS_PORT else "starttls"),
        )  # fmt: skip
    assert to.command is not None
    key = table.name or _key("command", "\0".join(to.command))
    return Target(key=key, label=f"command {to.command[0]}", way="command", command=to.command)


def _key(way: str, address: str) -> str:
    """A name that stays while the address stays, and does not tell it."""
    return f"{way}-{hashlib.sha256(address.encode()).hexdigest()[:10]}"


def key_of(text: str) -> bytes:
    """The key that a webhook's secret stands for. Raises ValueError."""
    written = text.strip().removeprefix(WRITTEN_BEFORE)
    return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)


def misfits(listed: Any) -> list[shape.Misfit]:
    """What is wrong with the file's [[notify]] tables, beyond types and unknown keys."""
    if isinstance(listed, dict):
        return [_wrong((), "is a list of tables", "Write [[notify]], with two brackets.")]
    if not isinstance(listed, list):
        return []
    if len(listed) > TARGETS_MAX:
        return [_wrong((), f"has more than {TARGETS_MAX} tables", "One table may name many kinds.")]
    found: list[shape.Misfit] = []
    seen: dict[str, int] = {}
    for n, one in enumerate(listed):
        if not isinstance(one, dict):
            continue  # told by its type
        found += _when_misfits(n, one.get("when"))
        to = one.get("to")
        if not isinstance(to, dict):
            continue
        wrong = _target_misfits(n, to)
        found += wrong
        for name in [] if wrong else _names(one, to):
            if seen.setdefault(name, n) != n:
                rule = "Put its kinds into one `when`, and give every table a name of its own."
                found.append(_wrong((n, "to"), f"goes where [notify[{seen[name]}]] goes", rule))
    return found


def _names(one: dict[str, Any], to: dict[str, Any]) -> list[str]:
    """What no other table may have: where it goes, and its name."""
    way = next(way for way in WAYS if way in to)
    address = "\0".join(map(str, to[way])) if isinstance(to[way], list) else str(to[way])
    return list(dict.fromkeys([_key(way, address), str(one.get("name") or _key(way, address))]))


def _when_misfits(n: int, when: Any) -> list[shape.Misfit]:
    if not isinstance(when, list):
        return []
    if not 1 <= len(when) <= CONDITIONS_MAX:
        return [_wrong((n, "when"), f"must name 1 to {CONDITIONS_MAX} kinds", _EXAMPLE)]
    found = []
    for at, text in enumerate(when):
        reason, rule = _when_misfit(text) if isinstance(text, str) else ("", "")
        if reason:
            found.append(_wrong((n, "when", at), reason, rule, text))
    return found


def _when_misfit(text: str) -> tuple[str, str]:
    parts = _CONDITION.fullmatch(text.strip())
    kind = parts[1] if parts else text.partition(">")[0].strip()
    if kind not in (*KINDS, ANY):
        return "names no kind of notice", spelling.suggestion(kind, (*KINDS, ANY))
    if parts is None:
        return "cannot be read", _EXAMPLE
    _kind, number, unit = parts.groups()
    if number is not None and not unit and kind not in COUNTED:
        return f"counts nothing: a `{kind}` is one thing", f'Give a duration, such as "{kind} > {number}m".'
    if unit and datetime.timedelta(**{_UNITS[unit]: int(number)}) > _LONGEST:
        return "waits for more than a year", _EXAMPLE
    return "", ""


def _target_misfits(n: int, to: dict[str, Any]) -> list[shape.Misfit]:
    ways = [way for way in WAYS if way in to]
    if len(ways) != 1:
        named = " and ".join(f"`{way}`" for way in ways)
        reason = f"names {named}" if ways else "names none of `webhook`, `email` and `command`"
        return [_wrong((n, "to"), f"{reason}; it takes exactly one", _ONE)]
    needed, allowed = WAYS[ways[0]]
    found = [shape.Misfit(("notify", n, "to", key), "missing", "is missing", "") for key in needed if key not in to]
    others = {key for way in WAYS.values() for keys in way for key in keys} - {*needed, *allowed}
    found += [
        _wrong((n, "to", key), f"has no use for a target with `{ways[0]}`", "Take it out.")
        for key in sorted(others & to.keys())
    ]
    for key, reason, rule in {"webhook": webhook_misfits, "email": _email, "command": _command}[ways[0]](to):
        shown = to.get(key, "") if key in ("security", "smtp") else ""
        found.append(_wrong((n, "to", key), reason, rule, shown))
    return found


Reasons = list[tuple[str, str, str]]


def webhook_misfits(to: dict[str, Any]) -> Reasons:
    """What is wrong with a webhook's address and its secret: (key, reason, rule)."""
    found: Reasons = []
    if isinstance(to["webhook"], str) and not is_safe_address(to["webhook"]):
        rule = "https://…, without a user and a password; http only to this machine (localhost, 127.0.0.1, [::1])."
        found.append(("webhook", "is no address that may be used", rule))
    secret = to.get("secret")
    if isinstance(secret, str):
        try:
            is_long = len(key_of(secret)) >= KEY_BYTES_MIN
        except ValueError:
            found.append(("secret", "is no base64", MAKE_ONE))
        else:
            if not is_long:
                found.append(("secret", f"stands for less than {KEY_BYTES_MIN} bytes", MAKE_ONE))
    return found


def is_safe_address(url: str) -> bool:
    """Whether something may be sent there: https, or http to this machine; no user and password in it."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and parts.username is None and parts.password is None
    return plain and bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )  # fmt: skip


def _email(to: dict[str, Any]) -> Reasons:
    found: Reasons = []
    if ("user" in to) != ("password" in to):
        missing = "password" if "user" in to else "user"
        found.append((missing, "is not there", "A login needs both `user` and `password`."))
    smtp = to.get("smtp")
    host, _, port = smtp.rpartition(":") if isinstance(smtp, str) else ("", "", "")
    if port.isdecimal() and not 0 < int(port) < 65_536:
        found.append(("smtp", "has no such port", "HOST:PORT, such as smtp.example.com:587."))
    if to.get("security") == "none" and host.strip("[]") not in LOOPBACK:
        found.append(("security", "is for a mail server on this machine only", "Leave it out: starttls is used."))
    return found


def _command(to: dict[str, Any]) -> Reasons:
    command = to["command"]
    if isinstance(command, list) and not (
        1 <= len(command) <= ARGUMENTS_MAX
        and all(isinstance(part, str) and "\0" not in part for part in command)
        and command[0].strip()
    ):
        return [
            ("command", f"must be a program and its arguments, 1 to {ARGUMENTS_MAX} texts", 'Such as ["./page.sh"].')
        ]
    return []


def _wrong(path: shape.Path, reason: str, rule: str, value: Any = "") -> shape.Misfit:
    return shape.Misfit(("notify", *path), "wrong-value", reason, rule, shape.shown(value))
