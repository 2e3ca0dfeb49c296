"""A feed to a webhook: what is sent, how it is signed, and what of an answer is believed."""

import base64
import datetime
import json
import ssl

import pytest
import standardwebhooks

from counterfoil.delivery import to_webhook, webhook
from counterfoil.delivery.outcome import NeverDelivered, NotDelivered, Unsubscribed
from counterfoil.delivery.sinks import Tools
from counterfoil.delivery.to_webhook import WebhookTable
from counterfoil.model import change as changes
from counterfoil.settings import FeedSettings, Secret
from tests.delivery.receivers import SECRET, nobody
from tests.delivery.told import a_change


class Now:
    """The present: what reads a signature refuses what is five minutes old."""

    def now(self):
        """The present instant."""
        return datetime.datetime.now(datetime.UTC)


def outlet(tmp_path, url, *secrets, shaped=changes.as_plain, within_s=5.0):
    to = WebhookTable(webhook=Secret(url), secret=tuple(map(Secret, secrets or (SECRET,))), timeout_s=within_s)
    feed = FeedSettings(table="crm", id="crm", on=("*",))
    return to_webhook.outlet(feed, to, shaped, Tools(clock=Now(), folder=tmp_path))


async def failure(tmp_path, url, **more):
    with pytest.raises(NotDelivered) as caught:
        await outlet(tmp_path, url, **more).hand_over([a_change()])
    assert "T0KEN" not in str(caught.value)
    return caught.value


async def test_another_partys_library_verifies_the_change(tmp_path, hook):
    """The body is the envelope, amounts as text; the id is the change's own, the same each time."""
    for _ in range(2):
        await outlet(tmp_path, hook.url).hand_over([a_change("c1")])
    for headers, body in hook.got:
        told = standardwebhooks.Webhook(SECRET).verify(body, headers)
        assert headers["webhook-id"] == told["id"] == "c1"
    assert list(told) == [
        "id", "type", "entity", "tenant_id", "resource", "document_id", "n", "turn", "stamp", "seen_at", "by", "posting",
        "snapshot", "fields", "before", "after",
    ]  # fmt: skip
    assert told["before"]["AmountDue"] == "120.10"


async def test_several_secrets_sign_while_a_receiver_changes_to_another(tmp_path, hook):
    """Whoever knows either of them verifies it; whoever knows neither does not."""
    key = "whsec_" + SECRET
    second = standardwebhooks.Webhook(bytes(range(1, 33)))
    await outlet(tmp_path, hook.url, key, base64.b64encode(bytes(range(1, 33))).decode()).hand_over([a_change()])
    ((headers, body),) = hook.got
    assert standardwebhooks.Webhook(SECRET).verify(body, headers) == second.verify(body, headers)
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(bytes(32)).verify(body, headers)


async def test_what_a_map_makes_of_a_change_is_all_that_is_sent(tmp_path, hook):
    """The id stands in the header."""
    await outlet(tmp_path, hook.url, shaped=lambda one: {"status": one.after["Status"]}).hand_over([a_change("c9")])
    ((headers, body),) = hook.got
    assert (json.loads(body), headers["webhook-id"]) == ({"status": "PAID"}, "c9")


ANSWERS = [
    (500, {}, NotDelivered, True, None),
    (503, {"Retry-After": "120"}, NotDelivered, True, 120.0),
    (429, {"Retry-After": "Sun, 22 Nov 2026 12:00:00 GMT"}, NotDelivered, True, None),
    (401, {}, NotDelivered, True, None),
    (422, {}, NotDelivered, False, None),
    (413, {}, NotDelivered, False, None),
    (302, {"Location": "http://127.0.0.1:1/"}, NotDelivered, True, None),
    (410, {}, Unsubscribed, True, None),
]


@pytest.mark.parametrize(("status", "headers", "kind", "is_down", "again_s"), ANSWERS)
async def test_an_answer_is_taken_for_what_it_says(tmp_path, hook, status, headers, kind, is_down, again_s):
    """2xx alone is taken; 410 ends the feed; a redirect is not followed; Retry-After is told in seconds."""
    hook.answer, hook.headers = status, headers
    failed = await failure(tmp_path, hook.url)
    assert (type(failed), failed.target_is_down, failed.retry_after_s) == (kind, is_down, again_s)
    assert (str(status) in failed.reason, len(hook.got)) == (True, 1)


async def test_nobody_there_and_no_answer_are_the_targets_failures(tmp_path, hook):
    """The second may have arrived."""
    assert (await failure(tmp_path, f"http://127.0.0.1:{nobody()}/T0KEN")).target_is_down
    hook.silent = True
    silent = await failure(tmp_path, hook.url, within_s=0.2)
    assert (silent.target_is_down, silent.may_have_arrived) == (True, True)


async def test_a_change_beyond_the_bound_is_never_sent(tmp_path, hook, monkeypatch):
    """A body is bounded: such a change is a dead letter at once, the target stays up."""
    monkeypatch.setattr(to_webhook, "BODY_BYTES_MAX", 100)
    with pytest.raises(NeverDelivered, match="more than 100 bytes"):
        await outlet(tmp_path, hook.url).hand_over([a_change()])
    assert hook.got == []


async def test_whom_to_trust_is_read_once_and_not_for_each_change(tmp_path, monkeypatch):
    """It takes 30 ms and more of a processor: each change would stop everything else in the service for so long."""
    read = []
    made = ssl.create_default_context

    def counted():
        read.append(1)
        return made()

    webhook._context.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", counted)
    for _ in range(3):
        await failure(tmp_path, f"https://127.0.0.1:{nobody()}/T0KEN")
    webhook._context.cache_clear()
    assert len(read) == 1
