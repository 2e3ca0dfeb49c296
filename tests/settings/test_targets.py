"""[[notify]]: targets and conditions as they are written, each mistake with its line, secrets never shown."""

import base64
import datetime
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from counterfoil import settings
from counterfoil.errors import ConfigurationError
from counterfoil.model.notices import KINDS, Condition
from counterfoil.settings.secret import Secret
from tests.settings.test_loading import _toml

HEAD = '[xero]\nclient_id = "abc"\n'
KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = (
    HEAD
    + f"""\
[[notify]]
when = ["reconnect", "problems > 10", "uncertain > 30m", "held>2d"]
to = {{ webhook = "https://ops.example.com/hooks/T0KEN", secret = "{KEY}" }}
[[notify]]
name = "books"
when = ["any"]
to = {{ email = "books@example.com", smtp = "mail.example.com:465", from = "us@example.com", user = "us", password = "pass-word" }}
[[notify]]
when = ["stopped"]
[notify.to]
command = ["./page.sh", "--now"]
"""
)


def load(tmp_path, text=GOOD, environ=None):
    path = tmp_path / "counterfoil.toml"
    path.write_text(text)
    return settings.load(path, None, environ or {})


def test_what_is_written_is_read(tmp_path):
    """Kinds, durations and counts; a webhook, an e-mail address and a command, each with what it needs."""
    hook, mail, command = load(tmp_path).notify
    assert hook.when == (
        Condition(kind="reconnect"),
        Condition(kind="problems", more=10),
        Condition(kind="uncertain", longer=datetime.timedelta(minutes=30)),
        Condition(kind="held", longer=datetime.timedelta(days=2)),
    )
    assert (hook.to.url, hook.to.secret) == (Secret("https://ops.example.com/hooks/T0KEN"), bytes(range(32)))
    assert (mail.to.key, mail.to.host, mail.to.port, mail.to.security) == ("books", "mail.example.com", 465, "tls")
    assert (mail.to.email, mail.to.sender, mail.to.password) == (
        "books@example.com", "us@example.com", Secret("pass-word"),
    )  # fmt: skip
    assert command.to.command == ("./page.sh", "--now")


def test_a_target_keeps_its_name_while_its_address_stays(tmp_path):
    """What the database calls it changes with the address, not with its place in the file, and does not tell it."""
    first = load(tmp_path).notify[0].to.key
    moved = HEAD + "".join(f"[[notify]]{part}" for part in reversed(GOOD.removeprefix(HEAD).split("[[notify]]")[1:]))
    assert load(tmp_path, moved).notify[2].to.key == first
    assert load(tmp_path, GOOD.replace("T0KEN", "other")).notify[0].to.key != first
    assert "T0KEN" not in first


def test_a_key_as_other_libraries_write_it(tmp_path):
    """With `whsec_` before its base64, or without the padding behind it, it is the same key."""
    for written in (f"whsec_{KEY}", KEY.rstrip("="), f" {KEY}"):
        assert load(tmp_path, GOOD.replace(KEY, written)).notify[0].to.secret == bytes(range(32))


def test_secrets_come_from_files_and_variables_too(tmp_path):
    """`secret_file`, `password_file` and `webhook_file`, relative to the configuration; `${NAME}` in any text."""
    (tmp_path / "hook.key").write_text(f"{KEY}\n")
    (tmp_path / "hook.url").write_text("https://ops.example.com/from-a-file\n")
    text = GOOD.replace(f'secret = "{KEY}"', 'secret_file = "hook.key"')
    text = text.replace('webhook = "https://ops.example.com/hooks/T0KEN"', 'webhook_file = "hook.url"')
    found = load(tmp_path, text.replace("pass-word", "${MAIL_PASSWORD}"), {"MAIL_PASSWORD": "of the variable"}).notify
    assert (found[0].to.url, found[0].to.secret) == (Secret("https://ops.example.com/from-a-file"), bytes(range(32)))
    assert found[1].to.password == Secret("of the variable")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text.replace("hook.key", "none.key"))
    unreadable = "counterfoil.toml:5: [notify[0].to] `secret_file` cannot be read: No such file or directory."
    assert unreadable in caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("when =", "wen =", "counterfoil.toml:4: [notify[0]] unknown key `wen`; did you mean `when`?"),
        ('"reconnect"', '"reconect"', "counterfoil.toml:4: [notify[0].when] `[0]` names no kind of notice: reconect. Did you mean `reconnect`?"),
        ('"reconnect"', '"reconnect > 5"', 'counterfoil.toml:4: [notify[0].when] `[0]` counts nothing: a `reconnect` is one thing: reconnect > 5. Give a duration, such as "reconnect > 5m".'),
        ('"held>2d"', '"held > 2 weeks"', "counterfoil.toml:4: [notify[0].when] `[3]` cannot be read: held > 2 weeks."),
        ('"held>2d"', '"held > 400d"', "counterfoil.toml:4: [notify[0].when] `[3]` waits for more than a year"),
        ('"held>2d"', "5", "counterfoil.toml:4: [notify[0].when] `[3]` must be text: 5."),
        ('["stopped"]', "[]", "counterfoil.toml:11: [notify[2]] `when` must name 1 to 50 kinds."),
        ("webhook =", "webook =", "counterfoil.toml:5: [notify[0].to] unknown key `webook`; did you mean `webhook`?"),
        ("https://ops", "http://ops", "counterfoil.toml:5: [notify[0].to] `webhook` is no address that may be used. https://…"),
        ("https://ops", "https://us:them@ops", "counterfoil.toml:5: [notify[0].to] `webhook` is no address that may be used."),
        (f', secret = "{KEY}"', "", "counterfoil.toml:5: [notify[0].to] `secret` is missing."),
        (KEY, "c2hvcnQ=", "counterfoil.toml:5: [notify[0].to] `secret` stands for less than 24 bytes. Make one:"),
        (KEY, "whsec_!", "counterfoil.toml:5: [notify[0].to] `secret` is no base64. Make one:"),
        (', from = "us@example.com"', "", "counterfoil.toml:9: [notify[1].to] `from` is missing."),
        ("books@example.com", "books@example.com\\nBcc: all@example.com", "counterfoil.toml:9: [notify[1].to] `email` has characters or a form that is not allowed"),
        ("mail.example.com:465", "mail.example.com", "counterfoil.toml:9: [notify[1].to] `smtp` has characters or a form that is not allowed: mail.example.com. HOST:PORT"),
        ("mail.example.com:465", "mail.example.com:0", "counterfoil.toml:9: [notify[1].to] `smtp` has no such port: mail.example.com:0."),
        (', password = "pass-word"', "", "counterfoil.toml:9: [notify[1].to] `password` is not there. A login needs both"),
        ('user = "us"', 'security = "none", user = "us"', "counterfoil.toml:9: [notify[1].to] `security` is for a mail server on this machine only: none."),
        ('user = "us"', 'secret = "us"', "counterfoil.toml:9: [notify[1].to] `secret` has no use for a target with `email`. Take it out."),
        ('["./page.sh", "--now"]', "[]", "counterfoil.toml:13: [notify[2].to] `command` must be a program and its arguments"),
        ('["./page.sh", "--now"]', '"./page.sh"', 'counterfoil.toml:13: [notify[2].to] `command` must be a list. Write it in brackets: ["…"].'),
        ('["./page.sh", "--now"]', f'["./page.sh"]\nwebhook = "https://x.example/{KEY}"', "counterfoil.toml:12: [notify[2]] `to` names `webhook` and `command`; it takes exactly one."),
        ('name = "books"', 'name = "no good"', "counterfoil.toml:7: [notify[1]] `name` has characters"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, old, new, problem):
    """Each is told with its line and what would be right, and no secret is in what is told."""
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    problems = caught.value.problems
    assert any(found.startswith(problem) for found in problems), problems
    assert [word for word in (KEY, "T0KEN", "pass-word", "us:them") if word in str(caught.value)] == []


def test_one_address_is_one_target(tmp_path):
    """The same webhook twice, or one name for two, would tell the same cause twice."""
    again = (
        f'[[notify]]\nwhen = ["cap"]\nto = {{ webhook = "https://ops.example.com/hooks/T0KEN", secret = "{KEY}" }}\n'
    )
    with pytest.raises(ConfigurationError, match=r"\[notify\[3\]\] `to` goes where \[notify\[0\]\] goes"):
        load(tmp_path, GOOD + again)
    named = '[[notify]]\nname = "books"\nwhen = ["cap"]\nto = { command = ["x"] }\n'
    with pytest.raises(ConfigurationError, match=r"\[notify\[3\]\] `to` goes where \[notify\[1\]\] goes"):
        load(tmp_path, GOOD + named)


@pytest.mark.parametrize(
    "listed", ['[notify]\nwhen = ["any"]', "notify = 3", "notify = [3]", '[[notify]]\nwhen = 3\nto = "x"']
)
def test_what_is_no_list_of_tables_is_told_and_never_raises(tmp_path, listed):
    """Whatever stands there, the answer is a mistake with its line."""
    text = f"{listed}\n{HEAD}" if listed.startswith("notify") else HEAD + listed
    with pytest.raises(ConfigurationError, match=r"counterfoil\.toml:\d+: .*notify"):
        load(tmp_path, text)


ANYTHING = st.one_of(
    st.booleans(), st.integers(-1, 9), st.text("ab:/ >0\n", max_size=6), st.just([]), st.just({"a": 1}), st.just(["x", 3]),
    st.sampled_from(["https://[", "http://localhost:99999", "whsec_é", "any > 9d", "a@b.example", "h:25", ["any"], ["x"]]),
)  # fmt: skip
KEYS = ["webhook", "secret", "email", "smtp", "from", "user", "password", "security", "command", "webhook_file"]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({"when": ANYTHING, "to": st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4) | ANYTHING}, optional={"name": ANYTHING}), max_size=3))  # fmt: skip
def test_any_toml(tmp_path, tables):
    """Whatever well-formed TOML says, it loads, or every mistake has its line; nothing else is raised."""
    text = HEAD + "".join(
        "[[notify]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items()) for table in tables
    )
    problems: tuple[str, ...] = ()
    try:
        loaded = len(load(tmp_path, text).notify)
    except ConfigurationError as error:
        loaded, problems = len(tables), error.problems or ("none is named",)
    assert loaded == len(tables)
    assert [problem for problem in problems if not problem.startswith("counterfoil.toml:")] == []


def test_what_is_shown_has_no_secret(tmp_path):
    """`config show` and every repr: the key, the password and the webhook's address, which may hold a token, are hidden."""
    found = load(tmp_path)
    shown = json.dumps(settings.redacted(found)["notify"], ensure_ascii=False) + repr(found)
    assert [word for word in (KEY, "T0KEN", "pass-word") if word in shown] == []
    assert settings.redacted(found)["notify"][1]["to"]["email"] == "books@example.com"
    assert settings.redacted(found)["notify"][0]["to"] == {"webhook": "…", "secret": "…"}


NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
AGO = NOW - datetime.timedelta(minutes=31)


@pytest.mark.parametrize(
    ("text", "kind", "since", "count", "holds"),
    [
        ("uncertain", "uncertain", NOW, 1, True),
        ("uncertain > 30m", "uncertain", AGO, 1, True),
        ("uncertain > 31m", "uncertain", AGO, 1, False),
        ("uncertain > 3600s", "uncertain", AGO, 1, False),
        ("uncertain > 2", "uncertain", NOW, 2, False),
        ("uncertain > 2", "uncertain", NOW, 3, True),
        ("uncertain", "held", AGO, 3, False),
        ("any", "held", NOW, None, True),
        ("any > 1h", "held", AGO, None, False),
    ],
)
def test_conditions(tmp_path, text, kind, since, count, holds):
    """Longer means longer and more means more; `any` is every kind."""
    (condition,) = load(tmp_path, HEAD + f'[[notify]]\nwhen = ["{text}"]\nto = {{ command = ["x"] }}\n').notify[0].when
    assert condition.holds(kind, since=since, count=count, now=NOW) is holds


def test_every_kind_may_be_named(tmp_path):
    """All kinds, also with a duration."""
    when = json.dumps([*KINDS, *(f"{kind} > 1h" for kind in KINDS)])
    assert len(
        load(tmp_path, HEAD + f'[[notify]]\nwhen = {when}\nto = {{ command = ["x"] }}\n').notify[0].when
    ) == 2 * len(KINDS)
