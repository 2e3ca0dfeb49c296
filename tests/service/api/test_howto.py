"""Each `curl` of docs/howto/api.md is asked as it stands there, and answered in the form that is shown under it."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.service.api.conftest import UK

PAGE = (Path(__file__).parents[3] / "docs/howto/api.md").read_text()
ASKED = re.findall(r"```console\n\$ (curl .*?)\n```\n(?:\n```json\n(.*?)```)?", PAGE, re.DOTALL)
FLAGS = {"-i"}


def keys(value, inside=""):
    """The paths of every key in a JSON value."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield f"{inside}/{name}"
            if name not in ("document", "before", "after"):
                yield from keys(one, f"{inside}/{name}")
    elif isinstance(value, list):
        for one in value[:1]:
            yield from keys(one, inside)


@pytest.mark.parametrize(("command", "shown"), ASKED, ids=[command.split("8321")[1][:40] for command, _ in ASKED])
async def test_a_curl_of_the_guide(house, command, shown):
    """Its address, headers and body; the answer has the keys that the guide shows, and no others."""
    await house.hold(UK, "Invoices", *((f"id-{n}", "AUTHORISED", n, {"InvoiceID": f"id-{n}"}) for n in range(3)))
    await house.happens(("x", "invoice.paid", UK))
    key = await house.key("admin")
    words = [word.replace("$KEY", key).replace("$ID", "id-1") for word in shlex.split(command)[1:] if word not in FLAGS]
    given = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
    assert given.keys() <= {"-H", "-X", "-d"}
    parts = urlsplit(words[-1])
    name, _, value = given["-H"].partition(": ")
    assert (name, parts.netloc) == ("Authorization", "localhost:8321")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body = given.get("-d", "").encode()
    answer = await house.ask(given.get("-X", "POST" if body else "GET"), path, value.removeprefix("Bearer "), body)
    assert answer.status == (json.loads(shown).get("status", 200) if shown else 200), answer.body
    if shown:
        assert set(keys(json.loads(shown))) == set(keys(answer.json))


def test_the_guide_has_examples():
    """Of each part of it."""
    assert len(ASKED) >= 6
