"""[[notify]] and [handlers]: who gets notices and changes, as it is written; and which keys of a `to` are secret.

Called by tables, which is the whole file. [feeds.NAME] is declared in feeds.
"""

from typing import Annotated, Final, Literal

import msgspec

from counterfoil.model.text import END, Email, Line255
from counterfoil.settings.names import Key
from counterfoil.settings.secret import Secret

_SECRET: Final = {"secret": True}
_MailServer = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}" + END,
        extra={"rule": "HOST:PORT, such as smtp.example.com:587."},
    ),
]


class TargetTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """`to` of a [[notify]] table: a webhook, an e-mail address or a command, with what that one needs."""

    webhook: Annotated[
        Secret | None,
        msgspec.Meta(
            description="An https address that gets each message as JSON; it may hold a token.", extra=_SECRET
        ),
    ] = None
    secret: Annotated[
        Secret | None, msgspec.Meta(description="The key that signs what is sent to the webhook.", extra=_SECRET)
    ] = None
    email: Annotated[Email | None, msgspec.Meta(description="An address that gets each message as plain text.")] = None
    smtp: Annotated[_MailServer | None, msgspec.Meta(description="The mail server, such as smtp.example.com:587.")] = (
        None
    )
    from_: Annotated[Email | None, msgspec.Meta(description="The e-mail's sender.")] = None
    user: Annotated[Line255 | None, msgspec.Meta(description="The name at the mail server; none: no login.")] = None
    password: Annotated[Secret | None, msgspec.Meta(description="The password at the mail server.", extra=_SECRET)] = (
        None
    )
    security: Annotated[
        Literal["starttls", "tls", "none"] | None,
        msgspec.Meta(
            description="Of the mail server; absent: tls on port 465, else starttls. none: this machine only."
        ),
    ] = None
    command: Annotated[
        tuple[str, ...] | None,
        msgspec.Meta(description="A program with its arguments; it gets each message as JSON on stdin."),
    ] = None


class NotifyTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[notify]]: who is told of what."""

    name: Annotated[Key | None, msgspec.Meta(description="What it is called.")] = None
    when: Annotated[
        tuple[str, ...], msgspec.Meta(description='What of, such as ["reconnect", "problems", "uncertain > 30m"].')
    ]
    to: Annotated[TargetTable, msgspec.Meta(description="Whom: one of `webhook`, `email` and `command`.")]


TARGET_SECRETS: Final = ("password", "secret", "webhook")
_TARGET_SHOWN: Final = ("email", "from", "security", "smtp", "user")  # a mistake in these is told with its value


FEED_SECRETS: Final = ("secret", "sql", "webhook")  # of `to` of a feed: never shown, and each also as <key>_file
_FEED_SHOWN: Final = ("csv", "jsonl", "table", "key", "mode", "delimiter", "create")


class HandlersSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[handlers]: a module of yours with functions that changes are handed to."""

    module: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*" + END)] | None,
        msgspec.Meta(
            description="A Python module beside the configuration, or an installed one: `from counterfoil import on`.",
            extra={"rule": "A module's name, such as my_handlers, without .py."},
        ),
    ] = None
    snapshot: Annotated[
        bool,
        msgspec.Meta(description="Functions may ask for what first loads and repairs bring: @on(…, snapshot=True)."),
    ] = False
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=100, description="How long one call of a handler may take, in seconds.")
    ] = 60.0


def is_secret(path: tuple[str | int, ...]) -> bool:
    """Whether what stands in a `to` ("notify", 0, "to", KEY), ("feeds", NAME, "to", KEY) may never be shown."""
    shown = _TARGET_SHOWN if path[0] == "notify" else _FEED_SHOWN
    return path[3:4] == () or path[3] not in shown
