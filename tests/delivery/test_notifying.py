"""Who is told what, and how often: once per cause and target, its end to those who were told, failures again later."""

import datetime
import json

import pytest

from counterfoil.delivery import notifying
from counterfoil.store import messages, notices


async def states(desk, hook):
    """Everything that is due is sent; what the webhook has by now, as (kind, state)."""
    await desk.send()
    return [(one["kind"], one["state"]) for one in hook.messages]


async def test_a_cause_is_told_once_and_its_end_once(desk, hook):
    """However often it is noticed and however often we look; when it comes back, that is news."""
    desk.configure(hook.table())
    for _ in range(3):
        await desk.tell()
        assert await states(desk, hook) == [("reconnect", "standing")]
    await desk.over()
    for _ in range(3):
        assert await states(desk, hook) == [("reconnect", "standing"), ("reconnect", "over")]
    desk.clock.pass_(1)
    await desk.tell()
    assert (await states(desk, hook))[2:] == [("reconnect", "standing")]
    ids = [one["id"] for one in hook.messages]
    causes = [one["cause"] for one in hook.messages]
    assert len(set(ids)) == 3
    assert (causes[0] == causes[1], causes[0] == causes[2]) == (True, False)


async def test_what_comes_and_goes_before_anybody_looks_is_not_told(desk, hook):
    """A cause that ends within the command in which it began says nothing."""
    desk.configure(hook.table())
    await desk.tell()
    await desk.over()
    assert await states(desk, hook) == []


async def test_a_target_gets_what_it_asked_for(desk, hook):
    """Its kinds, those that have stood long enough, and those of enough records."""
    desk.configure(hook.table('["stopped", "uncertain > 30m", "problems > 10"]'))
    await desk.tell()
    await desk.tell("stopped", "acme-uk", entity="acme-uk")
    await desk.tell("uncertain", "acme-uk", count=2, since=desk.clock.now() - datetime.timedelta(minutes=20))
    await desk.tell("problems", "1", count=10)
    await desk.tell("problems", "2", count=11)
    assert await states(desk, hook) == [("stopped", "standing"), ("problems", "standing")]
    desk.clock.pass_(11 * 60)
    assert (await states(desk, hook))[2:] == [("uncertain", "standing")]


async def test_the_end_of_what_a_target_never_heard_of_is_not_told(desk, hook):
    """Only who knows that something stood is told that it no longer does."""
    desk.configure(hook.table('["held > 2d"]'))
    await desk.tell("held", "acme-uk", count=3)
    assert await states(desk, hook) == []
    await desk.over("held", "acme-uk")
    assert await states(desk, hook) == []


async def test_a_new_target_is_told_what_stands(desk, hook, tmp_path):
    """Who is added to the configuration later learns what stands, not what was."""
    desk.configure(hook.table(name="first"))
    await desk.tell("stopped", "acme-au")
    await desk.tell()
    await desk.send()
    await desk.over("stopped", "acme-au")
    hook.got.clear()
    out = tmp_path / "told.jsonl"
    line = f'[[notify]]\nwhen = ["any"]\nto = {{ command = ["tee", "-a", "{out}"] }}\n'
    desk.configure(hook.table(name="first"), line)
    await desk.send()
    assert [(one["kind"], one["state"]) for one in hook.messages] == [("stopped", "over")]
    assert (json.loads(out.read_text())["kind"], json.loads(out.read_text())["state"]) == ("reconnect", "standing")


async def test_what_fails_is_tried_again_later_and_later(desk, hook):
    """Not by the next command at once, but after a minute, then two, then four; when it is taken, that is the end of it."""
    desk.configure(hook.table())
    hook.answer = 500
    await desk.tell()
    for minutes in (1, 2, 4):
        tried = len(hook.got)
        await desk.send()
        assert len(hook.got) == tried + 1
        desk.clock.pass_(minutes * 60 - 1)
        await desk.send()
        assert len(hook.got) == tried + 1
        desk.clock.pass_(1)
    hook.answer = 200
    assert await desk.send() == 1
    assert await desk.send() == 0
    assert len({one["id"] for one in hook.messages}) == 1


async def test_trying_again_has_an_end_and_a_person_can_begin_it_anew(desk, hook):
    """After three days it is given up and shown as that; a test that arrives sends what was given up."""
    desk.configure(hook.table())
    hook.answer = 503
    await desk.tell()
    for _ in range(notifying.TRIES_MAX + 3):
        await desk.send()
        desk.clock.pass_(6 * 3600)
    assert len(hook.got) == notifying.TRIES_MAX
    keys = [table.to.key for table in desk.tables]
    (trouble,) = await desk.database.read(lambda conn: messages.troubles(conn, keys))
    assert (trouble.waiting, trouble.given_up, trouble.error) == (0, 1, "it answered 503")
    hook.answer = 200
    assert (await desk.courier().trial(desk.tables))[0].failed is None
    assert await desk.send() == 1
    assert await desk.database.read(lambda conn: messages.troubles(conn, keys)) == []


async def test_all_tries_together_last_for_days():
    """The pauses grow, none is longer than six hours, and there are enough of them for a long weekend."""
    pauses = [notifying.pause(n) for n in range(1, notifying.TRIES_MAX)]
    assert pauses == sorted(pauses)
    assert sum(pauses, datetime.timedelta()) > datetime.timedelta(days=2, hours=12)
    assert (max(pauses), notifying.pause(notifying.TRIES_MAX)) == (notifying.PAUSE_MAX, None)


async def test_a_target_that_is_down_rests_and_one_that_refuses_a_message_does_not(desk, hook):
    """While a server is away nothing is sent there; a message that only it refuses holds up no other."""
    desk.configure(hook.table())
    hook.answer = 500
    for n in range(5):
        await desk.tell("problems", str(n))
    await desk.send()
    assert len(hook.got) == 1
    desk.clock.pass_(61)
    hook.answer = 422
    await desk.send()
    assert len(hook.got) == 6


async def test_one_round_sends_no_more_than_a_screenful(desk, hook):
    """Five hundred causes at once are no five hundred messages at once; the next commands send the rest."""
    desk.configure(hook.table())
    for n in range(notifying.ROUND_MAX + 5):
        await desk.tell("problems", f"{n}")
    assert await desk.send() == notifying.ROUND_MAX
    assert await desk.send() == 5
    assert await desk.send() == 0


async def test_a_target_that_is_slow_holds_nobody_up(desk, hook, monkeypatch):
    """What does not answer in its time is broken off, and what might have arrived keeps its id."""
    monkeypatch.setattr(notifying, "SEND_S", 0.2)
    desk.configure(hook.table())
    hook.silent = True
    await desk.tell()
    assert await desk.send() == 0
    await desk.over()
    hook.silent = False
    desk.clock.pass_(61)
    assert await desk.send() == 1
    assert [one["state"] for one in hook.messages] == ["standing", "over"]


async def test_no_time_left_is_no_attempt(desk, hook):
    """With less than half a second left nothing is begun, and nothing counts as tried."""
    desk.configure(hook.table())
    await desk.tell()
    assert await desk.courier().send_due(0.1) == 0
    assert hook.got == []
    assert await desk.send() == 1


async def test_a_refused_connection_is_not_told_as_over(desk, hook):
    """Whoever surely never got the news gets no end of it either."""
    desk.configure(hook.table())
    hook.answer = 404
    await desk.tell()
    await desk.send()
    await desk.over()
    desk.clock.pass_(3600)
    hook.answer = 200
    hook.got.clear()
    assert await desk.send() == 0
    assert hook.got == []


class Killed(BaseException):
    """Nothing runs after it, as after kill -9."""


def die(point):
    if point == "notice sent":
        raise Killed


async def test_a_sender_that_is_killed_leaves_a_double_with_the_same_id(desk, hook):
    """Killed after sending and before writing it down: another sends it again when the lease is over, not before."""
    desk.configure(hook.table())
    await desk.tell()
    with pytest.raises(Killed):
        await desk.courier("dead", point=die).send_due()
    assert await desk.send() == 0
    desk.clock.pass_(notifying.LEASE.total_seconds())
    assert await desk.send() == 1
    first, second = hook.messages
    assert first["id"] == second["id"]
    assert await desk.send() == 0


async def test_the_end_waits_for_a_sender_that_is_telling_the_beginning(desk, hook):
    """Nobody is told that something is over before they are told that it stands."""
    desk.configure(hook.table())
    await desk.tell()
    with pytest.raises(Killed):
        await desk.courier("dead", point=die).send_due()
    await desk.over()
    assert await desk.send() == 0
    desk.clock.pass_(notifying.LEASE.total_seconds())
    await desk.send()
    assert [one["state"] for one in hook.messages] == ["standing", "over"]


async def test_old_notices_are_forgotten(desk, hook):
    """Three months after its end a notice and its messages are gone; what stands stays."""
    desk.configure(hook.table())
    await desk.tell()
    await desk.tell("cap", "app")
    await desk.send()
    await desk.over()
    await desk.send()
    desk.clock.pass_(91 * 86_400)
    assert await desk.database.run(lambda conn: notices.forget(conn, desk.clock.now())) == 1
    left = await desk.database.read(lambda conn: notices.latest(conn, 10))
    assert [one.kind for one in left] == ["cap"]
    assert len(await desk.database.read(lambda conn: messages.of_notice(conn, [1, 2]))) == 1


async def test_a_test_says_that_it_is_one(desk, hook):
    """It is marked, goes to every chosen target, and what happened is said in words without an address."""
    desk.configure(hook.table(), '[[notify]]\nwhen = ["any"]\nto = { command = ["./none"] }\n')
    good, bad = await desk.courier().trial(desk.tables)
    assert (good.failed, bad.failed) == (None, "it cannot be started: No such file or directory")
    assert (hook.messages[0]["state"], hook.messages[0]["kind"]) == ("test", "test")
    assert "test" in hook.messages[0]["message"]
