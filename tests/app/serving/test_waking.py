"""A hint from the door: it reaches the runtime where somebody does that work, and is lost where nobody does."""

import types

from counterfoil.app import feeding
from counterfoil.app.serving import Serving
from counterfoil.delivery.handlers import Handler
from counterfoil.runtime.clock import SystemClock


class Runtime:
    """Remembers."""

    def __init__(self):
        self.kinds, self.woken = [], []

    def register(self, work):
        """A kind of work is known."""
        self.kinds.append(work.kind)

    async def wake(self, kind, key, *, not_before=None, lane="sync"):
        """Somebody was woken."""
        self.woken.append((kind, key, lane))


async def test_a_hint_reaches_the_work_that_is_done_and_no_other():
    """Before a runtime runs, and of a kind that this process does not do, it is lost without a word: a sweep finds the work."""
    books = types.SimpleNamespace(clock=SystemClock(), database=None, owner="here", point=None)
    serving, runtime = Serving(books), Runtime()
    await serving.wake("postings", "acme-uk")
    serving._shift.runtime = runtime
    serving._register(runtime)
    await serving.wake("postings", "acme-uk")
    await serving.wake("nobody-does-this", "acme-uk")
    serving._pulse.stopping = True
    await serving.wake("postings", "acme-au")
    assert "postings" in runtime.kinds
    assert runtime.woken == [("postings", "acme-uk", "realtime")]


async def test_a_hint_to_everybody_who_is_handed_changes_reaches_each_of_them():
    """Feeds by their ids, handlers by theirs."""
    feed = types.SimpleNamespace(
        settings=types.SimpleNamespace(id="crm-1", on=(), begins="now", snapshot=False), to="webhook"
    )
    books = types.SimpleNamespace(
        clock=SystemClock(), database=None, owner="here", point=None, feeds={"crm": feed}, settings=None
    )
    serving, runtime = Serving(books), Runtime()
    serving._shift.handlers = [Handler(id="my.thank", function=print, wishes=())]
    serving._shift.runtime = runtime
    serving._register(runtime)
    await serving.wake(feeding.WORK, feeding.EVERYBODY)
    assert runtime.woken == [("deliver", "crm-1", "realtime"), ("deliver", "handler:my.thank", "realtime")]
