"""docs/coverage.md: the cards are the flow kinds' own, and the identity server has the paths that it names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil import flows
from tests import sandbox_process
from tests.sandbox_process import SandboxProcess

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
IDENTITY = re.findall(r"^\| `(GET|POST|DELETE) (/[^`]*)` \|", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


def test_every_card_is_on_the_page():
    """Each flow kind has its heading, its line of documentation and its card, word for word and in order."""
    told = PAGE.split("## The sandbox")[0]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", told, re.MULTILINE | re.DOTALL))
    assert sorted(flows.kinds()) == sorted(sections)
    for name, kind in flows.kinds().items():
        assert kind.doc in sections[name]
        rows = re.findall(r"^\| (.+?) \| (.+?) \|$", sections[name], re.MULTILINE)
        assert list(kind.card.items()) == rows


@pytest.mark.parametrize(("method", "path"), IDENTITY, ids=[f"{method} {path}" for method, path in IDENTITY])
def test_identity_has_what_the_page_says(sandbox, method, path):
    """Each path of the identity server exists: whatever it says of an empty request, it is not 404."""
    reply = sandbox.request(method, path.replace("{id}", "none"), None if method != "POST" else b"")
    assert reply.status != 404
