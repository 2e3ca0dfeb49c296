"""Asking a person before something is done that cannot be undone. Called by the commands that do such things."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from counterfoil.cli.session import Session


def agreed(now: "Session", question: str) -> bool:
    """A word of a person at a terminal; elsewhere --yes is needed."""
    if not _can_answer(now):
        return False
    return typer.confirm(question, err=True)


def typed(now: "Session", question: str, word: str) -> bool:
    """The same, for what takes more than a y: the word itself has to be typed."""
    if not _can_answer(now):
        return False
    answer: str = typer.prompt(f"{question} Type {word} to go on", err=True, default="", show_default=False)
    return answer.strip() == word


def _can_answer(now: "Session") -> bool:
    if now.screen.is_terminal and sys.stdin.isatty():
        return True
    now.screen.note("Nothing was done: say --yes.")
    return False
