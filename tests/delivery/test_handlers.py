"""delivery/handlers and to_handler: functions of the user's module are found, called beside the service, and bounded."""

import asyncio
import sys
import textwrap
import threading

import pytest

from counterfoil import errors
from counterfoil.delivery import handlers
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.to_handler import HandlerOutlet
from counterfoil.settings import HandlersSettings
from tests.delivery.told import a_change

NAMES = ("invoice.created", "invoice.paid", "contact.archived")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of its own name beside the configuration; it is forgotten after the test."""
    name = f"my_handlers_{tmp_path.name}".replace("-", "_")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(text):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return load(tmp_path, name)

    yield write
    for known in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[known]


def load(folder, name):
    return handlers.load(HandlersSettings(module=name, snapshot=True), folder, NAMES, ("uk",))


def test_functions_say_by_themselves_what_they_want(module):
    """Each function with @on is a handler of its own; several @on add up; others are none."""
    one, two = module(
        """
        from counterfoil import on

        @on("invoice.paid", entities=["uk"])
        @on("contact.*", snapshot=True)
        def b(change): ...

        @on("*")
        async def a(change): ...

        def c(change): ...
        """
    )
    assert [one.id.rpartition(".")[2], two.id.rpartition(".")[2]] == ["a", "b"]
    assert two.wants("invoice.paid", "uk", snapshot=False)
    assert two.wants("contact.archived", "nl", snapshot=True)
    assert not two.wants("invoice.paid", "nl", snapshot=False)
    assert not two.wants("invoice.paid", "uk", snapshot=True)
    assert one.wants("invoice.created", "nl", snapshot=False)


WRONG = [
    ("import nothing_of_the_kind", r"my_handlers\w*.py:1: \[handlers\] \w+ cannot be imported: ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
    ("x = 1\ny = x / 0", r"my_handlers\w*.py:2: \[handlers\] \w+ cannot be imported: ZeroDivisionError"),
    ("def f(:", r"my_handlers\w*.py:1: \[handlers\] \w+ is not Python: invalid syntax"),
    ("x = 1", r'it has no function with @on\("…"\)'),
    ('from counterfoil import on\n@on("invoice.payed")\ndef f(change): ...', r'my_handlers\w*.py:2: \[handlers\] @on\("invoice.payed"\) names no change that there is. Did you mean `invoice.paid`\?'),
    ('from counterfoil import on\n@on("*", entities=["us"])\ndef f(change): ...', r"py:2: \[handlers\] @on: there is no entity 'us'"),
    ('from counterfoil import on\n@on("*", entities="uk")\ndef f(change): ...', r"py:2: .*TypeError: @on\(entities=…\) is a list"),
    ("from counterfoil import on\n@on()\ndef f(change): ...", r"py:2: \[handlers\] \w+ cannot be imported: TypeError: @on needs the names"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_in_a_module_is_told_with_its_file_and_line(module, text, said):
    """An import that fails, a name that no change has, an entity that nobody is."""
    with pytest.raises(errors.ConfigurationError, match=said):
        module(text)


def test_a_module_that_is_nowhere_is_told_with_the_folder(tmp_path):
    """And one that would take the name of Python's own or of ours is refused."""
    with pytest.raises(errors.ConfigurationError, match=f"there is no nowhere_at_all.py in {tmp_path}"):
        load(tmp_path, "nowhere_at_all")
    (tmp_path / "email.py").write_text("")
    with pytest.raises(errors.ConfigurationError, match="that name is taken by Python"):
        load(tmp_path, "email")


def test_a_function_that_asks_for_snapshots_needs_them_to_be_kept(module, tmp_path):
    """What nobody's configuration asks for is not kept; a wish that could never come true is a mistake."""
    (one,) = module('from counterfoil import on\n@on("*", snapshot=True)\ndef f(change): ...')
    given = HandlersSettings(module=one.id.rpartition(".")[0])
    with pytest.raises(
        errors.ConfigurationError, match=r"py:2: \[handlers\] @on\(…, snapshot=True\) needs snapshot = true"
    ):
        handlers.load(given, tmp_path, NAMES, ("uk",))


def outlet(function, within_s=5.0):
    return HandlerOutlet(handlers.Handler(id="m.f", function=function, wishes=()), within_s)


async def test_a_handler_is_called_with_the_change_beside_the_event_loop():
    """Sync or async, in a thread that is not the service's."""
    got = []

    def plain(change):
        got.append((change.id, threading.current_thread() is threading.main_thread()))

    async def waits(change):
        plain(change)

    for function in (plain, waits):
        await outlet(function).hand_over([a_change("c1")])
    assert got == [("c1", False), ("c1", False)]


async def test_what_a_handler_raises_is_told_by_its_kind_and_place_and_no_word_of_it():
    """What an exception says may be a customer's data."""

    async def fails(_change):
        raise ValueError("Jane Doe")

    with pytest.raises(NotDelivered, match=r"^m\.f raised ValueError at test_handlers\.py:\d+$") as caught:
        await outlet(fails).hand_over([a_change("c1")])
    assert not caught.value.target_is_down


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
async def test_a_handler_that_ends_the_program_ends_its_own_call_alone(end, is_async):
    """sys.exit() in it is a failed try like any other."""

    def plain(_change):
        raise end

    async def waits(_change):
        raise end

    with pytest.raises(NotDelivered, match=type(end).__name__):
        await outlet(waits if is_async else plain).hand_over([a_change("c1")])


async def test_where_no_thread_can_be_begun_the_handler_is_called_as_soon_as_one_can(monkeypatch):
    """It was not called, and does not count as one that still runs."""
    got = []
    taking = outlet(lambda change: got.append(change.id))

    def none_left(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(NotDelivered, match="was not called: can't start new thread"):
            await taking.hand_over([a_change("c1")])
    await taking.hand_over([a_change("c1")])
    assert got == ["c1"]


async def test_a_handler_that_hangs_is_left_and_not_called_again_while_it_hangs():
    """Its time is bounded; nothing is called twice at once; when it has ended, it is called again."""
    release, calls = threading.Event(), []

    def hangs(change):
        calls.append(change.id)
        release.wait()

    hanging = outlet(hangs, within_s=0.01)
    with pytest.raises(NotDelivered, match=r"m\.f was not done within 0 s"):
        await hanging.hand_over([a_change("c1")])
    with pytest.raises(NotDelivered, match=r"m\.f still runs"):
        await hanging.hand_over([a_change("c2")])
    release.set()
    hanging._runs.acquire()  # it ends
    hanging._runs.release()
    hanging._within_s = 5.0
    await hanging.hand_over([a_change("c3")])
    assert calls == ["c1", "c3"]
