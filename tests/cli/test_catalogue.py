"""The catalogue of commands agrees with the commands and with the documentation."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from counterfoil import cli
from counterfoil.cli import catalogue

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("command", catalogue.COMMANDS, ids=lambda command: command.name)
def test_each_command_is_a_file_and_documented(command):
    """Its module has an app, and docs/commands.md has its heading."""
    module = importlib.import_module(f"counterfoil.cli.{command.module}")
    assert hasattr(module, "pass_through") or isinstance(module.app, typer.Typer)
    assert f"## {command.name}" in (DOCS / "commands.md").read_text()


def test_options_in_the_documentation_exist():
    """Each option of each command stands in docs/commands.md, and none besides."""
    import re

    text = (DOCS / "commands.md").read_text()
    for command in catalogue.COMMANDS:
        module = importlib.import_module(f"counterfoil.cli.{command.module}")
        if not hasattr(module, "app"):
            continue
        section = text.partition(f"\n## {command.name}\n")[2].partition("\n## ")[0]
        assert set(re.findall(r"--[a-z-]+", section)) - {"--json", "--config", "--env"} == _options(module.app)


def _options(app):
    command = typer.main.get_command(app)
    found = [command, *getattr(command, "commands", {}).values()]
    return {name for one in found for parameter in one.params for name in parameter.opts if name.startswith("--")}


def test_help_loads_nothing_heavy():
    """The help page costs hardly more than starting Python: no parser, database, HTTP library or schema is imported."""
    code = "import sys; from counterfoil.cli import entry; entry.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("sqlalchemy", "aiohttp", "msgspec", "typer", "rich", "litestar", "asyncio", "cryptography"):
        assert f"'{heavy}'" not in ended.stderr
    for command in catalogue.COMMANDS:
        assert f"  {command.name}" in ended.stdout


def test_a_run_without_expressions_does_without_their_library():
    """Neither it nor the prompt and the highlighter that it brings along are imported with the application."""
    code = "import sys, counterfoil.app, counterfoil.cli.run; print(sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("cel", "prompt_toolkit", "pygments"):
        assert f"'{heavy}'" not in ended.stdout


def test_no_file_of_a_command_is_left_out():
    """Whatever has an `app` or a `pass_through` is in the catalogue."""
    found = set()
    for module in pkgutil.iter_modules(cli.__path__):
        loaded = importlib.import_module(f"counterfoil.cli.{module.name}")
        if hasattr(loaded, "pass_through") or isinstance(getattr(loaded, "app", None), typer.Typer):
            found.add(module.name)
    assert found == {command.module for command in catalogue.COMMANDS}
