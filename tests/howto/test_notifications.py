"""docs/howto/notifications.md: its receiver reads what we send, and its lists are the program's own."""

import datetime
import json
import re
from pathlib import Path

import pytest

from counterfoil import settings
from counterfoil.delivery import message, notifying, program, webhook
from counterfoil.model.notices import KINDS
from tests.delivery.receivers import SECRET, Hook

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "notifications.md").read_text()


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


async def test_the_receiver_of_the_page_checks_what_we_send(hook):
    """It reads a message of ours, and refuses one that is altered, signed with another key, or old."""
    namespace = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], namespace)
    read = namespace["notice"]
    target = settings.Target(key="k", label="l", way="webhook", url=settings.Secret(hook.url), secret=bytes(range(32)))
    now = datetime.datetime.now(datetime.UTC)
    sent = message.trial(now, installation="i", environment="default")
    await webhook.send(target, sent, at=now, within_s=5)
    await webhook.send(target, sent, at=now - datetime.timedelta(minutes=6), within_s=5)
    (headers, body), (old_headers, old_body) = hook.got
    assert read(SECRET, headers, body)["id"] == sent.id
    assert read(f"whsec_{SECRET}", headers, body)["id"] == sent.id
    for secret, given, content, words in (
        (SECRET, headers, body.replace(b"test", b"text"), "signature"),
        (SECRET[::-1].lstrip("="), headers, body, "signature"),
        (SECRET, old_headers, old_body, "old"),
    ):
        with pytest.raises(ValueError, match=words):
            read(secret + "=" * (-len(secret) % 4), given, content)


def test_the_kinds_of_the_page_are_the_programs():
    """Each with the program's own words."""
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows.pop("any")
    assert rows == KINDS


def test_the_configuration_of_the_page_loads(tmp_path):
    """All three targets as they stand there."""
    (tmp_path / "hook.key").write_text(SECRET)
    (tmp_path / "smtp.key").write_text("pass-word")
    path = tmp_path / "counterfoil.toml"
    path.write_text('[xero]\nclient_id = "abc"\n' + re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert [one.to.way for one in settings.load(path, None, {}).notify] == ["webhook", "email", "command"]


def test_the_message_of_the_page_has_the_keys_of_ours():
    """In their order."""
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    assert list(shown) == list(message.Message.__struct_fields__)


def test_the_numbers_of_the_page_are_the_programs():
    """Bounds that a reader plans with."""
    assert (notifying.COMMAND_S, notifying.SEND_S, notifying.ROUND_MAX, notifying.TRIES_MAX) == (5, 4, 20, 20)
    assert all(f"`{name}`" in PAGE for name in program.PASSED_ON)
