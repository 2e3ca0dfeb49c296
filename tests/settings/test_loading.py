"""Loading: what is right, every mistake with its line, the environment, overlays and secrets."""

import tomllib

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from counterfoil import settings
from counterfoil.errors import ConfigurationError

GOOD = """\
[xero]
client_id = "abc"
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
start = 2026-11-01
accounts = { sales = "200" }
[flows.shop]
id = "f7k2m9"
kind = "sales_invoices"
entity = "acme-uk"
source = { jsonl = "sales.jsonl" }
"""


def load(tmp_path, text=GOOD, environ=None, env_name=None):
    path = tmp_path / "counterfoil.toml"
    path.write_text(text)
    return settings.load(path, env_name, environ or {})


def mistakes(tmp_path, text, environ=None):
    with pytest.raises(ConfigurationError) as caught:
        settings.compile_flows(load(tmp_path, text, environ), ["sales_invoices"])
    return list(caught.value.problems)


def test_defaults(tmp_path):
    """What is left out has the design's defaults; paths are beside the file."""
    found = load(tmp_path)
    assert (found.xero.api_url, found.xero.calls_per_minute, found.xero.tier) == ("https://api.xero.com", 60, "core")
    assert found.store.url == f"sqlite:///{tmp_path}/counterfoil.db"
    assert found.vault.master_key_file == tmp_path / "counterfoil.key"
    assert (found.posting.quiet_s, found.posting.key_life_s, found.posting.batch) == (180, 360, 50)
    assert found.entities["acme-uk"].key == "acme-uk"
    assert found.entities["acme-uk"].start.isoformat() == "2026-11-01"


@pytest.mark.parametrize(
    ("listen", "named", "wanted"),
    [
        ("127.0.0.1:8321", None, "http://localhost:8321"),
        ("0.0.0.0:9000", None, "http://localhost:9000"),
        ("[::]:9000", None, "http://localhost:9000"),
        ("[2001:db8::7]:9000", None, "http://[2001:db8::7]:9000"),
        ("10.0.0.7:9000", None, "http://10.0.0.7:9000"),
        ("books.local:9000", None, "http://books.local:9000"),
        ("127.0.0.1:9000", "http://localhost:8321/", "http://localhost:8321"),
    ],
)
def test_our_address_is_where_the_service_listens(tmp_path, listen, named, wanted):
    """Whoever chose another port was sent to 8321 by every link."""
    values = {"listen": listen} | ({} if named is None else {"public_url": named})
    text = "[service]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())
    assert load(tmp_path, GOOD + text).service.public_url == wanted


def test_flows(tmp_path):
    """A flow's table is compiled for its kind."""
    flow = settings.compile_flows(load(tmp_path), ["sales_invoices"])["shop"]
    assert (flow.id, flow.table, flow.entity, flow.status) == ("f7k2m9", "shop", "acme-uk", "DRAFT")
    assert flow.source == settings.SourceSettings(kind="jsonl", path=tmp_path / "sales.jsonl")


def test_a_flow_without_an_id_has_its_table_s_name(tmp_path):
    """Postings then remember the name."""
    assert (
        settings.compile_flows(load(tmp_path, GOOD.replace('id = "f7k2m9"\n', "")), ["sales_invoices"])["shop"].id
        == "shop"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("client_id", "clientid", "counterfoil.toml:2: [xero] unknown key `clientid`; did you mean `client_id`?"),
        ("kind =", "kinds =", "counterfoil.toml:9: [flows.shop] unknown key `kinds`; did you mean `kind`?"),
        ("[xero]", "[xerox]", "counterfoil.toml:1: unknown key `xerox`; did you mean `xero`?"),
        ("start = 2026-11-01", 'start = "soon"', "counterfoil.toml:5: [entities.acme-uk] `start` must be a date such as 2026-11-01: soon."),
        ("start = 2026-11-01", 'bank_balances = "0h"', "counterfoil.toml:5: [entities.acme-uk] `bank_balances` has characters"),
        ("start = 2026-11-01", 'bank_balances = "169h"', "counterfoil.toml:5: [entities.acme-uk] `bank_balances` has characters"),
        ("start = 2026-11-01", "bank_balances = true", "counterfoil.toml:5: [entities.acme-uk] `bank_balances` must be text"),
        ('"200"', "200", "counterfoil.toml:6: [entities.acme-uk.accounts] `sales` must be text: 200."),
        ('kind = "sales_invoices"', 'kind = "sales"', "counterfoil.toml:9: [flows.shop] `kind` is unknown: sales. Did you mean `sales_invoices`?"),
        ('entity = "acme-uk"', 'entity = "acme-us"', "counterfoil.toml:10: [flows.shop] `entity` is unknown: acme-us. Did you mean `acme-uk`?"),
        ("jsonl", "http", "counterfoil.toml:11: [flows.shop] `source = { http = … }` comes with a later version; take it out."),
        ("jsonl", "csv", "counterfoil.toml:7: [flows.shop] `map` is missing: rows of a table are no records by themselves."),
        ('"sales.jsonl"', '"a\\u0000b"', "counterfoil.toml:11: [flows.shop.source] `jsonl` has the character U+0000"),
        ("[entities.acme-uk]", '[vault]\nmaster_key_file = "a\\u0000b"\n[entities.acme-uk]', "counterfoil.toml:4: [vault] `master_key_file` has the character U+0000"),
        ("jsonl", "jsnl", "counterfoil.toml:11: [flows.shop.source] unknown key `jsnl`; did you mean `jsonl`?"),
        ("[flows.shop]", '[flows.shop]\napprove = "all"', "counterfoil.toml:8: [flows.shop] `approve` comes with a later version; take it out."),
        ("[flows.shop]", '[flows.shop]\nstatus = "PAID"', "counterfoil.toml:8: [flows.shop] `status` must be one of"),
        ("[flows.shop]", "[lookups.vat]\nrows = 1\n[flows.shop]", "counterfoil.toml:8: [lookups.vat] `rows` must be"),
        ("[entities.acme-uk]", "[posting]\nquiet_s = 0\n[entities.acme-uk]", "counterfoil.toml:4: [posting] `quiet_s` must be more than 0: 0."),
        ("[entities.acme-uk]", "[posting]\nbatch = 51\n[entities.acme-uk]", "counterfoil.toml:4: [posting] `batch` must be 50 or less: 51."),
        ("[entities.acme-uk]", '[service]\npublic_url = "ftp://x"\n[entities.acme-uk]', "counterfoil.toml:4: [service] `public_url` has characters"),
        ("[entities.acme-uk]", '[service]\npublic_url = "https://go.xero.com/x"\n[entities.acme-uk]', "counterfoil.toml:4: [service] `public_url` may not be at xero.com"),
        ("[entities.acme-uk]", '[service]\nlisten = "8321"\n[entities.acme-uk]', "counterfoil.toml:4: [service] `listen` has characters"),
        ("[entities.acme-uk]", '[service]\nlisten = "localhost:99999"\n[entities.acme-uk]', "counterfoil.toml:4: [service] `listen` has characters"),
        ("[entities.acme-uk]", "[entities.' x']\n[entities.acme-uk]", "counterfoil.toml:3: [entities] ` x` has characters"),
        ('"abc"', '"${NOWHERE}"', "counterfoil.toml:2: `xero.client_id` needs the environment variable NOWHERE, which is not set."),
        ("[entities.acme-uk]", "[entities.acme-uk", "counterfoil.toml:3: this is not TOML"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, old, new, problem):
    """Each mistake is told with its line, its table and key, and what would be right."""
    problems = mistakes(tmp_path, GOOD.replace(old, new))
    assert any(found.startswith(problem) for found in problems), problems


def test_all_mistakes_at_once(tmp_path):
    """The file is read once, and everything that is wrong is said, in the order of its lines."""
    problems = mistakes(
        tmp_path, GOOD.replace("client_id", "clint_id").replace('"200"', "1").replace("[flows", "[flow")
    )
    assert [found.split(": ")[0] for found in problems] == [
        "counterfoil.toml:1", "counterfoil.toml:2", "counterfoil.toml:6", "counterfoil.toml:7",
    ]  # fmt: skip


def test_two_flows_of_one_id(tmp_path):
    """Two flows that would share their postings are refused."""
    second = GOOD[GOOD.index("[flows.shop]") :].replace("flows.shop", "flows.other")
    (problem,) = mistakes(tmp_path, GOOD + second)
    assert problem.startswith("counterfoil.toml:13: [flows.other] has the id f7k2m9")


def test_the_environment(tmp_path):
    """COUNTERFOIL_<TABLE>__<KEY> wins over the file, with the declared type; other variables are left alone."""
    found = load(
        tmp_path,
        environ={
            "COUNTERFOIL_XERO__CLIENT_SECRET": "s3cret",
            "COUNTERFOIL_XERO__WEBHOOK_KEYS": "a, b",
            "COUNTERFOIL_XERO__WEBHOOK_KEY": "c",
            "COUNTERFOIL_POSTING__QUIET_S": "0.5",
            "COUNTERFOIL_POSTING__BATCH": "7",
            "COUNTERFOIL_VAULT__MASTER_KEY": "k",
            "COUNTERFOIL_CONFIG": "elsewhere",
            "HOME": "/root",
        },
    )
    assert found.xero.client_secret.reveal() == "s3cret"
    assert [key.reveal() for key in found.xero.webhook_keys] == ["a", "b", "c"]
    assert (found.posting.quiet_s, found.posting.batch, found.vault.master_key.reveal()) == (0.5, 7, "k")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("COUNTERFOIL_XERO__CLIENTID", "x", "the variable COUNTERFOIL_XERO__CLIENTID: [xero] unknown key `clientid`; did you mean `client_id`?"),
        ("COUNTERFOIL_FLOWS__SHOP", "x", "the variable COUNTERFOIL_FLOWS__SHOP: the environment can set keys of"),
        ("COUNTERFOIL_POSTING__BATCH", "many", "the variable COUNTERFOIL_POSTING__BATCH: [posting] `batch` must be a whole number: many."),
        ("COUNTERFOIL_STORE__URL", "mysql://u:pw@h", "the variable COUNTERFOIL_STORE__URL: [store] `url` has characters or a form that is not allowed."),
    ],
)  # fmt: skip
def test_mistakes_in_the_environment(tmp_path, name, value, problem):
    """A variable that is wrong is named; a secret's value is not shown."""
    (found,) = mistakes(tmp_path, GOOD, {name: value})
    assert found.startswith(problem)
    assert "pw" not in found


def test_variables_in_strings(tmp_path):
    """`${NAME}` is filled in once; what comes in is not searched again."""
    found = load(tmp_path, GOOD.replace('"abc"', '"x-${ONE}-y"'), {"ONE": "${TWO}"})
    assert found.xero.client_id == "x-${TWO}-y"


def test_secret_files(tmp_path):
    """A secret may stand in a file of its own; the environment wins over it."""
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "keys").write_text("one\ntwo\n")
    text = GOOD.replace("[entities", 'client_secret_file = "secret"\nwebhook_keys_file = "keys"\n[entities')
    found = load(tmp_path, text)
    assert found.xero.client_secret.reveal() == "s3cret"
    assert [key.reveal() for key in found.xero.webhook_keys] == ["one", "two"]
    assert load(tmp_path, text, {"COUNTERFOIL_XERO__CLIENT_SECRET": "other"}).xero.client_secret.reveal() == "other"


@pytest.mark.parametrize(
    "held",
    [b"\xef\xbb\xbfone\r\ntwo\r\n", b"  one \n\n\ttwo", b"one, two\n", b"one,two"],
    ids=["editor", "space", "list", "row"],
)
def test_keys_in_a_file_are_what_stands_there_and_no_mark_or_comma_of_it(tmp_path, held):
    """A byte order mark became a part of the first key, a comma of any: every webhook was then refused."""
    (tmp_path / "keys").write_bytes(held)
    found = load(tmp_path, GOOD.replace("[entities", 'webhook_keys_file = "keys"\n[entities'))
    assert [key.reveal() for key in found.xero.webhook_keys] == ["one", "two"]


@pytest.mark.parametrize("held", [b"", b" \r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_of_keys_is_a_mistake(tmp_path, held):
    """It was no key at all, without a word: every webhook was refused."""
    (tmp_path / "empty").write_bytes(held)
    text = GOOD.replace("[entities", 'webhook_keys_file = "empty"\n[entities')
    assert mistakes(tmp_path, text) == [
        "counterfoil.toml:3: [xero] `webhook_keys_file` is empty: empty holds no secret."
    ]


def test_bad_secret_files(tmp_path):
    """A file that is not there, and a secret given twice, are told."""
    text = GOOD.replace("[entities", 'client_secret_file = "none"\nclient_secret = "x"\n[entities')
    assert mistakes(tmp_path, text) == [
        "counterfoil.toml:3: [xero] has both `client_secret` and `client_secret_file`.",
        "counterfoil.toml:3: [xero] `client_secret_file` cannot be read: No such file or directory.",
    ]


def test_an_overlay(tmp_path):
    """counterfoil.NAME.toml is laid over the file, key by key, and has lines of its own."""
    (tmp_path / "counterfoil.live.toml").write_text('[xero]\ntier = "plus"\n[flows.shop]\nlive = true\n')
    found = load(tmp_path, env_name="live")
    assert (found.environment, found.xero.tier, found.xero.client_id) == ("live", "plus", "abc")
    assert settings.compile_flows(found, ["sales_invoices"])["shop"].live
    (tmp_path / "counterfoil.live.toml").write_text('[xero]\n\ntier = "best"\n')
    with pytest.raises(ConfigurationError, match=r"counterfoil\.live\.toml:3: \[xero\] `tier` must be one of"):
        load(tmp_path, env_name="live")


@pytest.mark.parametrize("env_name", ["none", "../x", ""])
def test_no_such_environment(tmp_path, env_name):
    """A name without a file, or that is no name, is refused."""
    with pytest.raises(ConfigurationError):
        load(tmp_path, env_name=env_name)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("sqlite:///a/b.db", "sqlite:///{}/a/b.db"),
        ("sqlite:////var/b.db", "sqlite:////var/b.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
    ],
)
def test_store_urls(tmp_path, url, wanted):
    """Relative SQLite files are beside the configuration; all else stays as it is."""
    assert load(tmp_path, f'{GOOD}[store]\nurl = "{url}"\n').store.url == wanted.format(tmp_path)


def test_files_that_are_no_configuration(tmp_path):
    """No file, a folder, other bytes, too many bytes: one clear mistake each."""
    strange, huge = tmp_path / "strange.toml", tmp_path / "huge.toml"
    strange.write_bytes(b"a = '\xff'")
    huge.write_bytes(b"#" * (1 << 20) + b"\n")
    for path, words in (
        (tmp_path / "none.toml", "no configuration"),
        (tmp_path, "cannot be read"),
        (strange, "not UTF-8"),
        (huge, "larger than"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            settings.load(path, None, {})


def test_secrets_do_not_show(tmp_path):
    """Neither printing nor the redacted form tells a secret; what is not secret is all there."""
    text = GOOD.replace("[entities", 'client_secret = "s3cret"\nwebhook_keys = ["s3cret"]\n[entities')
    found = load(
        tmp_path, f'{text}[store]\nurl = "postgresql://u:s3cret@h/d"\n', {"COUNTERFOIL_VAULT__MASTER_KEY": "s3cret"}
    )
    shown = settings.redacted(found)
    assert "s3cret" not in str(shown)
    assert "s3cret" not in repr(found.xero)
    assert (shown["store"]["url"], shown["xero"]["client_secret"]) == ("postgresql://u:…@h/d", "…")
    assert shown["flows"]["shop"]["kind"] == "sales_invoices"


def test_declarations():
    """Every key that can be set has its help."""
    declared = settings.declared()
    assert [field.key for field in declared if not field.help] == []
    assert {(field.table, field.key) for field in declared if field.secret} == {
        ("xero", "client_secret"), ("xero", "webhook_keys"), ("xero", "webhook_key"), ("store", "url"),
        ("vault", "master_key"), ("notify.to", "webhook"), ("notify.to", "secret"), ("notify.to", "password"),
        ("service", "connect_token"), ("service", "heartbeat_url"),
    }  # fmt: skip


values = st.recursive(
    st.booleans() | st.integers(-5, 99) | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab $.{}=\"'#[]\n", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["kind", "source", "jsonl", "a b"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
NAMES = [
    "xero",
    "store",
    "vault",
    "service",
    "posting",
    "entities",
    "flows",
    "client_id",
    "url",
    "start",
    "shop",
    "lookups",
]


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return repr(value)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables=st.dictionaries(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(NAMES), values, max_size=3) | values, max_size=4),
    variables=st.dictionaries(st.sampled_from(["COUNTERFOIL_XERO__CLIENT_ID", "COUNTERFOIL_STORE__URL", "COUNTERFOIL_A__B"]), st.text(max_size=4)),
)  # fmt: skip
def test_any_toml(tmp_path, tables, variables):
    """Whatever well-formed TOML says, it loads or is a ConfigurationError that names every mistake."""
    text = "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in tables.items())
    tomllib.loads(text)
    problems = None
    try:
        settings.compile_flows(load(tmp_path, text, variables), ["sales_invoices"])
    except ConfigurationError as error:
        problems = error.problems
    assert problems != ()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(alphabet="[]{}=\"'#a.\n\\ 1-:", max_size=60))
def test_any_text(tmp_path, content):
    """So it does for whatever text."""
    with pytest.raises(ConfigurationError):
        load(tmp_path, content)
