"""The page docs/architecture.md, the contracts in .importlinter and the folders on disk say the same."""

import ast
import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "counterfoil"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

WHO_CALLS = re.compile(r"\b(called by|who calls it)\b", re.IGNORECASE)
WHAT_IT_IMPORTS = re.compile(r"\b(may (not )?import|imports nothing)\b", re.IGNORECASE)
NOT_A_LAYER = {"py.typed", "__init__.py", "__pycache__"}
DOORS = {  # library → where alone it may be imported
    "aiohttp": ("xero/transport.py", "delivery/webhook.py", "sandbox/"),
    "sqlalchemy": ("store/", "delivery/sql/"),
    "psycopg": ("store/",),
    "sqlite3": ("store/",),
    "procrastinate": ("runtime/distributed.py",),
    "litestar": ("service/",),
    "uvicorn": ("service/",),
    "prometheus_client": ("service/",),
    "structlog": ("service/logs.py",),
}


def contracts() -> dict[str, configparser.SectionProxy]:
    parser = configparser.ConfigParser(comment_prefixes=(";", "#"))
    parser.read(ROOT / ".importlinter")
    return {parser[name]["name"]: parser[name] for name in parser.sections() if name != "importlinter"}


def folders() -> list[Path]:
    return sorted(path.parent for path in SRC.rglob("__init__.py"))


def layers_on_disk() -> set[str]:
    return {path.stem for path in SRC.iterdir() if path.name not in NOT_A_LAYER}


def names(layer: str) -> list[str]:
    """The names of one line of the picture, `(…)` kept."""
    return re.findall(r"\(?\b\w+\b\)?", layer)


def picture() -> list[list[str]]:
    """The names in each line of the page's picture."""
    block = PAGE.split("```")[1].strip("\n")
    return [names(line.partition("   ")[0]) for line in block.splitlines()]


def test_every_contract_is_a_heading_on_the_page_and_the_other_way_round():
    """The names in .importlinter are the headings under the import contracts, in the same order, each with its sentence."""
    told = PAGE.split("## The import contracts\n")[1]
    headings = re.findall(r"^### (.+)\n\n(\S)", told, re.MULTILINE)
    assert list(contracts()) == [name for name, _begins in headings]


def test_the_picture_shows_the_layers_in_their_order():
    """Line by line the picture names the layers of .importlinter."""
    declared = contracts()["layers"]["layers"].strip().splitlines()
    plain = [[name.strip("()") for name in line] for line in picture()]
    assert [[name.strip("()") for name in names(line)] for line in declared] == plain


def test_the_picture_marks_what_does_not_exist_yet():
    """Names in parentheses are not on disk, the others are, and nothing on disk is missing."""
    shown = [name for line in picture() for name in line]
    assert layers_on_disk() == {name for name in shown if not name.startswith("(")}
    assert {name.strip("()") for name in shown if name.startswith("(")}.isdisjoint(layers_on_disk())


def test_every_inner_folder_is_on_the_page():
    """Folders inside folders stand in the page's table, and only those that exist."""
    inner = {path.relative_to(SRC).as_posix() for path in folders() if len(path.relative_to(SRC).parts) > 1}
    assert inner == set(re.findall(r"^\| `([a-z_/]+)` \|", PAGE, re.MULTILINE))


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.relative_to(SRC.parent).as_posix())
def test_every_folder_says_who_calls_it_and_what_it_may_import(folder):
    """Its __init__.py opens with a docstring that names its callers and the bounds of its imports."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    plain = " ".join(said.split())
    assert WHO_CALLS.search(plain)
    assert WHAT_IT_IMPORTS.search(plain)


def test_each_outside_thing_has_one_door():
    """Each outside library is imported behind its own door alone: HTTP, databases, signatures, the job engine."""
    found = []
    for path in sorted(SRC.rglob("*.py")):
        name = path.relative_to(SRC).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                doors = DOORS.get(module.partition(".")[0])
                if doors is not None and not name.startswith(doors):
                    found.append(f"{name}:{node.lineno} {module}")
    assert found == []
