"""`connect` as a person meets it: what is still missing, whom it binds, why it asks, and what a grant lacks."""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

from counterfoil.cli import connect as command
from tests import sandbox_process
from tests.cli.office import FLOW, Office, sale

UK, AU = "Fernhill Trading Ltd", "Wattle & Co Pty Ltd"
THREE = f"""\
[entities.acme-uk]
organisation = "{UK}"
[entities.acme-au]
organisation = "{AU}"
[entities.acme-nl]
organisation = "Grachtenhuis BV"
"""
SETTINGS_ONLY = "accounting.settings.read"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def one_by_one():
    """A sandbox below the Advanced tier: one organisation per consent."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--one-per-consent") as process:
        yield process


@pytest.fixture
def firm(tmp_path, one_by_one):
    """A configured office with a key; nobody has consented."""
    one_by_one.post("/_sandbox/reset")
    office = Office(tmp_path, one_by_one)
    office.write(entities=THREE)
    office.key()
    return office


def connect(office, *words, user=None, **changes):
    """`connect WORDS` with a browser that consents, as `user`; `changes`: of the question. → how it ended."""
    process = office.start("connect", "--no-browser", "--json", *words)
    url = json.loads(process.stderr.readline())["authorize_url"]
    more = ({} if user is None else {"login_hint": user}) | changes
    parts = urllib.parse.urlsplit(url)
    asked = dict(urllib.parse.parse_qsl(parts.query)) | more
    with _OPENER.open(urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(asked))), timeout=60) as page:
        page.read()
    out, err = process.communicate(timeout=60)
    return office._ended(process.returncode, out, err)


def asked_scopes(sandbox):
    """What the last consent asked for, in the sandbox's log."""
    (path,) = [one["path"] for one in sandbox.requests() if one["path"].startswith("/identity/connect/authorize")][-1:]
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))["scope"].split()


def test_three_companies_are_three_consents_of_one_grant(firm):
    """Each consent adds one; what is missing is said with what to choose, and it is one grant all along."""
    first, second = connect(firm), connect(firm)
    assert [one["connected"] for one in first.value["entities"]] == [True, False, False]
    assert [one["connected"] for one in second.value["entities"]] == [True, True, False]
    assert (first.value["grant_id"], len(second.value["organisations"])) == (second.value["grant_id"], 2)
    assert len(second.value["fresh"]) == 1
    third = connect(firm)
    assert all(one["connected"] for one in third.value["entities"])


def test_what_is_missing_is_said_in_words(firm, capsys):
    """How many are connected, which organisation to choose next, and why there is one consent for each."""
    process = firm.start("connect", "--no-browser")
    lines = iter(process.stdout.readline, "")
    url = next(line.strip() for line in lines if line.strip().startswith("http"))
    with _OPENER.open(url, timeout=60) as page:
        assert b"Connected" in page.read()
    out, _err = process.communicate(timeout=60)
    assert f"1 of 3 entities connected; run it again and choose {AU}, then Grachtenhuis BV." in out
    assert "Below the Advanced tier Xero lets a user choose one organisation per consent." in out


def test_the_union_and_nothing_else_is_asked_for(firm, one_by_one):
    """Sign-in, and the least that the flow and its mirror need: writing includes reading."""
    connect(firm)
    needed = ["accounting.contacts", "accounting.invoices", "accounting.payments", "accounting.settings.read"]
    assert asked_scopes(one_by_one) == ["openid", "profile", "offline_access", *needed]


def test_binding_on_the_way(firm):
    """`--entity` binds it to the organisation of its name that was just chosen."""
    ended = connect(firm, "--entity", "acme-uk")
    assert (ended.code, ended.value["bound"]) == (0, UK)
    assert [one["organisation"] for one in firm("entities", "--json").value] == [UK, None, None]


def test_binding_on_the_way_to_another_name_is_refused(firm):
    """The consent is stored, nothing is bound, and the words say what was chosen and what to choose."""
    ended = connect(firm, "--entity", "acme-au")
    error = ended.value["error"]
    assert (ended.code, error["code"]) == (3, "no-binding")
    assert AU in error["message"]
    assert UK in error["message"]
    assert f"choose {AU!r}" in error["remedy"]
    assert {one["organisation"] for one in firm("entities", "--json").value} == {None}
    assert connect(firm, "--entity", "acme-au").value["bound"] == AU  # the next consent chooses the next one


def test_binding_on_the_way_needs_a_name(firm, one_by_one):
    """An entity without `organisation` is not guessed, not even when only one organisation is there."""
    firm.write(entities="[entities.acme-uk]\n")
    ended = connect(firm, "--entity", "acme-uk")
    assert (ended.code, ended.value["error"]["code"]) == (3, "no-binding")
    assert "organisation = " in ended.value["error"]["remedy"]


def test_an_entity_that_is_not_configured(firm):
    """Is a mistake before anybody is asked."""
    ended = firm("connect", "--no-browser", "--entity", "acme-ukk", "--json")
    assert (ended.code, "acme-uk" in ended.value["error"]["remedy"]) == (2, True)


def test_several_users_side_by_side(firm):
    """Each has a grant; whoever consents again replaces the own one, and bindings stay with theirs."""
    alex = connect(firm, "--entity", "acme-uk", user="alex@example.com").value
    kim = connect(firm, user="kim@example.com").value
    assert alex["grant_id"] != kim["grant_id"]
    again = connect(firm, user="kim@example.com").value
    assert again["grant_id"] == kim["grant_id"]
    reach = firm("connections", "--json").value
    assert {one["grant_id"] for one in reach if one["name"] == UK} == {alex["grant_id"], kim["grant_id"]}
    firm.records(sale(1))
    assert firm("run", "shop", "--json").value["posted"] == 1


def test_why_each_scope_is_asked_for(firm):
    """--explain needs no key and no connection; each scope names who needs it and for what."""
    (firm.folder / "counterfoil.key").unlink()
    ended = firm("connect", "--explain", "--json")
    by_scope = {one["scope"]: one for one in ended.value["scopes"]}
    assert (ended.code, ended.value["app"], ended.value["lacking"], ended.value["broad"]) == (0, "pkce", [], [])
    assert by_scope["offline_access"]["flows"] == []
    settings = by_scope["accounting.settings.read"]
    assert {one["who"] for one in settings["needs"]} == {"bindings", "shop"}
    (payments,) = [one for one in by_scope["accounting.payments"]["needs"] if one["writing"]]
    assert (payments["who"], payments["resource"]) == ("shop", "Payments")
    text = firm("connect", "--explain").out
    assert "shop: Payments, to make the payments that come with a sale" in text
    assert "bindings: Organisation, to bind your entities" in text


def test_no_flow_yet(firm, one_by_one):
    """What binding needs is asked for, and it is said that flows will need more."""
    config = firm.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace(FLOW, ""))
    connect(firm)
    assert asked_scopes(one_by_one)[3:] == [SETTINGS_ONLY]


@pytest.fixture
def partly(firm, one_by_one):
    """acme-uk by Alex, whose consent has too few scopes; acme-au by Kim, who gave all. Two flows and one for both."""
    flows = [
        f'[flows.{name}]\nkind = "sales_invoices"\nentity = "{entity}"\nsource = {{ jsonl = "{name}.jsonl" }}\n'
        for name, entity in (("uk", "acme-uk"), ("au", "acme-au"))
    ]
    firm.write(entities=THREE, flows="".join([*flows, FLOW]))
    few = f"openid profile offline_access accounting.contacts accounting.invoices {SETTINGS_ONLY}"
    assert connect(firm, "--entity", "acme-uk", user="alex@example.com", scope=few).code == 0
    connect(firm, user="kim@example.com")
    assert connect(firm, "--entity", "acme-au", user="kim@example.com").code == 0
    au = {"entity": "acme-au", "lines": sale(1)["lines"] and [{**sale(1)["lines"][0], "tax_type": "OUTPUT"}]}
    firm.au_sale = {**sale(7, **au), "expected_total": "11.00"}
    firm.records(sale(1), name="uk.jsonl")
    firm.records(firm.au_sale, name="au.jsonl")
    firm.records(sale(2), {**firm.au_sale, "external_id": "order-8"}, name="sales.jsonl")
    return firm


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_flow_that_the_consent_does_not_cover_is_refused_before_the_first_call(partly, command):
    """Exit 3 with the flow, the scope and the command; no call leaves; another flow goes on."""
    before = partly.sandbox.requests()[-1]["n"]
    ended = partly(command, "uk", "--json")
    assert ended.code == 3
    assert [word in ended.err for word in ("flow uk", "accounting.payments", "connect --entity acme-uk")] == [True] * 3
    assert [one for one in partly.sandbox.requests(before) if one["path"].startswith("/api.xro")] == []
    assert partly(command, "au", "--json").code == 0


def test_a_flow_for_two_goes_on_for_the_one(partly):
    """The sale of the entity whose consent covers it is posted, the other held; after a better consent both are."""
    ended = partly("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], ended.value["held"]) == (3, 1, 1)
    problem = next(one for one in partly("problems", "--json").value if one["entity"] == "acme-uk")
    assert problem["cause"] == "missing-scope:acme-uk"
    assert connect(partly, "--entity", "acme-uk", user="alex@example.com").code == 0
    again = partly("run", "shop", "--json")
    assert (again.code, again.value["posted"], again.value["unchanged"]) == (0, 1, 1)
    assert partly("run", "uk", "--json").value["posted"] == 1


def test_what_a_grant_lacks_is_told_per_flow(partly):
    """`connect --explain` names each flow with its entity and the scopes; a better consent by another user cures it."""
    lacking = partly("connect", "--explain", "--json").value["lacking"]
    assert [(one["flow"], one["entity"], one["scopes"]) for one in lacking] == [
        ("uk", "acme-uk", ["accounting.payments"]),
        ("shop", "acme-uk", ["accounting.payments"]),
    ]
    text = partly("connect", "--explain").out
    assert f"The consent for {UK} does not cover flow uk: it lacks accounting.payments" in text
    assert connect(partly, "--entity", "acme-uk", user="kim@example.com").value["lacking"] == []
    assert partly("run", "uk", "--json").value["posted"] == 1


def test_finish_leaves_alone_what_the_consent_no_longer_covers(partly):
    """What is open of a flow that the grant does not cover waits, with the reason; other entities' are finished."""
    assert connect(partly, "--entity", "acme-uk", user="kim@example.com").code == 0
    partly.sandbox.fault("503_offline", path="/api.xro/2.0/Contacts", method="PUT", count=2)
    assert partly("run", "shop", "--json").code == 4
    partly.sandbox.clear_faults()
    (kim,) = {one["grant_id"] for one in partly("connections", "--json").value if one["entity"] == "acme-au"}
    with contextlib.closing(sqlite3.connect(partly.folder / "counterfoil.db")) as database, database:
        database.execute(
            "UPDATE bindings SET grant_id = (SELECT id FROM grants WHERE id <> ?) WHERE entity = 'acme-uk'", (kim,)
        )
    before = partly.sandbox.requests()[-1]["n"]
    ended = partly("finish", "--json")
    assert (ended.code, ended.value["posted"], ended.value["planned"]) == (3, 1, 1)
    assert "does not cover flow shop" in ended.err
    calls = {one["tenant"] for one in partly.sandbox.requests(before) if one["path"].startswith("/api.xro")}
    assert calls == {partly.sandbox.tenant(2)}


def test_a_browser_that_talks_and_stays_is_none_of_ours(firm, tmp_path):
    """What it prints is not in our one value, and nobody waits until it is closed."""
    there, browser = tmp_path / "there", tmp_path / "browser.py"
    browser.write_text(
        f"#!{sys.executable}\nimport os, sys, time, urllib.request\nprint('Opening …', flush=True)\n"
        "urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1]).read()\n"
        f"open({str(there)!r}, 'w').write(str(os.getpgid(0)))\ntime.sleep(600)\n"
    )
    browser.chmod(0o700)
    ended = firm.process("connect", "--json", env={"BROWSER": str(browser)})
    assert (ended.code, len(ended.value["organisations"])) == (0, 1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(there.read_text()), signal.SIGKILL)


def test_an_error_that_a_stranger_words_steers_no_terminal(firm):
    """The consent page's own word for what is wrong is shown, and obeyed by nothing."""
    process = firm.start("connect", "--no-browser", "--json")
    asked = dict(urllib.parse.parse_qsl(json.loads(process.stderr.readline())["authorize_url"].partition("?")[2]))
    said = {"state": asked["state"], "error": "\x1b]0;owned\x07\u202edab"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        _OPENER.open(f"{asked['redirect_uri']}?{urllib.parse.urlencode(said)}", timeout=60)
    refused.value.close()
    ended = firm._ended(process.wait(60), *process.communicate(timeout=60))
    assert (ended.code, "owned" in ended.err, ended.value["error"]["code"]) == (2, True, "configuration")
    assert [one for one in ended.err if not one.isprintable()] == ["\n", "\n"]


def test_the_browser_gets_none_of_our_secrets(tmp_path, monkeypatch):
    """It is given the address and the user's own variables, and nothing that stands beside it in the folder is carried out."""
    (tmp_path / "webbrowser.py").write_text("raise SystemExit('not this one')")
    script = tmp_path / "browser.sh"
    script.write_text(f'#!/bin/sh\nenv > "{tmp_path}/env.txt"\nprintf %s "$1" > "{tmp_path}/url.txt"\n')
    script.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    monkeypatch.setenv("COUNTERFOIL_XERO__CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("COUNTERFOIL_VAULT__MASTER_KEY", "s3cret")
    monkeypatch.chdir(tmp_path)
    command._open("https://login.xero.com/identity/connect/authorize?state=abc&scope=openid")
    assert (tmp_path / "url.txt").read_text().endswith("state=abc&scope=openid")
    assert "s3cret" not in (tmp_path / "env.txt").read_text()


@pytest.mark.parametrize("fault", ["token_lost", "503", "500_before"])
def test_a_token_answer_that_does_not_come(firm, fault):
    """Whether the code was used up is not known: nothing is stored, and the terminal and the page say what to do."""
    firm.sandbox.fault(fault, path="/connect/token")
    process = firm.start("connect", "--no-browser", "--json")
    with pytest.raises(urllib.error.HTTPError) as page:
        _OPENER.open(json.loads(process.stderr.readline())["authorize_url"], timeout=60)
    with page.value as shown:
        said = shown.read().decode()
    ended = firm._ended(process.wait(60), *process.communicate(timeout=60))
    assert (ended.code, "again" in ended.value["error"]["remedy"], "counterfoil connect" in said) == (4, True, True)
    assert ".." not in ended.value["error"]["message"]
    assert firm("connections", "--json").value == []
    assert connect(firm).code == 0
