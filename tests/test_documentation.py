"""What the README and the guides say is so: the program runs, links lead somewhere, commands exist."""

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from counterfoil.cli import catalogue
from tests import sandbox_process
from tests.cli.office import Office

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/howto/*.md")])


def test_the_program_of_the_readme_runs(tmp_path, capsys):
    """As it is printed there, on an installation that `init` made; twice posts once."""
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    with sandbox_process.start("--auto-consent", "--no-limits") as sandbox:
        office = Office(tmp_path, sandbox)
        assert office("init").code == 0
        config = tmp_path / "counterfoil.toml"
        text = config.read_text().replace("http://localhost:8320", sandbox.url)
        config.write_text(re.sub(r"redirect_uri = .*", 'redirect_uri = "http://localhost:0/oauth/callback"', text))
        office.connect()
        assert office("entities", "bind", "--yes").code == 0
        capsys.readouterr()
        for expected in ("1 posted, 0 were there already\n", "0 posted, 1 were there already\n"):
            code = compile(program.replace('"counterfoil.toml"', repr(str(config))), "README.md", "exec")
            exec(code, {"asyncio": asyncio})
            assert capsys.readouterr().out == expected
        assert len(sandbox.ledger(sandbox.tenant(1))["Invoices"]) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """To files that exist."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page):
    """`counterfoil X` in text or in a block of commands."""
    for name in re.findall(r"(?:^|`)counterfoil ([a-z]+(?:-[a-z]+)*)", page.read_text(), re.MULTILINE):
        assert name in catalogue.BY_NAME


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_configuration_that_is_shown_is_toml(page):
    """Every block of it."""
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL):
        assert tomllib.loads(block)
