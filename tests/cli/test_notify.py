"""Notices end to end: what commands find is told, whatever becomes of it; `notify` from words to exit code."""

import pytest

from tests.cli.office import ENTITIES, FLOW, Office, sale
from tests.delivery.receivers import Hook, nobody

PERSON = {"external_id": "cust-7", "name": "Jane Doe-Hendricks", "email": "jane.doe@customers.example"}
BAD_LINE = [{"description": "W", "quantity": 2, "unit_amount": "5.00", "account": "sales-old", "tax_type": "OUTPUT2"}]


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def shop(tmp_path, sandbox, hook):
    """A firm that wants to be told of everything, open for business."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox)
    office.write(flows=FLOW + hook.table())
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    assert hook.got == []
    return office


def told(hook):
    """(kind, state) of everything that arrived, in order."""
    return [(one["kind"], one["state"]) for one in hook.messages]


def test_a_problem_is_told_once_and_its_end_too(shop, hook):
    """With how many records and how much, and no customer's name; more commands say nothing more."""
    shop.records(sale(1, lines=BAD_LINE, contact=PERSON), sale(2, lines=BAD_LINE))
    assert shop("run", "shop", "--json").code == 1
    assert told(hook) == [("problems", "standing")]
    (problem,) = hook.messages
    n = shop("problems", "--json").value[0]["problem"]
    assert problem["message"] == (
        "A person is needed: 2 records of flow shop, 24.00 GBP as far as is known: account unknown."
    )
    assert problem["remedy"] == f"`counterfoil problems show {n}` names them and what to do."
    assert (problem["entity"], problem["count"]) == ("acme-uk", 2)
    for words in (["status"], ["problems"], ["run", "shop"], ["finish"]):
        shop(*words)
    assert len(hook.got) == 1
    everything = b"".join(body for _headers, body in hook.got).decode()
    assert [word for word in ("Jane", "jane", "cust-7", "Customer") if word in everything] == []
    assert shop("problems", "fix", str(n), "--use", "Sales", "--json").code == 0
    assert shop("problems", "retry", str(n), "--json").code == 0
    assert shop("finish", "--json").code == 0
    assert sorted(told(hook)[1:]) == [("left", "over"), ("left", "standing"), ("problems", "over")]


def test_a_command_that_fails_tells_too(shop, hook):
    """What stops it is just what somebody must know; its own ending stays as it is."""
    shop.records(sale(1))
    tenant = shop.sandbox.tenant(1)
    shop.sandbox.post(f"/_sandbox/organisation/{tenant}", {"base_currency": "USD"})
    ended = shop("entities", "verify", "acme-uk", "--json")
    assert ended.code in (1, 3)
    assert ("stopped", "standing") in told(hook)
    shop.sandbox.post(f"/_sandbox/organisation/{tenant}", {"base_currency": "GBP"})
    assert shop("entities", "verify", "acme-uk", "--json").code == 0
    assert told(hook) == [("stopped", "standing"), ("stopped", "over")]


def test_without_targets_nothing_is_noticed(shop, hook):
    """A configuration without [[notify]] costs no query and no row."""
    shop.write()
    shop.records(sale(1, lines=BAD_LINE))
    assert shop("run", "shop", "--json").code == 1
    assert hook.got == []
    found = shop("notify", "--json").value
    assert (found["targets"], {one["kind"] for one in found["notices"]}) == ([], {"problems"})


def test_a_dead_target_changes_no_commands_ending(shop, hook):
    """The run is what it is; `status` and `notify` say that messages do not arrive, and when they are tried again."""
    dead = hook.table().replace(hook.url, f"http://127.0.0.1:{nobody()}/x")
    shop.write(flows=FLOW + dead)
    shop.records(sale(1), sale(2, lines=BAD_LINE))
    ended = shop("run", "shop", "--json")
    assert (ended.code, ended.value["posted"]) == (1, 1)
    standing = shop("status", "--json").value
    (failing,) = standing["failing"]
    assert failing["error"].startswith("it cannot be reached")
    assert "Notifications do not get to webhook-" in shop("status").out
    shown = shop("notify").out
    assert "it cannot be reached" in shown
    assert "again after" in shown
    assert shop("notify", "--json").value["targets"][0]["failing"]["waiting"] == 1


def test_a_target_that_never_answers_holds_no_command_for_long(shop, hook):
    """The command ends all the same, after the bound that docs/howto/notifications.md names; the next one tries nothing."""
    hook.silent = True
    shop.records(sale(1, lines=BAD_LINE))
    assert shop("run", "shop", "--json").code == 1
    assert shop("status", "--json").value["failing"][0]["error"] == "no answer within 4 s"
    assert len(hook.got) == 1


def test_a_test_message_to_each_target(shop, hook, tmp_path):
    """What happened is said for each, exit 1 when one did not take it; N chooses one."""
    dead = '[[notify]]\nname = "pager"\nwhen = ["any"]\nto = { command = ["./none"] }\n'
    shop.write(flows=FLOW + hook.table() + dead)
    ended = shop("notify", "test")
    assert ended.code == 1
    assert "took the test message" in ended.out
    assert "command ./none (pager) did not take it: it cannot be started: No such file or directory" in ended.out
    assert told(hook) == [("test", "test")]
    only = shop("notify", "test", "1", "--json")
    assert (only.code, [one["failed"] for one in only.value]) == (0, [None])
    assert shop("notify", "test", "3", "--json").code == 2
    shop.write()
    assert "names nobody to tell" in shop("notify", "test").err


def test_the_list(shop, hook):
    """Whom we tell of what, what stands and who was told."""
    shop.write(flows=FLOW + hook.table('["held > 2d", "problems"]', name="books"))
    shop.records(sale(1, lines=BAD_LINE))
    shop("run", "shop")
    out = shop("notify").out
    assert "books" in out
    assert "held > 2d, problems" in out
    assert "(told: standing → books)" in out
    assert hook.url not in out
    value = shop("notify", "list", "--json").value
    assert [one["state"] for told in value["notices"] for one in told["sent"]] == ["standing"]


def test_work_that_is_left_is_told_and_that_it_was_done(shop, hook):
    """Xero's day is used up: what is still to be sent stands until a later command has sent it."""
    shop.records(sale(1))
    shop.sandbox.fault("429_day", method="PUT", path="/api.xro/2.0/", count=1, delay_s=1)
    assert shop("run", "shop", "--json").code == 4
    assert told(hook) == [("left", "standing")]
    assert hook.messages[0]["message"] == "Still to be sent: 1 document of acme-uk."
    while (ended := shop("finish", "--json").code) == 4:  # until the second is over that Xero asked for
        assert told(hook)[1:] == []
    assert ended == 0
    assert told(hook)[1:] == [("left", "over")]


def test_what_is_uncertain_is_told(shop, hook):
    """The answer was lost and whoever sent it died while it waited: nobody may type it in by hand."""
    path = shop.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace("quiet_s = 1\n", "quiet_s = 3600\n"))
    shop.records(sale(1))
    shop.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=9)
    running = shop.start("run", "shop", "--json")
    try:
        while "uncertain" not in shop("status", "--json").value["entities"][0]["postings"]:
            assert running.poll() is None
    finally:
        running.kill()
        running.communicate()
    shop("status")
    uncertain = [one for one in hook.messages if one["kind"] == "uncertain"]
    assert [(one["state"], one["remedy"]) for one in uncertain] == [
        ("standing", "Run `counterfoil finish`; do not type them in by hand.")
    ]


def test_config_show_hides_what_config_check_takes(shop, hook):
    """The address may hold a token: it is shown nowhere, and neither is the key."""
    assert shop("config", "check").code == 0
    ended = shop("config", "show")
    assert "T0KEN" not in ended.out
    assert "notify[0].when = any" in ended.out.splitlines()
    assert "notify[0].to.webhook = …" in ended.out.splitlines()
    value = shop("config", "show", "--json").value["notify"]
    assert value == [{"when": ["any"], "to": {"webhook": "…", "secret": "…"}}]


def test_a_mistake_in_it_is_told_with_its_line(tmp_path, sandbox):
    """As everywhere in the configuration."""
    office = Office(tmp_path, sandbox)
    office.write(flows=FLOW + '[[notify]]\nwhen = ["problem"]\nto = { command = ["x"] }\n', entities=ENTITIES)
    ended = office("status")
    assert ended.code == 2
    assert "names no kind of notice: problem. Did you mean `problems`?" in ended.err
