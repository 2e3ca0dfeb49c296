"""Another configuration while the service runs: looked at whole, then taken over whole, or told and left.

Called by serving. Flows, lookups, feeds, handlers, entities, modes, retention, whom to notify, the tier, the lanes, the keys that Xero signs its
webhooks with, the heartbeat, the log and the times of [posting] change at once; a request that was begun keeps what was written down
for it then (posting/claiming). What cannot change under those who use it needs a restart, is named, and then nothing is taken over:
where Xero and the database are and who we are there, the vault, and who may reach the door. Python that was imported stays as it
was: another content of the module of [handlers] is told.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from counterfoil import errors, settings
from counterfoil.app import budgets, compiling, feeding
from counterfoil.app.serving.shift import Shift
from counterfoil.delivery import handlers
from counterfoil.delivery.aside import aside
from counterfoil.runtime import keeping
from counterfoil.settings import Settings
from counterfoil.store import notices
from counterfoil.store.database import Connection

LOOK_S: Final = 5.0
TAKEN_OVER: Final = frozenset(
    {
        "path",
        "environment",
        "entities",
        "feeds",
        "flows",
        "handlers",
        "lookups",
        "mirror",
        "notify",
        "pacing",
        "posting",
        "retention",
    }
)
TAKEN_KEYS: Final = {  # of tables of which the other keys need a restart
    "xero": frozenset({"tier", "calls_per_minute", "webhook_keys"}),
    "store": frozenset({"free_min_mib"}),
    "service": frozenset({"heartbeat_url", "log", "log_level"}),
}
NOTICE: Final = "service"
SUBJECT: Final = "configuration"
MODULE: Final = "handlers"  # the subject of what is told of their module

Stamp = dict[Path, tuple[int, int] | None]


class Reloading:
    """Watches the configuration's files. `taken` hears of each configuration that came into force; it must not raise."""

    def __init__(self, shift: Shift, taken: Callable[[Settings], None]) -> None:
        self._shift = shift
        self._taken = taken
        self._books = shift.books
        self.asked = asyncio.Event()  # by SIGHUP: look now, changed or not
        self._module: list[str] | None = (
            None  # what was told of the handlers' module; None: nothing yet by this process
        )

    async def keep(self) -> None:
        """Take over what changes, until cancelled. A file is read when it was the same in two looks."""
        secret = _secret_files(self._books.settings)
        known = before = _stamp(self._books.settings, secret)
        while True:
            asked = await self._asked()
            try:
                stamp = _stamp(self._books.settings, secret)
                if asked or (stamp != known and stamp == before):
                    await self._taken_or_told()
                    secret = _secret_files(self._books.settings)
                    seen, stamp = stamp, _stamp(self._books.settings, secret)
                    # What was written while it was read is another change: as it was before counts as known.
                    known = {path: seen.get(path, now) for path, now in stamp.items()}
                before = stamp
                await self._look_at_the_module()
            except Exception:  # noqa: BLE001 - told and counted; the next look may be better
                keeping.failed("the look at the configuration")

    async def _look_at_the_module(self) -> None:
        """Tell when the handlers' module is another one on the disk than the one that runs, and when it is the same again."""
        books, changed = self._books, handlers.changed(self._books.settings.handlers.module)
        if changed == self._module:
            return

        def work(conn: Connection) -> None:
            now = books.database.now(conn)
            if not changed:
                notices.over(conn, NOTICE, MODULE, now=now)
                return
            said = f"{', '.join(changed)} changed since it was imported: [handlers] still calls the functions as they were."
            notices.tell(conn, NOTICE, MODULE, message=said, remedy="Restart the service.", now=now)

        with contextlib.suppress(errors.StoreError):  # it is looked at again
            await books.database.run(work)
            self._module = changed
            if changed:
                self._shift.say("service", MODULE, f"{', '.join(changed)} changed: restart the service", bad=True)

    async def _asked(self) -> bool:
        """Wait for the next look; → whether somebody asked for it."""
        sleep = asyncio.create_task(self._books.clock.sleep(LOOK_S))
        asked = asyncio.create_task(self.asked.wait())
        try:
            await asyncio.wait({sleep, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            asked.cancel()
        found = self.asked.is_set()
        self.asked.clear()
        return found

    async def _taken_or_told(self) -> None:
        try:
            await self.take()
        except Exception as error:  # noqa: BLE001 - told; what nobody foresaw in one configuration must not keep out the next
            await self._refuse(f"{type(error).__name__}: {error}", "Restart the service, so that it is taken over.")

    async def take(self) -> bool:
        """Look at the configuration as it is now; → whether it is in force."""
        books = self._books
        try:
            loaded = settings.load(books.settings.path, books.settings.environment or None)
            settings.refuse_shared(loaded)
            compiled = compiling.compiled(loaded)
            limits = budgets.limits_for(loaded)
            functions = await aside(lambda: feeding.handlers_of(loaded))  # imports a module that is new
        except errors.CounterfoilError as error:
            await self._refuse(f"It has mistakes: {error.message}", "Correct them; it is looked at again by itself.")
            return False
        if fixed := _fixed(books.settings, loaded):
            await self._refuse(f"{', '.join(fixed)} changed.", "Restart the service, so that it is taken over.")
            return False
        before, books.settings = books.settings, loaded
        books.rules.set_modes(loaded.modes)  # also for those who hold the rules of before
        books.rules = msgspec.structs.replace(books.rules, **msgspec.structs.asdict(loaded.posting))
        books.flows, books.mapped, books.timetables = compiled.flows, compiled.mapped, compiled.timetables
        self._shift.handlers, books.feeds = functions, compiled.feeds
        self._taken(loaded)
        if any(getattr(before, one) != getattr(loaded, one) for one in ("xero", "pacing", "posting")):
            await budgets.take_over(books, limits)
        with contextlib.suppress(errors.StoreError):  # the notice stands a little longer
            await books.database.run(lambda conn: notices.over(conn, NOTICE, SUBJECT, now=books.database.now(conn)))
        self._shift.say("service", SUBJECT, "the changed configuration is in force")
        return True

    async def _refuse(self, why: str, remedy: str) -> None:
        books = self._books
        self._shift.say("service", SUBJECT, f"is not taken over, the old one stays in force. {why}", bad=True)

        def work(conn: Connection) -> None:
            said = f"The changed configuration is not in force. {why}"
            notices.tell(conn, NOTICE, SUBJECT, message=said, remedy=remedy, now=books.database.now(conn))

        with contextlib.suppress(errors.StoreError):  # said above all the same
            await books.database.run(work)


def _fixed(old: Settings, new: Settings) -> list[str]:
    """What differs and cannot change while the service runs, as `[table] key`."""
    found = []
    for table in old.__struct_fields__:
        if table in TAKEN_OVER:
            continue
        before, now = getattr(old, table), getattr(new, table)
        if not isinstance(before, msgspec.Struct):  # tables by name
            found += [f"[{table}]"] if before != now else []
            continue
        found += [
            f"[{table}] {key}"
            for key in before.__struct_fields__
            if key not in TAKEN_KEYS.get(table, ()) and getattr(before, key) != getattr(now, key)
        ]
    return found


def _secret_files(loaded: Settings) -> tuple[Path, ...]:
    """Files of secrets that the configuration names; whoever replaces the master key's tells us in the database."""
    found = settings.secret_files(loaded.path, loaded.environment or None)
    return tuple(one for one in found if one != loaded.vault.master_key_file)


def _stamp(loaded: Settings, secret: tuple[Path, ...]) -> Stamp:
    """Size and time of every file that the configuration is made of."""
    folder = loaded.path.parent
    overlay = [folder / f"{loaded.path.stem}.{loaded.environment}.toml"] if loaded.environment else []
    tables = [one.values.get("csv") for one in loaded.lookups.values()]
    files = (loaded.path, *overlay, *secret, *(folder / one for one in tables if isinstance(one, str)))
    return {path: _file(path) for path in files}


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
