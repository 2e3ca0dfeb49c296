"""Handlers: functions of the user's own module that changes are handed to, named by `@on("invoice.paid")`.

`on` is public (`from counterfoil import on`) and called by users' modules; `load` by app, for commands that run and for `config
check`. Importing a module runs it: it is the user's own program, with the service's rights.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.model.change import Change
from counterfoil.settings import HandlersSettings, matches
from counterfoil.settings.feeds import pattern_misfit

Function = Callable[[Change], Awaitable[object] | object]
F = TypeVar("F", bound=Function)
MARK: Final = "__counterfoil_on__"
HANDLERS_MAX: Final = 20  # each may hold one of the service's places for a while
_AS_READ: Final[dict[Path, tuple[int, int] | None]] = {}  # files of modules as they were when they were imported


class Wish(msgspec.Struct, frozen=True):
    """What one `@on(…)` said."""

    names: tuple[str, ...]
    entities: frozenset[str] | None
    snapshot: bool
    at: str  # FILE:LINE of the function


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """One function. `id` is what its place is remembered by: the module's and the function's name."""

    id: str
    function: Function
    wishes: tuple[Wish, ...]

    def wants(self, name: str, entity: str, *, snapshot: bool) -> bool:
        """Whether it is handed a change of this name, of this entity."""
        return any(
            (one.snapshot or not snapshot)
            and (one.entities is None or entity in one.entities)
            and any(matches(pattern, name) for pattern in one.names)
            for one in self.wishes
        )


def on(*names: str, entities: Iterable[str] | None = None, snapshot: bool = False) -> Callable[[F], F]:
    """Have a function be handed changes: `names` such as "invoice.paid", "invoice.*" or "*".

    `entities`: the keys of those companies alone; None: of all. `snapshot`: also what a first load or a repair brings. The function
    gets one Change, each document's in order, at least once: the same change has the same `id`. It may be async. Whatever it
    raises is a failed attempt, which is tried again over 28 hours. It is remembered by its module's and its own name.

    Example:
        @on("invoice.paid")
        def thank(change):
            print(change.after["InvoiceNumber"])
    """
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError('@on needs the names of changes: @on("invoice.paid")')

    if isinstance(entities, str):
        raise TypeError(f"@on(entities=…) is a list of entities, such as [{entities!r}]")

    def mark(function: F) -> F:
        code = getattr(function, "__code__", None)
        at = f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code is not None else function.__module__
        only = None if entities is None else frozenset(entities)
        setattr(function, MARK, (*getattr(function, MARK, ()), Wish(names, only, snapshot, at)))
        return function

    return mark


def load(given: HandlersSettings, folder: Path, names: Collection[str], entities: Collection[str]) -> list[Handler]:
    """The handlers of [handlers] module, by id; none where none is named. `folder`: the configuration's.

    Raises ConfigurationError, with the file and line of what is wrong in the module. Importing it runs it.
    """
    if given.module is None:
        return []
    module = _imported(given.module, folder)
    for path in _files(module):
        _AS_READ.setdefault(path, _stamp(path))
    found = sorted(_handlers(module).values(), key=lambda one: one.id)
    problems = [problem for one in found for problem in _mistakes(one, names, entities, snapshot=given.snapshot)]
    if not found:
        problems = [f'{given.module}: [handlers] it has no function with @on("…").']
    if len(found) > HANDLERS_MAX:
        problems.append(f"{given.module}: [handlers] it has more than {HANDLERS_MAX} functions with @on.")
    if problems:
        raise errors.ConfigurationError("\n".join(problems), problems=tuple(problems))
    return found


def changed(name: str | None) -> list[str]:
    """The names of files of a module that are not as they were when it was imported here: what runs is still what they were."""
    module = sys.modules.get(name or "")
    known = {path: _AS_READ[path] for path in _files(module) if path in _AS_READ} if module is not None else {}
    return sorted(path.name for path, as_read in known.items() if _stamp(path) != as_read)


def _files(module: ModuleType) -> list[Path]:
    """The files of a module and of those below it that it imported."""
    names = (getattr(one, "__file__", None) for one in _places(module))
    return [Path(name) for name in names if name is not None]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _places(module: ModuleType) -> list[ModuleType]:
    """The module and those below it that it imported."""
    return [module, *(one for name, one in list(sys.modules.items()) if name.startswith(f"{module.__name__}."))]


def _handlers(module: ModuleType) -> dict[str, Handler]:
    """What is marked in the module and in those below it that it imported."""
    found: dict[str, Handler] = {}
    for place in _places(module):
        for value in list(vars(place).values()):
            wishes = getattr(value, MARK, None)
            if callable(value) and isinstance(wishes, tuple):
                name = f"{value.__module__}.{value.__qualname__}"
                found[name] = Handler(id=name, function=value, wishes=wishes)
    return found


def _mistakes(handler: Handler, names: Collection[str], entities: Collection[str], *, snapshot: bool) -> Iterable[str]:
    for wish in handler.wishes:
        if wish.snapshot and not snapshot:
            yield f"{wish.at}: [handlers] @on(…, snapshot=True) needs snapshot = true in [handlers]: else they are not kept."
        for pattern in wish.names:
            if (wrong := pattern_misfit(pattern, names)) is not None:
                yield f'{wish.at}: [handlers] @on("{pattern}") {wrong[0]}. {wrong[1]}'
        for entity in sorted(wish.entities or ()):
            if entity not in entities:
                yield f"{wish.at}: [handlers] @on: there is no entity {entity!r}."


def _imported(name: str, folder: Path) -> ModuleType:
    """The module of that name: the file beside the configuration, else an installed one."""
    top = name.partition(".")[0]
    if top == "counterfoil" or top in sys.stdlib_module_names:
        raise _wrong(
            f"[handlers] module = {name!r}: that name is taken by {'us' if top == 'counterfoil' else 'Python'}"
        )
    folder = folder.resolve()
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # last: a file beside the configuration hides nobody's module
    path = _file(name, folder)
    try:
        if path is None:
            return importlib.import_module(name)
        known = sys.modules.get(name)
        return known if known is not None and getattr(known, "__file__", None) == str(path) else _run(name, path)
    except (Exception, SystemExit) as error:  # a module that ends the program is one that cannot be imported
        raise _wrong(_said(name, error, folder)) from error


def _file(name: str, folder: Path) -> Path | None:
    below = folder.joinpath(*name.split("."))
    return next((one for one in (below.with_name(f"{below.name}.py"), below / "__init__.py") if one.is_file()), None)


def _run(name: str, path: Path) -> ModuleType:
    """Import one file under that name."""
    places = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    assert spec is not None, "it is a .py file"
    assert spec.loader is not None, "it is a .py file"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _said(name: str, error: BaseException, folder: Path) -> str:
    """Which file and line of the user's could not be imported, and why."""
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or name).name}:{error.lineno or 0}: [handlers] {name} is not Python: {error.msg}"
    if isinstance(error, ModuleNotFoundError) and error.name in (name, name.partition(".")[0]):
        return (
            f"[handlers] module = {name!r}: there is no {name.replace('.', '/')}.py in {folder}, and none is installed"
        )
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not _is_ours(one.filename)]
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
    return f"{at}[handlers] {name} cannot be imported: {why}"


def _is_ours(filename: str) -> bool:
    return (
        filename == __file__
        or filename.startswith("<frozen")
        or Path(filename).is_relative_to(Path(importlib.__file__ or "/").parent)
    )


def _wrong(said: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(f"{said}.", problems=(f"{said}.",))


def place_of(error: BaseException) -> str:
    """Where in the user's own code something was raised, as FILE:LINE; nothing of what it says, which may be anybody's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
