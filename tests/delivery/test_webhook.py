"""A message to a webhook: what is sent, how it is signed, and what of an answer is believed."""

import datetime
import json
import subprocess
import sys

import pytest
import standardwebhooks

from counterfoil import settings
from counterfoil.delivery import message, webhook
from counterfoil.delivery.outcome import NotDelivered
from tests.delivery.receivers import SECRET, Hook, nobody


def target(tmp_path, url, secret=SECRET):
    path = tmp_path / "counterfoil.toml"
    path.write_text(
        f'[xero]\nclient_id = "abc"\n[[notify]]\nwhen = ["any"]\nto = {{ webhook = "{url}", secret = "{secret}" }}\n'
    )
    return settings.load(path, None, {}).notify[0].to


async def send(tmp_path, url, within_s=5.0):
    now = datetime.datetime.now(datetime.UTC)  # what reads it refuses what is five minutes old
    trial = message.trial(now, installation="i", environment="default")
    await webhook.send(target(tmp_path, url), trial, at=now, within_s=within_s)
    return trial


async def failure(tmp_path, url, within_s=5.0):
    with pytest.raises(NotDelivered) as caught:
        await send(tmp_path, url, within_s)
    assert "T0KEN" not in str(caught.value)
    return caught.value.reason, caught.value.may_have_arrived, caught.value.target_is_down


async def test_another_partys_library_accepts_the_signature(tmp_path, hook):
    """standardwebhooks verifies what arrives, and refuses it when a byte, the id, the time or the key is another."""
    sent = await send(tmp_path, hook.url)
    ((headers, body),) = hook.got
    reader = standardwebhooks.Webhook(SECRET)
    assert reader.verify(body, headers) == json.loads(message.encoded(sent))
    assert headers["Content-Type"] == "application/json"
    forged = [
        (body[:-1] + b" ", headers, reader),
        (body, headers | {"webhook-id": "other"}, reader),
        (body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, reader),
        (body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 600)}, reader),
        (body, headers, standardwebhooks.Webhook(bytes(32))),
    ]
    for wrong_body, wrong_headers, wrong_reader in forged:
        with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
            wrong_reader.verify(wrong_body, wrong_headers)


async def test_what_is_sent_says_all_that_a_program_needs(tmp_path, hook):
    """The documented keys, no more."""
    await send(tmp_path, hook.url)
    assert sorted(hook.messages[0]) == [
        "cause", "count", "entity", "environment", "first_at", "id", "kind", "last_at", "link", "message", "over_at",
        "remedy", "since", "state", "times",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "reason", "is_down"),
    [
        (400, "it answered 400", False),
        (404, "it answered 404", True),
        (429, "it answered 429", True),
        (500, "it answered 500", True),
        (302, "it answered 302, a redirect, which is not followed", True),
    ],
)
async def test_only_2xx_is_a_yes(tmp_path, hook, status, reason, is_down):
    """Anything else is no delivery, and surely none; a redirect is not followed, not even to the same machine."""
    other = Hook()
    try:
        hook.answer, hook.headers = status, {"Location": other.url}
        assert await failure(tmp_path, hook.url) == (reason, False, is_down)
        assert other.got == []
    finally:
        other.close()


async def test_nobody_listens(tmp_path):
    """A refused connection has surely delivered nothing."""
    reason, may_have_arrived, is_down = await failure(tmp_path, f"http://127.0.0.1:{nobody()}/T0KEN")
    assert (reason.startswith("it cannot be reached"), may_have_arrived, is_down) == (True, False, True)


async def test_no_such_host(tmp_path):
    """A name that nobody knows is said as that, without the address."""
    reason, may_have_arrived, _is_down = await failure(tmp_path, "https://no-such-host.invalid/T0KEN")
    assert (reason, may_have_arrived) == ("its host is not known", False)


HANGS = """
import asyncio, datetime, socket, threading
from counterfoil import settings
from counterfoil.delivery import mail, message, outcome, webhook

socket.getaddrinfo = lambda *_: threading.Event().wait()
now = datetime.datetime.now(datetime.UTC)
trial = message.trial(now, installation="i", environment="default")

async def main():
    hook = settings.Target(key="h", label="", way="webhook", url=settings.Secret("https://x.example/"), secret=b"k" * 24)
    post = settings.Target(key="p", label="", way="email", email="a@x.example", sender="b@x.example", host="x.example", port=25)
    for send in (webhook.send(hook, trial, at=now, within_s=0.1), mail.send(post, trial, within_s=0.1)):
        try:
            await send
        except outcome.NotDelivered as failure:
            print(failure)

asyncio.run(main())
"""


def test_a_name_server_that_hangs_keeps_no_program_from_ending():
    """The time is over, it is said, and the process ends, though the name is never found."""
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "no answer within 0 s\nno answer within 0 s\n"


async def test_no_answer(tmp_path, hook):
    """Silence ends when the time is over, and may have been a yes."""
    hook.silent = True
    assert await failure(tmp_path, hook.url, 0.2) == ("no answer within 0 s", True, True)


async def test_an_answer_is_not_read(tmp_path, hook):
    """Endless headers or bodies cost nothing: the status is all we want."""
    hook.headers = {"X-Long": "x" * 100_000}
    assert (await failure(tmp_path, hook.url))[1] is True
    hook.headers = {"Content-Length": "1000000000"}
    await send(tmp_path, hook.url)


async def test_a_certificate_of_somebody_else(tmp_path, certificate):
    """Without a valid certificate nothing is sent."""
    from tests.delivery.receivers import Post

    post = Post(certificate, wrapped=True)  # anything that speaks TLS
    try:
        reason, may_have_arrived, _is_down = await failure(tmp_path, f"https://127.0.0.1:{post.port}/T0KEN")
    finally:
        post.close()
    assert (reason, may_have_arrived) == ("its certificate is not valid for this address", False)
    assert post.heard == []
