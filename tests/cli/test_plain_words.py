"""Texts, paths and flags reach a command as they were typed, and nothing heavy is fetched for that."""

import subprocess
import sys
from pathlib import Path

import typer
import typer.main

from counterfoil.cli import plain_words

RUN = "import sys; from counterfoil.cli import main; main(); print('pydantic' in sys.modules)"


def test_a_command_starts_without_pydantic(tmp_path):
    """A third of a second of every command would go there."""
    command = [sys.executable, "-c", RUN, "run", "shop", "--input", "sales.jsonl", "--json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "False"


def test_words_keep_their_kind():
    """A text, a path and a flag; a whole number still goes Typer's way, and what is missing stays None."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    seen = []

    @app.command()
    def command(
        name: str, path: Path | None = None, other: Path | None = None, n: int = 0, yes: bool = typer.Option(False)
    ) -> None:
        seen.append((name, path, other, n, yes))

    parser = typer.main.get_command(app)
    plain_words.take(parser)
    parser.main(["Ä", "--path", "a/b", "--n", "3", "--yes"], standalone_mode=False)
    assert seen == [("Ä", Path("a/b"), None, 3, True)]
