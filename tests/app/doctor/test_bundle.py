"""`doctor --bundle`: shown before it is written, never over another file, and nothing of anybody in it."""

import getpass
import io
import json
import socket
import stat
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.app.doctor import Report, bundle
from counterfoil.app.doctor.finding import problem
from tests.xero.fakes import START

FILES = ["about.json", "doctor.json", "settings.json", "tables.json", "runs.json", "problems.json"]


def opened(path):
    """The bundle's files, decoded."""
    with zipfile.ZipFile(path) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_the_contents_are_shown_before_and_written_after_a_word(firm):
    """Without a terminal nothing is written but with --yes."""
    path = firm.folder / "support.zip"
    ended = firm("doctor", "--bundle", "support.zip", "--offline")
    assert (ended.code, path.exists()) == (2, False)
    assert all(name in ended.out for name in FILES)
    assert "counterfoil doctor --bundle support.zip --yes" in ended.err
    value = firm.doctor("--bundle", "support.zip", "--yes", "--offline").value
    assert value["bundle"]["written"] is True
    assert [one["name"] for one in value["bundle"]["contents"]] == FILES == list(opened(path))
    with zipfile.ZipFile(path) as archive:
        assert [one["bytes"] for one in value["bundle"]["contents"]] == [one.file_size for one in archive.infolist()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_file_is_overwritten(firm):
    """Not even an empty one."""
    path = firm.folder / "support.zip"
    path.write_bytes(b"")
    assert firm("doctor", "--bundle", "support.zip", "--yes", "--offline").code == 2
    assert path.read_bytes() == b""
    assert firm("doctor", "--bundle", "nowhere/support.zip", "--yes", "--offline").code == 2


def test_nothing_of_anybody_is_in_it(firm):
    """No name, key of an entity or flow, path, address, number, amount, token or secret; the firm has problems, too."""
    firm.configure("[xero]", '[xero]\nclient_secret = "kept-in-the-file"\nwebhook_keys = ["whk-secret"]')
    firm.configure("[entities.acme-uk]", '[entities.acme-uk]\naccounts = { "Ngaio Sales" = "200" }')
    firm.configure("source = { jsonl", 'id = "flow-of-ngaio"\nsource = { jsonl')
    firm.records({"external_id": "secret-order", "entity": "acme-uk"})
    assert firm("run", "shop").code == 1
    tokens = firm.sql("SELECT id, xero_userid, client_id FROM grants")[0]
    assert firm.doctor("--bundle", "support.zip", "--yes").code in (0, 1)
    text = "".join(json.dumps(one) for one in opened(firm.folder / "support.zip").values())
    raw = (firm.folder / "support.zip").read_bytes()
    secrets = [
        "kept-in-the-file", "whk-secret", "Ngaio", "flow-of-ngaio", "secret-order", "acme-uk", "acme-au", "Fernhill",
        "Wattle", "sales.jsonl", "Customer", "order-1", "12.00", str(firm.folder), getpass.getuser() + "@",
        socket.gethostname() + '"', firm.sandbox.tenant(1), (firm.folder / "counterfoil.key").read_text().strip(), *tokens,
    ]  # fmt: skip
    assert [one for one in secrets if one in text or one.encode() in raw] == []


def test_what_helps_is_in_it(firm):
    """Versions, schema, row counts, what was found by its stable codes, runs and problems as numbers."""
    firm.records({"external_id": "order-x", "entity": "acme-uk"})
    firm("run", "shop")
    firm.doctor("--bundle", "support.zip", "--yes", "--offline")
    found = opened(firm.folder / "support.zip")
    assert {"counterfoil", "python", "msgspec"} <= set(found["about.json"]["versions"])
    assert found["tables.json"]["postings"] >= 4
    assert {"check": "database", "code": "ok", "level": "ok"}.items() <= found["doctor.json"]["checks"][6].items()
    assert found["runs.json"][0]["command"] == "run"
    assert found["runs.json"][0]["counts"]["rejected"] == 1
    assert found["problems.json"][0]["count"] == 1
    assert found["settings.json"]["xero"]["tier"] == "core"
    assert found["settings.json"]["posting"]["quiet_s"] == 0.5
    assert "sales_invoices" in json.dumps(found["settings.json"])


def test_a_bundle_without_a_configuration_or_database(firm):
    """Just then it is needed."""
    (firm.folder / "counterfoil.toml").write_text("[xero")
    assert firm.doctor("--bundle", "one.zip", "--yes").code == 1
    assert opened(firm.folder / "one.zip")["settings.json"] is None
    assert opened(firm.folder / "one.zip")["doctor.json"]["ok"] is False


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(
    name=st.text("ABCDEFGHIJ0123456789@. é", min_size=3, max_size=20),
    rest=VALUES,
    salt=st.binary(min_size=8, max_size=8),
)
def test_any_name_anywhere_in_settings_is_hashed(name, rest, salt):
    """As a value of any key, as a key of the user's, in lists and deeper."""
    given_settings = {
        "path": f"/x/{name}",
        "entities": {name: {"organisation": name, "accounts": {name: name}}},
        "flows": {name: {"kind": name, "map": {"contact": {"name": name}}, "source": {"csv": name}, "status": name}},
        "lookups": {name: {"rows": {name: name}, "rest": rest}},
        "store": {"url": f"postgresql://{name}@{name}/{name}"},
        "xero": {"api_url": f"https://{name}.example/{name}"},
        "notify": [{"to": name}],
    }
    finding = problem("bindings", "stopped", name, name, subject=name)
    facts = bundle.Facts(
        START, {}, given_settings, {},
        [{"id": 1, "command": "run", "started": START, "ended": None, "flow": name, "counts": {"x": name}}],
        [{"n": 1, "cause": f"cause:{name}", "flow": name, "count": 1}],
    )  # fmt: skip
    files = bundle.contents(Report((finding,), (), 0, "1"), facts, salt)
    for content in files.values():
        plain = json.dumps(json.loads(content), ensure_ascii=False)
        assert name not in plain.replace("2026-", "").replace("name-", "") or name.strip("0123456789. ") == ""


def test_the_same_name_is_the_same_hash_in_one_bundle_only():
    """So that a helper sees what belongs together, and nobody can look names up."""
    one, other = bundle.Names(b"1"), bundle.Names(b"2")
    assert one("acme-uk") == one("acme-uk") != other("acme-uk")
    assert one("acme-uk") != one("acme-au")


def test_the_same_files_are_the_same_zip():
    """No time and no name of this machine gets in by the archive."""
    files = {"a.json": b"1", "b.json": b"2"}
    assert bundle.packed(files) == bundle.packed(files)
    with zipfile.ZipFile(io.BytesIO(bundle.packed(files))) as archive:
        assert {one.date_time[0] for one in archive.infolist()} == {1980}


@pytest.mark.parametrize("url", ["https://api.xero.com/x?y=secret", "http://localhost:8320/p/secret"])
def test_known_hosts_are_told_without_their_path(url):
    """They help, and are nobody's."""
    told = bundle._address(url)
    assert told is not None
    assert "secret" not in told
    assert url.startswith(told)
