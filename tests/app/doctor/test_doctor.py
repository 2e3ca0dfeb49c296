"""`counterfoil doctor`: what is well, what is not, what to do; asks little, writes nothing."""

import base64
import datetime
import socket

import pytest

from counterfoil.app import doctor

OFFLINE_SKIPS = ["hosts", "clock", "organisations", "adviser"]


def test_a_firm_that_is_well(firm):
    """Every check is made, none is a problem, and the calls are those that are promised: GETs, and few."""
    before = firm.sandbox.requests()[-1]["n"]
    ended = firm.doctor()
    value = ended.value
    assert [one for one in value["checks"] if one["level"] != "ok"] == []
    assert (ended.code, value["ok"], value["problems"], value["warnings"], value["skipped"]) == (0, True, 0, 0, [])
    assert {one["check"] for one in value["checks"]} == {check.id for check in doctor.CHECKS}
    asked = [(one["method"], one["path"]) for one in firm.sandbox.requests(before)]
    assert {method for method, _path in asked} == {"GET"}
    assert len(asked) == value["gets"] == 3 + 1 + 2 * 2
    text = firm("doctor").out
    assert "0 warnings, 0 problems" in text


def test_offline_nobody_is_asked(firm):
    """What only Xero knows is named as not checked."""
    before = firm.sandbox.requests()[-1]["n"]
    value = firm.doctor("--offline").value
    assert (value["skipped"], value["gets"], value["ok"]) == (OFFLINE_SKIPS, 0, True)
    assert firm.sandbox.requests(before) == []


def test_a_look_changes_nothing(firm):
    """Neither in an open database, but that its calls are counted, nor at Xero, not even where an organisation is another."""
    firm.sandbox.organisation(firm.sandbox.tenant(1), base_currency="USD")
    firm("status")  # opening a copy notices that it is one
    before, books = firm.dump(), firm.sandbox.ledger(firm.sandbox.tenant(1))
    assert firm.doctor().code == 1
    assert [line for line in firm.dump() if line not in before and not line.startswith('INSERT INTO "usage"')] == []
    assert firm.sandbox.ledger(firm.sandbox.tenant(1)) == books


def test_a_database_that_is_not_there_is_not_made(firm):
    """A warning; what needs it is not checked."""
    (firm.folder / "counterfoil.db").unlink()
    assert firm.found("database") == [("warning", "none", None)]
    assert not (firm.folder / "counterfoil.db").exists()
    firm.configure("[entities.acme-uk]", '[store]\nurl = "sqlite:///nowhere/x.db"\n[entities.acme-uk]')
    assert firm.found("database") == [("problem", "folder", None)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[posting]", "[postings]"),
        ('kind = "sales_invoices"', 'kind = "sales"'),
        ("[entities.acme-uk]", "[entities.acme-uk"),
    ],
    ids=["key", "flow", "TOML"],
)
def test_a_configuration_that_cannot_be_read_is_a_finding(firm, old, new):
    """Every mistake is told, and everything else waits for it."""
    firm.configure(old, new)
    assert {level for level, _code, _subject in firm.found("configuration")} == {"problem"}
    assert "database" in firm.doctor().value["skipped"]
    (firm.folder / "counterfoil.toml").unlink()
    assert firm.found("configuration")[0][:2] == ("problem", "mistake")


@pytest.mark.parametrize("content", [b"this is no database", None], ids=["garbage", "newer"])
def test_a_database_that_cannot_be_used_is_a_finding(firm, content):
    """Another file, or a newer Counterfoil's."""
    if content is None:
        firm.sql("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    else:
        (firm.folder / "counterfoil.db").write_bytes(content * 100)
    assert firm.found("database") == [("problem", "store", None)]


def test_a_damaged_database_is_a_finding(firm):
    """As far as SQLite sees it in a short look."""
    path = firm.folder / "counterfoil.db"
    root = firm.sql("SELECT rootpage FROM sqlite_master WHERE name = 'revisions'")[0][0]
    size = firm.sql("PRAGMA page_size")[0][0]
    raw = bytearray(path.read_bytes())
    raw[(root - 1) * size : (root - 1) * size + 200] = b"\xff" * 200
    path.write_bytes(raw)
    assert ("problem", "damaged", None) in firm.found("database", "--offline")


# ---- files


def test_secrets_in_the_configuration_are_named_with_their_line(firm):
    """Not those from the environment, not a database's address without a password."""
    assert firm.found("plain-secrets") == [("ok", "ok", None)]
    firm.configure("[xero]", '[xero]\nclient_secret = "very-secret"')
    assert firm.found("plain-secrets") == [("warning", "written", "xero.client_secret")]
    (finding,) = [one for one in firm.doctor().value["checks"] if one["check"] == "plain-secrets"]
    assert "counterfoil.toml:2" in finding["message"]
    assert "COUNTERFOIL_XERO__CLIENT_SECRET" in finding["remedy"]
    assert "very-secret" not in str(firm.doctor())


def test_secrets_of_notify_targets_are_named_with_their_line(firm, monkeypatch):
    """A webhook's address with a token, its secret, a password; not what comes from a variable or a file."""
    (firm.folder / "key.txt").write_text(base64.b64encode(bytes(32)).decode())
    head = 'when = ["any"]\nto = '
    given = [
        'webhook = "https://ops.example/hooks/T0KEN9", secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="',
        'webhook = "https://ops.example/api/v1/alerts", secret_file = "key.txt"',
        'webhook = "https://ops.example/${TOKEN}", secret = "${KEY}"',
        'email = "a@b.example", smtp = "m.example:587", from = "c@b.example", user = "c", password = "hunter2"',
    ]
    firm.configure("[posting]", "".join(f"[[notify]]\n{head}{{ {one} }}\n" for one in given) + "[posting]")
    monkeypatch.setenv("TOKEN", "abc123def456")
    monkeypatch.setenv("KEY", base64.b64encode(bytes(24)).decode())
    checks = firm.doctor("--offline").value["checks"]
    mine = {one["subject"]: one for one in checks if one["check"] == "plain-secrets"}
    assert sorted(mine) == ["notify[0].to.secret", "notify[0].to.webhook", "notify[3].to.password"]
    text = (firm.folder / "counterfoil.toml").read_text()
    line = text[: text.index("hunter2")].count("\n") + 1
    assert f"counterfoil.toml:{line} " in mine["notify[3].to.password"]["message"]
    assert 'password = "${NAME}"' in mine["notify[3].to.password"]["remedy"]
    assert not any(secret in str(checks) for secret in ("hunter2", "T0KEN9", "MDEyMzQ1"))


def test_files_that_others_may_read_are_named(firm, monkeypatch):
    """The key's, a secret's own file and the database; only where others reach the folder."""
    monkeypatch.setattr("counterfoil.app.doctor.files.REACH", 0o177777)
    (firm.folder / "secret.txt").write_text("s3cret")
    firm.configure("[xero]", '[xero]\nclient_secret_file = "secret.txt"')
    for name in ("counterfoil.db", "secret.txt", "counterfoil.toml"):
        (firm.folder / name).chmod(0o644)
    assert {
        (level, subject.rpartition("/")[2]) for level, _code, subject in firm.found("permissions", "--offline")
    } == {
        ("problem", "secret.txt"),
        ("warning", "counterfoil.db"),
    }
    firm.configure('client_secret_file = "secret.txt"', 'client_secret = "s3cret"')
    assert {
        (level, subject.rpartition("/")[2]) for level, _code, subject in firm.found("permissions", "--offline")
    } == {
        ("problem", "counterfoil.toml"),
        ("warning", "counterfoil.db"),
    }


def test_a_key_that_others_may_read_is_a_problem(firm):
    """The product refuses it, and says so."""
    (firm.folder / "counterfoil.key").chmod(0o644)
    assert firm.found("key", "--offline")[0][:2] == ("problem", "master-key")


def test_a_key_that_is_not_there_or_another_is_a_problem(firm):
    """The consents do not open."""
    (firm.folder / "counterfoil.key").unlink()
    assert firm.found("key", "--offline")[0][:2] == ("problem", "master-key")
    firm.key()
    assert {one[0] for one in firm.found("key", "--offline")} == {"problem"}


# ---- this machine


def test_a_port_that_is_taken_is_a_warning(firm):
    """`connect` could not listen there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        firm.configure("http://localhost:0/", f"http://localhost:{number}/")
        assert firm.found("port", "--offline") == [("warning", "taken", None)]
    assert firm.found("port", "--offline") == [("ok", "ok", None)]


# ---- consents


@pytest.mark.parametrize(
    ("days", "level", "code"), [(44, "ok", "ok"), (46, "warning", "unused"), (61, "problem", "dead")]
)
def test_consents_that_were_not_used_for_long_are_named(firm, days, level, code):
    """Before Xero forgets them, 60 days after their last use."""
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    firm.sql("UPDATE grants SET refreshed_at = ?", int(since.timestamp() * 1e6))
    assert firm.found("grants", "--offline")[0][:2] == (level, code)


def test_consents_that_are_lost_or_of_another_app_are_named(firm):
    """And that nobody consented at all."""
    firm.sql("UPDATE grants SET lost = 'Xero refuses it.'")
    assert firm.found("grants", "--offline")[0][:2] == ("problem", "lost")
    firm.sql("UPDATE grants SET lost = NULL, client_id = 'another'")
    assert [one[1] for one in firm.found("grants", "--offline")] == ["other-app", "none"]


def test_scopes_that_a_flow_lacks_are_named(firm):
    """Per flow and entity."""
    firm.sql("UPDATE grants SET scopes = 'openid offline_access accounting.contacts'")
    found = firm.found("scopes", "--offline")
    assert found == [("problem", "missing", "shop/acme-au"), ("problem", "missing", "shop/acme-uk")]


def test_scopes_that_balances_and_copies_lack_are_named(firm):
    """What is read without any flow needs a consent as well: doctor said that all was covered."""
    more = '[mirror]\nresources = ["ManualJournals"]\n[entities.acme-uk]\nbank_balances = "daily"'
    firm.configure("[entities.acme-uk]", more)
    wanted = ["acme-au/ManualJournals", "acme-uk/ManualJournals", "acme-uk/bank_balances"]
    found = firm.found("scopes", "--offline")
    assert sorted(found) == [("problem", "missing-scope", one) for one in wanted]
    [balances] = [one for one in firm.doctor("--offline").value["checks"] if one["subject"] == wanted[2]]
    assert "accounting.reports.banksummary.read" in balances["message"]
    assert "counterfoil connect" in balances["remedy"]


@pytest.mark.parametrize(("more", "level"), [(0, "ok"), (2, "warning"), (3, "problem")])
def test_a_tier_that_is_nearly_full_is_named(firm, more, level):
    """Before Xero refuses the next organisation."""
    firm.configure("[xero]", '[xero]\ntier = "starter"')
    known = firm.sql("SELECT COUNT(DISTINCT tenant_id) FROM connections")[0][0]
    firm.sql("DELETE FROM connections WHERE tenant_id NOT IN (SELECT tenant_id FROM bindings)")
    columns = [row[1] for row in firm.sql("PRAGMA table_info(connections)") if row[1] != "tenant_id"]
    for n in range(more):
        names = ", ".join(columns)
        firm.sql(f"INSERT INTO connections (tenant_id, {names}) SELECT 'more-{n}', {names} FROM connections LIMIT 1")
    assert (known >= 2, firm.found("tier", "--offline")[0][0]) == (True, level)


# ---- organisations


def test_bindings_that_are_missing_stopped_or_cut_off_are_named(firm):
    """Each entity with its own remedy."""
    tenant = firm.sandbox.tenant(1)
    firm.sql("DELETE FROM bindings WHERE entity = 'acme-au'")
    firm.sql("UPDATE bindings SET stopped = 'changed'")
    firm.sql("DELETE FROM connections WHERE tenant_id = ?", tenant)
    firm.configure("[entities.acme-uk]", "[entities.another]")
    assert {(code, subject) for _level, code, subject in firm.found("bindings", "--offline")} == {
        ("unbound", "acme-au"),
        ("unbound", "another"),
        ("unknown", "acme-uk"),
        ("stopped", "acme-uk"),
        ("disconnected", "acme-uk"),
    }


@pytest.mark.parametrize(
    ("change", "level", "code"),
    [({"name": "Renamed Ltd"}, "warning", "renamed"), ({"base_currency": "USD"}, "problem", "another")],
    ids=["name", "currency"],
)
def test_an_organisation_that_changed_is_named(firm, change, level, code):
    """By what it is: a warning for a name, a problem for a currency."""
    firm.sandbox.organisation(firm.sandbox.tenant(1), **change)
    assert (level, code, "acme-uk") in firm.found("organisations")


def test_an_organisation_that_was_disconnected_is_named(firm):
    """Xero answers 403 for it."""
    firm.sandbox.organisation(firm.sandbox.tenant(2), disconnected=True)
    try:
        assert ("problem", "not-connected", "acme-au") in firm.found("organisations")
    finally:
        firm.sandbox.organisation(firm.sandbox.tenant(2), disconnected=False)


def test_a_start_in_locked_books_is_named(firm):
    """Online from Xero's word now, offline from what was read last."""
    firm.configure('organisation = "Fernhill Trading Ltd"', 'organisation = "Fernhill Trading Ltd"\nstart = 2026-01-01')
    assert firm.found("lock-dates") == [("ok", "ok", None)]
    firm.sandbox.organisation(firm.sandbox.tenant(1), period_lock_date="2026-06-30")
    assert firm.found("lock-dates") == [("warning", "start-is-locked", "acme-uk")]
    assert firm.found("lock-dates", "--offline") == [("ok", "ok", None)]
    firm.configure("start = 2026-01-01", "start = 2026-01-01\nclosed_through = 2026-03-31")
    assert firm.found("lock-dates", "--offline") == [("warning", "start-is-locked", "acme-uk")]


# ---- what was left


def test_what_was_left_half_done_is_named(firm):
    """Interrupted runs, unsent and uncertain postings, crash files."""
    old = int((datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)).timestamp() * 1e6)
    firm.sql("UPDATE runs SET ended = NULL, started = ?", old)
    first, second = [row[0] for row in firm.sql("SELECT id FROM postings WHERE kind = 'invoice'")]
    firm.sql("UPDATE postings SET state = 'planned', changed_at = ? WHERE id = ?", old, first)
    firm.sql("UPDATE postings SET state = 'uncertain' WHERE id = ?", second)
    (firm.folder / "counterfoil-crash-20261122T000000-1.txt").write_text("x")
    assert {(level, code) for level, code, _subject in firm.found("leftovers", "--offline")} == {
        ("problem", "uncertain"),
        ("warning", "unsent"),
        ("warning", "runs"),
        ("warning", "crashes"),
    }


def test_notices_that_stand_are_repeated(firm):
    """With their own remedy, so many of them and no more."""
    for n in range(25):
        firm.sql(
            "INSERT INTO notices (kind, subject, entity, message, remedy, first_at, last_at, times, since) "
            "VALUES ('reconnect', ?, 'acme-uk', 'A consent is lost.', 'counterfoil connect', 1, 1, 3, 1)",
            str(n),
        )
    found = firm.found("notices", "--offline")
    assert (len(found), found[0], found[-1][1]) == (21, ("warning", "standing-reconnect", "acme-uk"), "more")


def test_targets_that_messages_do_not_get_to_are_named(firm):
    """Tried again: a warning. Given up: a problem. A target that is no longer configured is none."""
    firm.configure(
        "[posting]", '[[notify]]\nname = "page"\nwhen = ["any"]\nto = { command = ["./page.sh"] }\n[posting]'
    )
    assert firm.found("targets", "--offline") == [("ok", "ok", None)]
    firm.sql(
        "INSERT INTO notices (id, kind, subject, message, remedy, first_at, last_at, times, since) "
        "VALUES (900, 'clock', 'here', 'The clock is wrong.', 'Set it.', 1, 1, 1, 1)"
    )
    for target in ("page", "former"):
        firm.sql(
            "INSERT INTO messages (notice_id, target, state, tries, next_at, may_have_arrived, target_is_down, error) "
            "VALUES (900, ?, 'standing', 2, 4000000000000000, 0, 0, 'it ended with exit code 1')",
            target,
        )
    assert firm.found("targets", "--offline") == [("warning", "failing", "page")]
    firm.sql("UPDATE messages SET given_up_at = 5")
    assert firm.found("targets", "--offline") == [("problem", "given-up", "page")]


def test_an_audit_log_that_was_cut_is_a_problem(firm):
    """Named with its entity, as far as its end shows."""
    firm.sql(
        "DELETE FROM audit WHERE entity = 'acme-uk' AND seq = (SELECT MAX(seq) FROM audit WHERE entity = 'acme-uk')"
    )
    assert firm.found("audit", "--offline") == [("problem", "end", "acme-uk")]


def test_bulk_hours_on_an_unknown_clock_are_named(firm):
    """Where Xero's time zone is not known they hold nobody, which is a warning."""
    config = firm.folder / "counterfoil.toml"
    config.write_text(
        config.read_text().replace("[pacing]\noffline_s = 0.01\n", '[pacing]\nbulk_window = "22:00-06:00"\n')
    )
    firm.sql("UPDATE bindings SET timezone = 'MARSSTANDARDTIME' WHERE entity = 'acme-au'")
    assert {(code, subject) for _level, code, subject in firm.found("limits", "--offline")} == {
        ("unknown-zone", "acme-au")
    }


def test_values_that_nobody_can_read_are_findings(firm):
    """A consent whose time is garbage and a binding that is: each check that meets it says so, the others are made."""
    firm.sql("UPDATE grants SET expires_at = 'yesterday'")
    ended = firm.doctor()
    found = {one["check"]: (one["level"], one["code"]) for one in ended.value["checks"]}
    assert ("problem", "unreadable") in found.values()
    assert {"database", "key", "audit", "backup", "pauses", "lock-dates"} <= set(found)
    assert (ended.code, ended.value["ok"]) == (1, False)
    unread = [one for one in ended.value["checks"] if one["code"] == "unreadable"]
    assert all("counterfoil restore" in one["remedy"] and "yesterday" not in one["message"] for one in unread)


def test_a_binding_that_was_changed_in_the_database_is_a_problem(firm):
    """The row names another organisation than the one that a person chose: whatever else was changed with it."""
    assert firm.found("bindings-on-record") == [("ok", "ok", None)]
    firm.sql("UPDATE bindings SET tenant_id = 'another' WHERE entity = 'acme-uk'")
    assert firm.found("bindings-on-record") == [("problem", "wrong-ledger", "acme-uk")]
