"""The list of what is not known is that of the facts, point by point."""

import ast
import re
from pathlib import Path

import pytest

from counterfoil.sandbox import options
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.unknowns import ALL, OUTSIDE, Unknowns, catalogue

ROOT = Path(__file__).parents[3]
FACTS = ROOT.parent / "shared" / "xero-facts.md"
SOURCE = ROOT / "src" / "counterfoil" / "sandbox"


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not at ../shared/xero-facts.md")
def test_the_points_are_those_of_the_facts():
    """Section 11: as many as the code says, and none is left out."""
    told = FACTS.read_text(encoding="utf-8").split("\n## 11. ")[1]
    points = [int(number) for number in re.findall(r"^(\d+)\. ", told, re.MULTILINE)]
    assert list(range(1, catalogue.POINTS + 1)) == points


def test_every_point_is_a_switch_or_says_why_not():
    """Nothing that could not be established is forgotten."""
    assert set(range(1, catalogue.POINTS + 1)) == {unknown.point for unknown in ALL} - {0} | set(OUTSIDE)
    assert all(reason.endswith(".") for reason in OUTSIDE.values())
    assert all(bool(unknown.section) == (unknown.point == 0) for unknown in ALL)


def test_every_switch_has_two_readings_at_least_and_starts_with_the_safer_one():
    """Without options, the first is played."""
    unknowns = Unknowns(Options())
    for unknown in ALL:
        assert len(unknown.choices) > 1, unknown.name
        assert unknowns.chosen(unknown.name) == unknown.safer, unknown.name
    assert len({unknown.name for unknown in ALL}) == len(ALL)


def test_every_reading_but_the_default_is_asked_for_by_the_code():
    """A switch that nothing looks at would be a promise that nobody keeps."""
    asked: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"plays", "chosen"} and node.args:
                asked |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    assert asked == {unknown.name for unknown in ALL}


def test_every_option_for_the_unknown_is_a_switch_too():
    """What the command line has for it is the same thing by another name, and neither says what the other does not."""
    mapped = {unknown.option for unknown in ALL} - {""}
    source = (SOURCE / "options.py").read_text(encoding="utf-8")
    group = source.split("what could not be established about Xero")[1]
    declared = {name.replace("-", "_") for name in re.findall(r'"--([a-z-]+)"', group.split("given = vars")[0])}
    assert declared - {"gzip", "high_volume_rows"} == mapped  # those two are no readings
    assert mapped <= set(options.Options.__dataclass_fields__)
