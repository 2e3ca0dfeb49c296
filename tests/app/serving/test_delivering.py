"""The service hands changes over: from a write at Xero to a signed webhook and a handler, without anybody asking."""

import json
import sys

import pytest
import standardwebhooks

from counterfoil import errors
from counterfoil.app import feeding
from counterfoil.app.serving import reloading
from counterfoil.store import feeds, notices
from tests.app.serving.test_looking_again import heard, loaded, made
from tests.delivery.receivers import SECRET, Hook

FEED = """
every = "1h"
[mirror]
resources = ["Contacts"]
[feeds.crm]
on = ["contact.*"]
to = {{ webhook = "{url}", secret = "{secret}" }}
"""


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def crm(served, hook):
    """Contacts are kept, and their changes go to the webhook."""
    served.configure(flow=FEED.format(url=hook.url, secret=SECRET))
    return served


async def test_a_write_at_xero_reaches_a_webhook_and_a_handler(crm, hook, monkeypatch):
    """Event, catch-up, change, signed POST and function call; the first load says nothing."""
    (crm.folder / "handlers_of_this_test.py").write_text(
        "from counterfoil import on\ngot = []\n@on('contact.created')\nasync def welcome(change):\n    got.append(change.after['Name'])\n"
    )
    crm.flow += '[handlers]\nmodule = "handlers_of_this_test"\n'
    monkeypatch.setattr(sys, "path", list(sys.path))
    crm.sandbox.make(crm.sandbox.tenant(1), "Contacts", {"Name": "Long there"})
    async with crm.serving() as at:
        await loaded(at, crm)
        await at.until(lambda: knows(at, 2))
        await heard(at, crm, *made(crm, "Blue Fern"))
        await at.until(lambda: hook.got)
        got = sys.modules["handlers_of_this_test"].got
        await at.until(lambda: got)
        stands = {one.name: one for one in await feeding.standing(at.books)}
    ((headers, body),) = hook.got
    told = standardwebhooks.Webhook(SECRET).verify(body, headers)
    assert (told["type"], told["entity"], told["after"]["Name"], told["by"]) == (
        "contact.created",
        "acme-uk",
        "Blue Fern",
        "others",
    )
    assert headers["webhook-id"] == told["id"]
    assert got == ["Blue Fern"]
    assert {name: one.state for name, one in stands.items()} == {"crm": "ok", "handlers_of_this_test.welcome": "ok"}
    del sys.modules["handlers_of_this_test"]


async def knows(at, count):
    """Whether so many feeds have begun."""
    return len(await at.read(feeds.everything)) == count


async def test_a_module_that_cannot_be_imported_keeps_the_service_from_starting(crm):
    """With its file and line; nothing was done."""
    (crm.folder / "broken_handlers.py").write_text("import json\njson.nothing\n")
    crm.flow += '[handlers]\nmodule = "broken_handlers"\n'
    with pytest.raises(errors.ConfigurationError, match=r"broken_handlers.py:2: .*AttributeError"):
        async with crm.serving() as at:
            await at.task


async def test_a_feed_that_the_configuration_gains_while_the_service_runs_begins_then(served, hook):
    """It is taken over like a flow; one that it loses is left alone."""
    served.configure(flow=FEED.format(url=hook.url, secret=SECRET).partition("[feeds")[0])
    async with served.serving() as at:
        await loaded(at, served)
        served.configure(flow=FEED.format(url=hook.url, secret=SECRET))
        served.write_config()
        at.service.reload()
        await at.until(lambda: knows(at, 1))
        await heard(at, served, *made(served, "Green Oak"))
        await at.until(lambda: hook.got)
        assert json.loads(hook.got[0][1])["after"]["Name"] == "Green Oak"


MODULE = "from counterfoil import on\ngot = []\n@on('contact.created')\ndef {name}(change):\n    got.append(change.after['Name'])\n"


async def standing(at):
    """What is told of the service."""
    return [one.message for one in await at.read(lambda conn: notices.standing(conn, "service"))]


async def test_handlers_that_the_configuration_gains_while_the_service_runs_begin_then(served, monkeypatch):
    """Their module is imported; one that cannot be is told, and the old ones go on; another content of it is told as well."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(reloading, "LOOK_S", 0.1)
    flow = FEED.partition("[feeds")[0]
    served.configure(flow=flow)
    async with served.serving() as at:
        await loaded(at, served)
        module = served.folder / "late_handlers.py"
        module.write_text("import sys\nsys.exit('enough')\n")
        served.configure(flow=flow + '[handlers]\nmodule = "late_handlers"\n')
        served.write_config()
        (said,) = await at.until(lambda: standing(at))
        assert "late_handlers.py:2: [handlers] late_handlers cannot be imported: SystemExit: enough" in said
        module.write_text(MODULE.format(name="welcome"))
        at.service.reload()
        await at.until(lambda: knows(at, 1))
        await heard(at, served, *made(served, "Late Lime"))
        got = sys.modules["late_handlers"].got
        await at.until(lambda: got)
        module.write_text(MODULE.format(name="greet"))

        async def told():
            return any("late_handlers.py changed since it was imported" in one for one in await standing(at))

        await at.until(told)
        served.configure(flow=flow)
        served.write_config()

        async def over():
            return at.books.settings.handlers.module is None and not await standing(at)

        await at.until(over)
    assert got == ["Late Lime"]
    del sys.modules["late_handlers"]
