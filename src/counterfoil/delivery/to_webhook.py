"""A feed to a webhook: each change one signed POST, as standardwebhooks.com says.

Called by the engine through sinks. The id is the change's own, so that a receiver drops a double; the time is the attempt's, so that
a copy grows old. Several secrets sign side by side while a receiver takes up a new one. No redirect is followed, TLS is verified, and of
an answer nothing is read but its status and Retry-After.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from counterfoil.delivery import webhook
from counterfoil.delivery.outcome import NeverDelivered, NotDelivered, Unsubscribed
from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sinks import Tools
from counterfoil.model import shape
from counterfoil.model.change import Change
from counterfoil.settings import FeedSettings, Secret, tables, targets

SECRETS_MAX: Final = 5
BODY_BYTES_MAX: Final = 4 << 20  # of one change; before and after of the largest document that Xero takes are below it
GONE: Final = 410
TOO_LARGE: Final = 413
TIMEOUT_MAX_S: Final = 60.0


class WebhookTable(tables.Table, frozen=True, kw_only=True):
    """`to = { webhook = "https://…", secret = "…" }`."""

    webhook: Annotated[Secret, msgspec.Meta(description="An https address that gets each change as JSON, by POST.")]
    secret: Annotated[
        tuple[Secret, ...],
        msgspec.Meta(description="The key that signs each, in base64; several while the receiver changes to another."),
    ]
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=TIMEOUT_MAX_S, description="How long an answer may take, in seconds.")
    ] = 15.0


TABLE: Final = WebhookTable


def misfits(_feed: FeedSettings, to: dict[str, Any]) -> list[shape.Misfit]:
    """The address and each secret, as [[notify]] wants them. One secret may stand without a list."""
    secrets = to.get("secret")
    if isinstance(secrets, str):
        to["secret"] = secrets = [secrets]
    found = []
    if isinstance(secrets, list) and not 1 <= len(secrets) <= SECRETS_MAX:
        found.append(shape.Misfit(("secret",), "wrong-value", f"must be 1 to {SECRETS_MAX} keys", targets.MAKE_ONE))
    for one in secrets if isinstance(secrets, list) and secrets else [None]:
        wrong = targets.webhook_misfits({"webhook": to.get("webhook"), **({} if one is None else {"secret": one})})
        found += [shape.Misfit((key,), "wrong-value", reason, rule) for key, reason, rule in wrong]
    return list(dict.fromkeys(found))


def unfit(_feed: FeedSettings, _to: WebhookTable, _shaped: Shape) -> list[shape.Misfit]:
    """Nothing: rows and whole changes are JSON alike."""
    return []


def outlet(_feed: FeedSettings, to: WebhookTable, shaped: Shape, tools: Tools) -> "WebhookOutlet":
    """The outlet of a feed to a webhook."""
    return WebhookOutlet(to, shaped, tools)


class WebhookOutlet:
    """Implements outlet.Outlet: one change is one request."""

    most = 1

    def __init__(self, to: WebhookTable, shaped: Shape, tools: Tools) -> None:
        self._url = to.webhook
        self._keys = [targets.key_of(one.reveal()) for one in to.secret]
        self._within_s = to.timeout_s
        self._shaped = shaped
        self._clock = tools.clock

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """POST one change. Raises as Outlet says; 410 is Unsubscribed."""
        (change,) = changes
        body = msgspec.json.encode(self._shaped(change))
        if len(body) > BODY_BYTES_MAX:
            raise NeverDelivered(f"its JSON has more than {BODY_BYTES_MAX:,} bytes")
        reply = await webhook.replied(self._url.reveal(), self._headers(change, body), body, self._within_s)
        _judge(reply)

    async def close(self) -> None:
        """Nothing is held."""

    def _headers(self, change: Change, body: bytes) -> dict[str, str]:
        from standardwebhooks import Webhook  # only for those who have one

        at = self._clock.now()
        signed = [Webhook(key).sign(change.id, at, body.decode()) for key in self._keys]
        return {
            "Content-Type": "application/json",
            "User-Agent": webhook.USER_AGENT,
            "webhook-id": change.id,
            "webhook-timestamp": str(math.floor(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }


def _judge(reply: webhook.Reply) -> None:
    status = reply.status
    if 200 <= status < 300:
        return
    if status == GONE:
        raise Unsubscribed("it answered 410: it wants no more")
    if status == TOO_LARGE:
        raise NotDelivered("it answered 413: the change is too large for it", target_is_down=False)
    if 300 <= status < 400:
        raise NotDelivered(f"it answered {status}, a redirect, which is not followed")
    raise NotDelivered(
        f"it answered {status}", target_is_down=status >= 500 or status in webhook.NOT_THE_MESSAGE,
        retry_after_s=reply.retry_after_s,
    )  # fmt: skip
