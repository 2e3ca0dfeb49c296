"""Every command on a firm that has run once: one JSON value, its shape, its exit code. One sandbox, one run."""

from decimal import Decimal

import pytest

from tests.cli.office import Office, sale

LISTED = {
    "id", "state", "entity", "flow", "kind", "external_id", "source", "reason", "xero_messages", "remedy", "document",
}  # fmt: skip
RUN = {
    "run", "flow", "records", "posted", "updated", "adopted", "unchanged", "rejected", "held", "uncertain", "planned",
    "problems", "api_calls", "egress_bytes", "elapsed_s",
}  # fmt: skip
OUTCOMES = ("posted", "updated", "adopted", "unchanged", "rejected", "held", "uncertain", "planned")


@pytest.fixture(scope="module")
def shop(tmp_path_factory, sandbox):
    """A connected, bound firm with three good sales and a bad one, posted."""
    office = Office(tmp_path_factory.mktemp("shop"), sandbox).open_for_business()
    office.records(sale(1), sale(2), sale(3), sale(4, expected_total="12.01"))
    office.ended = office.process("run", "shop", "--json", cold=True)
    return office


def test_run_tells_its_counts_and_that_a_person_is_needed(shop):
    """The outcomes of `run --json` add up to the records; a refused one is exit 1."""
    value = shop.ended.value
    assert set(value) == RUN
    assert shop.ended.code == 1
    assert (value["records"], value["posted"], value["rejected"], value["problems"]) == (4, 3, 1, 1)
    assert sum(value[name] for name in OUTCOMES) == 4
    assert len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Invoices"]) == 3


def test_a_second_run_finds_everything_done(shop):
    """Repeating a run posts nothing."""
    value = shop("--json", "run", "shop").value
    assert (value["posted"], value["unchanged"], value["rejected"]) == (0, 3, 1)
    assert len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Invoices"]) == 3


def test_finish_counts_postings_of_all_flows(shop):
    """`finish --json` has no `records`, and no flow."""
    ended = shop("finish", "--json")
    assert (ended.code, set(ended.value), ended.value["flow"]) == (0, RUN - {"records"}, None)


@pytest.mark.parametrize("words", [("postings",), ("postings", "list"), ("postings", "list", "--state", "posted")])
def test_postings_are_a_list_of_the_promised_shape(shop, words):
    """Each posting has the contract's keys and a link to its document."""
    found = shop(*words, "--json").value
    posted = [one for one in found if one["state"] == "posted"]
    assert all(set(one) == LISTED for one in found)
    assert sorted(one["external_id"] for one in posted) == ["order-1", "order-2", "order-3"]
    path = posted[0]["document"]["url"].removeprefix(shop.sandbox.url)
    assert shop.sandbox.request("GET", path).status == 200


def test_why_tells_the_story_of_a_number(shop):
    """The story holds what was sent and what Xero answered."""
    (story,) = shop("why", "order-2", "--json").value
    assert story["posting"]["document"]["number"] == "order-2"
    assert story["sendings"][0]["element"]["InvoiceNumber"] == "order-2"
    assert story["sendings"][0]["answer"]["InvoiceID"] == story["posting"]["document"]["id"]
    text = shop("why", story["posting"]["document"]["url"]).out
    assert "answered" in text
    assert story["sendings"][0]["idempotency_key"] in text


def test_postings_show_is_the_same_story(shop):
    """By id."""
    (story,) = shop("why", "order-1", "--json").value
    assert shop("postings", "show", str(story["posting"]["id"]), "--json").value == story


def test_problems_are_flat_for_programs_and_grouped_for_people(shop):
    """Each record names its problem's number, so that a program can skip it."""
    (one,) = shop("problems", "--json").value
    assert set(one) == LISTED | {"problem", "cause"}
    assert (one["external_id"], one["cause"], one["state"]) == ("order-4", "total-differs", "rejected")
    shown = shop("problems", "show", str(one["problem"]), "--json").value
    assert (shown["count"], shown["records"][0]["external_id"]) == (1, "order-4")
    header, row = shop("problems", "list", "--csv").out.splitlines()
    assert header.startswith("problem,cause,entity")
    assert "order-4" in row


def test_plan_says_what_a_run_would_do(shop):
    """Signs, counts and totals; amounts are text, so that no reader makes floats of them."""
    shop.records(sale(1), sale(5), sale(6, expected_total="99"), name="more.jsonl")
    ended = shop("plan", "shop", "--input", "more.jsonl", "--json")
    assert (ended.code, ended.value["create"], ended.value["same"], ended.value["refused"]) == (0, 1, 1, 1)
    assert ended.value["totals"] == {"acme-uk": {"GBP": "12.00"}}
    assert [line["sign"] for line in ended.value["lines"]] == ["=", "+", "×"]


def test_plan_offline_makes_no_call(shop):
    """What was read last is enough."""
    before = shop.sandbox.requests()[-1]["n"]
    assert shop("plan", "shop", "--offline", "--json").code == 0
    assert shop.sandbox.requests(before) == []


def test_prove_puts_three_sides_side_by_side(shop):
    """Source, ours and Xero per day, currency and tax."""
    ended = shop("prove", "shop", "--json")
    (row,) = [row for row in ended.value["rows"] if row["ours_count"]]
    assert (ended.code, ended.value["holds"], ended.value["not_posted"]) == (0, True, 1)
    sums = [Decimal(row[name]) for name in ("ours_total", "xero_total", "ours_tax", "xero_tax")]
    assert sums == [36, 36, 6, 6]


def test_status_entities_connections_runs_and_config_are_one_value_each(shop):
    """The reading commands."""
    status = shop("status", "--json").value
    assert (status["connected"], status["problems"], status["next"]) == (True, 1, "counterfoil problems")
    uk, au = shop("entities", "--json").value
    assert (uk["entity"], uk["base_currency"], au["organisation"]) == ("acme-uk", "GBP", "Wattle & Co Pty Ltd")
    connections = shop("connections", "list", "--json").value
    assert {one["entity"] for one in connections} == {"acme-uk", "acme-au", None}
    runs = shop("runs", "--json").value
    assert runs[-1]["counts"]["posted"] == 3
    assert shop("config", "check", "--json").value["ok"] is True
    shown = shop("config", "show", "--json").value
    assert shown["xero"]["client_id"] == shop.sandbox.ready["public_client_id"]
    explained = shop("connect", "--explain", "--json").value
    (invoices,) = [one for one in explained["scopes"] if one["scope"] == "accounting.invoices"]
    assert invoices["flows"] == ["shop"]


def test_the_list_of_runs_has_a_column_for_each_outcome(shop):
    """Whatever a run did is seen in its line, also that it only updated."""
    heads = shop("runs").out.splitlines()[0].split()
    outcomes = ["POSTED", "UPDATED", "ADOPTED", "UNCHANGED", "REJECTED", "HELD", "UNCERTAIN", "PLANNED"]
    assert [head for head in heads if head in outcomes] == outcomes


def test_verify_warns_of_a_new_name_until_it_is_accepted(shop):
    """Exit 1 and the change; `--accept` takes it over."""
    shop.sandbox.organisation(shop.sandbox.tenant(2), name="Wattle and Company Pty Ltd")
    ended = shop("entities", "verify", "acme-au", "--json")
    assert (ended.code, len(ended.value[0]["changes"])) == (1, 1)
    assert shop("entities", "verify", "acme-au", "--accept").code == 0
    assert shop("entities", "verify", "--json").code == 0


@pytest.mark.parametrize(
    "words", [("--json", "status"), ("status", "--json"), ("--config=counterfoil.toml", "status", "--json")]
)
def test_global_options_work_before_and_after_the_command(shop, words):
    """Wherever they stand."""
    assert shop(*words).value["connected"] is True


def test_skip_takes_a_problem_off_the_list(shop):
    """With a reason; afterwards a run counts it as unchanged and ends with 0."""
    (one,) = shop("problems", "--json").value
    assert shop("problems", "skip", str(one["problem"])).code == 2
    skipped = shop("problems", "skip", str(one["problem"]), "--because", "--json is no reason", "--json")
    assert skipped.value == {"problem": one["problem"], "records": 1}
    assert shop("problems", "--json").value == []
