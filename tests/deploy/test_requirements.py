"""What is installed by hash, in the container and for work on Counterfoil, is what the distribution asks for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgres"]]


def lines(name):
    """What stands in a file of requirements, without remarks."""
    text = (ROOT / "requirements" / name).read_text()
    return {line.partition("#")[0].strip() for line in text.splitlines()} - {""}


def test_what_the_distribution_asks_for_is_what_is_locked():
    """One was installed here by hand and missing from the files: every fresh clone failed, and the container would have."""
    assert lines("run.in") == set(ASKED)


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_one_of_them_is_pinned(name):
    """With its hash; the extras of a name are not repeated there."""
    pinned = {re.split(r"[=\[]", line)[0] for line in lines(name) if "==" in line}
    assert {re.split(r"[\[>=]", one)[0].lower() for one in ASKED} <= pinned
