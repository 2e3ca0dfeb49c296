"""Logs of the service: one line for each thing that happens, on stderr, JSON or text, without secrets.

Called by open_door, for as long as the door is open. Whoever has something to say uses the standard library's `logging`,
as the libraries do; all of it passes here. `run` and `flow` of what a task works for are added (app/saying).
"""

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Final, TextIO, TypeGuard

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from counterfoil.app import saying
from counterfoil.service.redaction import Redactor
from counterfoil.settings import Settings

QUIET: Final = {  # libraries, and from which level on they are heard
    **dict.fromkeys(("aiohttp", "asyncio", "litestar", "procrastinate", "psycopg", "sqlalchemy"), logging.WARNING),
    "uvicorn": logging.ERROR,  # it warns of what strangers send, who could fill a disk with that
}

Event = MutableMapping[str, Any]
THEIRS: Final = ("procrastinate", "psycopg")  # of whose errors the place in their code is nothing to us


@contextlib.contextmanager
def kept(settings: Settings, stream: TextIO | None = None) -> Iterator[None]:
    """Log while inside; then as before. `stream` None: stderr."""
    out = sys.stderr if stream is None else stream
    handler = _Handler(out)
    root = logging.getLogger()
    before = root.level, {name: logging.getLogger(name).level for name in QUIET}
    root.addHandler(handler)
    follow(settings)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        for name, level in before[1].items():
            logging.getLogger(name).setLevel(level)


def follow(settings: Settings) -> None:
    """Log as this configuration says from now on: its form, its level, and without its secrets."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, _Handler):
            handler.setFormatter(_formatter(settings, is_terminal=handler.stream.isatty()))
    root.setLevel(settings.service.log_level.upper())
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, among those that a program may have added."""


def secrets_of(settings: Settings) -> Iterable[str]:
    """Every secret that the configuration gives this process."""
    xero, service = settings.xero, settings.service
    given = [
        xero.client_secret,
        *xero.webhook_keys,
        settings.vault.master_key,
        service.connect_token,
        service.heartbeat_url,
    ]
    for one in settings.notify:
        given += [one.to.url, one.to.password, one.given.to.secret]
    yield from (one.reveal() for one in given if one is not None)
    yield from _password(settings.store.url)
    for feed in settings.feeds.values():
        yield from _of_feed(feed.values.get("to"))


def _of_feed(to: object) -> Iterator[str]:
    """Of where a feed's changes go: the address of a webhook and its secrets, the password of a database."""
    held = to if isinstance(to, dict) else {}
    for name in ("webhook", "secret"):
        several = held.get(name)
        yield from filter(_is_text, several if isinstance(several, list) else [several])
    if _is_text(address := held.get("sql")):
        yield from _password(address)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _password(address: str) -> Iterator[str]:
    if password := address.partition("://")[2].rpartition("@")[0].partition(":")[2]:
        yield password


def _formatter(settings: Settings, *, is_terminal: bool) -> logging.Formatter:
    redactor = Redactor(secrets_of(settings))
    as_text = settings.service.log == "text" or (settings.service.log is None and is_terminal)

    def redacted(_logger: Any, _method: str, event: Event) -> Event:
        return redactor.line(event)

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _with_present,
        _without_theirs,
        structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    ends: list[Processor] = [ProcessorFormatter.remove_processors_meta, redacted, last]
    return ProcessorFormatter(foreign_pre_chain=shared, processors=ends)


def is_theirs(logger: str, error: BaseException | None) -> bool:
    """Whether a library of THEIRS speaks; also where a task of its own failed, of which the event loop tells."""
    name = type(error).__module__ if logger == "asyncio" else logger
    return name.partition(".")[0] in THEIRS


def _without_theirs(_logger: Any, _method: str, event: Event) -> Event:
    """Where a library fell, which says nothing to whoever reads our log (a server that ended its connection): what it was is enough."""
    told = event.get("exc_info")
    error = told[1] if isinstance(told, tuple) else told if isinstance(told, BaseException) else None
    if told and is_theirs(str(event.get("logger", "")), error):
        del event["exc_info"]
        event["event"] = (str(event.get("event", "")).splitlines() or [""])[0]
        if error is not None:
            first = (str(error).splitlines() or [""])[0]
            event.setdefault("cause", f"{type(error).__name__}: {first}")
    return event


def _with_present(_logger: Any, _method: str, event: Event) -> Event:
    """What the task works for; a line's own word goes first."""
    for name, value in saying.present().items():
        event.setdefault(name, value)
    return event
