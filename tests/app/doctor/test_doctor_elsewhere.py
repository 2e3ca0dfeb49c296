"""`doctor` on Postgres, beside a Xero that is ill, and with nothing there at all."""

import json

import pytest

from counterfoil.app.doctor import asking
from tests.cli.office import ENTITIES, Office, sale


@pytest.fixture
def on_postgres(server, tmp_path, sandbox):
    """A firm whose database is a Postgres one."""
    office = Office(tmp_path, sandbox)
    office.write(entities=f'[store]\nurl = "{server.get_uri()}"\n{ENTITIES}')
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    office.records(sale(1))
    assert office("run", "shop").code == 0
    return office


def test_a_firm_on_postgres(on_postgres):
    """Every check is made; the bundle counts its tables; its address and password are not told."""
    ended = on_postgres("doctor", "--json", "--bundle", "support.zip", "--yes")
    value = ended.value
    assert (ended.code, value["problems"], value["skipped"]) == (0, 0, [])
    (database,) = [one for one in value["checks"] if one["check"] == "database"]
    assert database["message"].startswith("Postgres ")
    assert on_postgres("audit", "verify").code == 0


@pytest.mark.parametrize("fault", ["503", "lost_answer", "truncated"])
def test_a_xero_that_is_ill_is_a_finding(firm, fault):
    """Never an exception: whatever it answers, the other checks are made."""
    firm.sandbox.fault(fault, path="/api.xro/2.0/Organisation", count=20)
    try:
        found = firm.found("organisations")
    finally:
        firm.sandbox.clear_faults()
    assert {level for level, _code, _subject in found} == {"problem"}
    assert {subject for _level, _code, subject in found} == {"acme-uk", "acme-au"}


def test_a_xero_that_does_not_answer_is_waited_for_so_long(firm, monkeypatch):
    """Each question has its own patience."""
    monkeypatch.setattr(asking, "PATIENCE_S", 0.05)
    firm.sandbox.fault("slow", path="/api.xro/2.0/Organisation", count=20, delay_s=5)
    try:
        found = firm.found("organisations")
    finally:
        firm.sandbox.clear_faults()
    assert {code for _level, code, _subject in found} == {"xero-unavailable"}


def test_nothing_is_there_at_all(tmp_path):
    """One problem, and what to type."""
    ended = Office(tmp_path)("doctor", "--json")
    assert ended.code == 1
    (finding,) = ended.value["checks"]
    assert (finding["check"], finding["remedy"]) == (
        "configuration",
        "Run `counterfoil init`, or name one with --config.",
    )
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_does_not_exist(firm):
    """Its overlay is named."""
    ended = firm("doctor", "--json", "--env", "nowhere")
    assert ended.code == 1
    assert "nowhere" in json.dumps(ended.value["checks"])


def test_nobody_listens_where_xero_should_be(firm):
    """One finding for the one host; what needs an answer is not guessed at."""
    for name in ("login_url", "identity_url", "api_url"):
        firm.configure(f'{name} = "{firm.sandbox.url}"', f'{name} = "http://127.0.0.1:9"')
    assert firm.found("hosts") == [("problem", "silent", "localhost")]
    assert firm.found("grants")[0][0] == "ok"
    assert firm.doctor().value["gets"] == 3
