"""From the words typed to an exit code: global options, the one command's module, and the ending of everything.

Called by cli.main. Until a command is known it imports nothing heavier than the errors: the help page is a text. A
command is a Typer app of its own, built with help pages without rich.
"""

import gc
import importlib
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from counterfoil.cli import catalogue, endings, streams, switches
from counterfoil.cli.switches import Switches

DONE = 0
USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Carry out one command line; → the exit code. Never raises."""
    # Records come and go by the thousand and hold no cycles, and what is imported stays: a tenth of a run's CPU.
    gc.set_threshold(50_000, 20, 100)
    signal.signal(signal.SIGTERM, _end_politely)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a script's `&` starts us: SIGTERM would do nothing then
        signal.signal(signal.SIGINT, signal.default_int_handler)
    json = "--json" in arguments
    streams.give_missing()
    _speak_any_script(json=json)
    try:
        options, words = switches.hoist(arguments)
        json = options.json
        code = _carry_out(options, words)
        streams.write(sys.stdout, "")
    except BaseException as error:  # noqa: BLE001 - the one place where everything ends; endings tells each apart
        config = options.config if "options" in locals() else switches.CONFIG_DEFAULT
        return endings.tell(error, json=json, config=config)
    return code


def _speak_any_script(*, json: bool) -> None:
    """No name may break an output that has a narrower encoding; JSON is UTF-8 whatever the surroundings say."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if json and stream is sys.stdout else None, errors="replace")


def _end_politely(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends us as Ctrl-C does: what runs is cancelled, committed transactions end first."""
    signal.raise_signal(signal.SIGINT)


def _carry_out(options: Switches, words: list[str]) -> int:
    if options.version:
        from counterfoil import __version__

        sys.stdout.write(f'{{"version": "{__version__}"}}\n' if options.json else f"counterfoil {__version__}\n")
        return DONE
    if words and words[0] in ("--help", "-h", "help"):
        if len(words) == 1:
            sys.stdout.write(catalogue.help_page())
            return DONE
        words = [words[1], "--help"]
    name, rest = (words[0], words[1:]) if words else ("status", [])
    return _command(name, options, rest, bare=not words)


def _command(name: str, options: Switches, words: list[str], *, bare: bool) -> int:
    command = catalogue.BY_NAME.get(name)
    if command is None:
        raise switches.UsageError(_unknown(name))
    module = importlib.import_module(f"counterfoil.cli.{command.module}")
    direct = getattr(module, "pass_through", None)
    if direct is not None:  # a command whose options belong to another parser
        return int(direct(words))
    from counterfoil.cli.session import Session

    return _parse(module, f"counterfoil {name}", words, Session(options, bare=bare))


def _parse(module: Any, name: str, words: list[str], session: Any) -> int:
    import typer.main

    from counterfoil.cli import plain_words

    parser = typer.main.get_command(module.app)
    plain_words.take(parser)
    ended = parser.main(words, prog_name=name, standalone_mode=False, obj=session)
    if ended == endings.INTERRUPTED:  # Typer has taken the interrupt for itself
        raise KeyboardInterrupt
    return ended if isinstance(ended, int) else DONE


def _unknown(name: str) -> str:
    from counterfoil.model import spelling

    if name.startswith("-"):
        return f"There is no option {name}. See `counterfoil --help`."
    near = spelling.nearest(name, catalogue.BY_NAME)
    return f"There is no command {name!r}. " + (f"Did you mean `{near}`?" if near else "See `counterfoil --help`.")
