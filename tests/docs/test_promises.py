"""docs/promises/: each page has its parts, and every test and module that it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "promises").glob("*.md"))
PARTS = ["How it is kept", "Limits", "Tests that try to break it"]
EACH_PAGE = pytest.mark.parametrize(
    "page", [page.read_text(encoding="utf-8") for page in PAGES], ids=[p.stem for p in PAGES]
)


@EACH_PAGE
def test_a_page_promises_explains_admits_and_proves(page):
    """It opens with the promise in bold and goes on with how, limits and tests."""
    assert re.match(r"# .+\n\n\*\*", page)
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == PARTS


@EACH_PAGE
def test_the_tests_that_a_page_names_exist(page):
    """Each `tests/…py` is a file, each `::name` a test in it; there is at least one."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in functions, f"{path}::{name}"


@EACH_PAGE
def test_the_modules_that_a_page_names_exist(page):
    """`posting/judging` and its like are modules or folders of the source."""
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)+)`", page))
    found = [
        name for name in named if not any((ROOT / "src/counterfoil" / f"{name}{end}").exists() for end in ("", ".py"))
    ]
    assert found == []


def test_every_promise_is_on_the_page_of_the_architecture():
    """docs/architecture.md links each page."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {path.name for path in PAGES} == set(re.findall(r"\(promises/([\w-]+\.md)\)", page))
