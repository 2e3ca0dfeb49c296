"""What goes wrong: each ends with a clear message, its remedy and the promised exit code; never with a traceback."""

import json
import signal

import pytest

from tests.cli.office import Office, sale


@pytest.fixture
def business(office):
    """A connected, bound firm with one sale to post."""
    office.open_for_business()
    office.records(sale(1))
    return office


def test_no_configuration_is_exit_2_with_what_to_do(office):
    """And with --json the one value is the error."""
    ended = office.process("run", "shop", "--json")
    assert ended.code == 2
    assert ended.value["error"]["code"] == "configuration"
    assert "counterfoil init" in ended.value["error"]["remedy"]
    assert "There is no configuration" in ended.err


def test_nothing_typed_where_nothing_is_gives_a_hint(office):
    """The first thing that a newcomer sees."""
    ended = office()
    assert ended.code == 0
    assert "counterfoil demo" in ended.out
    assert "counterfoil init" in ended.out


def test_a_typo_in_the_configuration_names_line_and_nearest_key(office):
    """As every mistake there."""
    office.write()
    path = office.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace("client_id", "cleint_id"))
    ended = office("status")
    assert ended.code == 2
    assert "counterfoil.toml:2" in ended.err
    assert "client_id" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "shpo"), "Did you mean `shop`?"),
        (("runn",), "Did you mean `run`?"),
        (("run",), "Missing argument"),
        (("run", "shop", "--bogus"), "No such option"),
        (("problems", "show", "one"), "valid integer"),
        (("problems", "show", "99"), "no open problem 99"),
        (("postings", "show", "99"), "no posting 99"),
        (("why", "INV-9"), "No posting has the number"),
        (("entities", "bind", "acme-ku"), "Did you mean `acme-uk`?"),
        (("--config",), "--config needs a value"),
        (("--env", "live", "status"), "counterfoil.live.toml"),
        (("sandbox", "--bogus"), "unrecognized arguments"),
        (("--nonsense",), "no option --nonsense"),
        (("problems", "--csv", "--json"), "exclude each other"),
        (("run", "shop", "--plan", "none.json"), "none.json cannot be read"),
        (("plan", "shop", "--input", "none.jsonl"), "none.jsonl"),
    ],
)
def test_usage_mistakes_are_exit_2(office, words, said):
    """Whatever was mistyped is said."""
    office.write()
    office.key()
    office.records()
    ended = office(*words)
    assert ended.code == 2
    assert said in ended.err + ended.out


def test_a_usage_mistake_is_one_json_value_too(office):
    """With --json, wherever it stood."""
    ended = office("run", "--json")
    assert (ended.code, ended.value["error"]["code"]) == (2, "usage")


def test_without_consent_or_binding_it_is_exit_3(office):
    """The report says which entity; the records are counted."""
    office.write()
    office.key()
    office.records(sale(1))
    ended = office("run", "shop", "--json")
    assert ended.code == 3
    assert (ended.value["records"], ended.value["posted"]) == (1, 0)
    assert "Stopped: acme-uk" in ended.err
    assert office("plan", "shop").code == 3
    assert "counterfoil connect" in office("entities", "bind").err
    assert office("entities", "verify").code == 3


def test_a_consent_without_a_binding_is_exit_3(office):
    """Nothing is sent to whatever organisation there happens to be."""
    office.write()
    office.key()
    office.connect()
    office.records(sale(1))
    ended = office("run", "shop")
    assert ended.code == 3
    assert "bound to no organisation" in ended.out
    assert office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"] == []


def test_a_revoked_consent_is_exit_3(business):
    """The app was disconnected at Xero's side: connect again."""
    business.sandbox.organisation(business.sandbox.tenant(1), disconnected=True)
    ended = business("run", "shop", "--json")
    business.sandbox.organisation(business.sandbox.tenant(1), disconnected=False)
    assert (ended.code, ended.value["posted"]) == (3, 0)


def test_xero_unreachable_is_exit_4_and_loses_nothing(business):
    """Run again posts it."""
    business.write(api_url="http://127.0.0.1:9")
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], ended.value["records"]) == (4, 0, 1)
    business.write()
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"] + ended.value["adopted"]) == (0, 1)


def test_a_wrong_master_key_is_exit_2(business):
    """The stored consents cannot be read with another key."""
    (business.folder / "counterfoil.key").unlink()
    assert "no master key" in business("run", "shop").err
    business.key()
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["error"]["code"]) == (2, "master-key")
    (business.folder / "counterfoil.key").chmod(0o644)
    assert "chmod 600" in business("run", "shop").err


def test_a_folder_that_may_not_be_written_is_exit_2(office):
    """For the database, for `init`, for a plan and for the demo (/proc may not be written, not even by root)."""
    office.write(
        flows='[store]\nurl = "sqlite:////proc/counterfoil.db"\n[flows.shop]\nkind = "sales_invoices"\nsource = { jsonl = "s" }\n'
    )
    assert office("status", "--json").value["error"]["code"] == "store"
    assert office("init", "/proc").code == 2
    office.write()
    office.key()
    office.records()
    assert office("plan", "shop", "--out", "/proc/p.json").code == 2


def test_a_database_that_cannot_be_made_is_exit_2(office):
    """Where the folder is none."""
    office.write(
        flows='[store]\nurl = "sqlite:///none/counterfoil.db"\n[flows.shop]\nkind = "sales_invoices"\nsource = { jsonl = "s" }\n'
    )
    ended = office("status", "--json")
    assert (ended.code, ended.value["error"]["code"]) == (2, "store")


def test_a_plan_that_no_longer_holds_is_refused_by_its_first_difference(business):
    """And one that does hold is carried out, also when repeated."""
    business.records(sale(11), sale(12))
    assert business("plan", "shop", "--out", "p.json").code == 0
    business.records(sale(11), sale(12, lines=[sale(1)["lines"][0] | {"quantity": 3}], expected_total="18.00"))
    ended = business("run", "shop", "--plan", "p.json")
    assert (ended.code, "order-12: `total` was 12.00 and is 18.00" in ended.err) == (2, True)
    business.records(sale(11), sale(12))
    assert business("run", "shop", "--plan", "p.json").code == 0
    assert business("run", "shop", "--plan", "p.json").code == 0


def test_connect_prints_its_url_first_and_ends_politely(office):
    """Interrupted by a signal while it waits: 130, and one JSON value."""
    office.write()
    office.key()
    process = office.start("connect", "--no-browser", "--json")
    url = json.loads(process.stderr.readline())["authorize_url"]
    assert url.startswith(office.sandbox.url + "/identity/connect/authorize?")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
    assert "run the same command again" in err


def test_an_interrupted_run_is_130_and_the_next_one_finishes(business):
    """SIGTERM while Xero is answering slowly: safe; the same command again posts each sale once."""
    business.sandbox.fault("slow_answer", method="PUT", path="/api.xro/2.0/Invoices", delay_s=4)
    business.records(sale(31), sale(32))
    process = business.start("run", "shop", "--json")
    while not any(row["fault"] == "slow_answer" for row in business.sandbox.requests()):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, _err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (130, "interrupted")
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"] + ended.value["adopted"]) == (0, 2)
    found = business.sandbox.ledger(business.sandbox.tenant(1))["Invoices"]
    numbers = [one["InvoiceNumber"] for one in found if one["InvoiceNumber"] in ("order-31", "order-32")]
    assert sorted(numbers) == ["order-31", "order-32"]


def test_a_taken_port_is_told(office):
    """The sandbox cannot start where one listens already."""
    port = office.sandbox.url.rpartition(":")[2]
    ended = office.process("sandbox", "--port", port)
    assert (ended.code, "cannot start" in ended.err) == (2, True)


def test_init_never_overwrites(office):
    """A second init is refused; the first made a configuration that is good."""
    value = office("init", "--json").value
    assert (office.folder / "counterfoil.key").stat().st_mode & 0o777 == 0o600
    assert "accounting.invoices" in value["scopes"]
    assert office("config", "check").code == 0
    before = (office.folder / "counterfoil.toml").read_text()
    assert office("init").code == 2
    assert (office.folder / "counterfoil.toml").read_text() == before


def test_disconnect_ends_one_connection(office):
    """By name; the others stay."""
    office.write()
    office.key()
    office.connect()
    assert office("connections", "disconnect", "Grachtenhuis BV", "--yes", "--json").value["ended"] == 1
    assert "Grachtenhuis BV" not in office("connections").out
    assert office("connections", "disconnect", "Grachtenhuis BV").code == 3


def test_unbind_forgets(business):
    """And bind by name makes it anew; another's name is refused."""
    assert business("entities", "unbind", "acme-uk", "--json").value == {"entity": "acme-uk", "bound": False}
    assert business("entities", "bind", "acme-uk", "Grachtenhuis BV").code == 3
    assert business("entities", "bind", "acme-uk", "--json").value[0]["bound"] is True
    bound = business("entities", "bind", "acme-au", business.sandbox.tenant(2), "--json").value
    assert bound["organisation"].startswith("Wattle")


def test_an_office_is_where_its_configuration_is(business, tmp_path_factory):
    """`--config` works from anywhere; paths are relative to the file."""
    elsewhere = Office(tmp_path_factory.mktemp("elsewhere"), business.sandbox)
    ended = elsewhere("--config", str(business.folder / "counterfoil.toml"), "run", "shop", "--json")
    assert ended.code == 0
    assert ended.value["posted"] + ended.value["adopted"] == 1
