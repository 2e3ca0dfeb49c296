"""Postings and problems over HTTP: found, told whole, mended; and nothing of another company in any of it."""

import json

import pytest

from counterfoil.store import audit, postings
from tests.posting import workbench
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import sale
from tests.service.api.conftest import ask
from tests.service.api.test_records import PUSH, Desk

__all__ = ["bench", "sandbox"]
NO_ACCOUNT = [{"description": "x", "quantity": "1", "unit_amount": "10.00", "account_code": "999", "tax_type": "NONE"}]


class Office(Desk):
    """The desk, asked more."""

    async def get(self, path, key):
        """A GET that must succeed."""
        answer = await ask(self.api, "GET", path, key)
        assert answer.status == 200, answer.body
        return answer.json

    async def send(self, path, key, body=b""):
        """A POST."""
        return await ask(self.api, "POST", path, key, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.fixture
async def office(bench, monkeypatch):
    """Two companies' records: two that are planned, three that lack an account."""
    monkeypatch.setattr(workbench, "CONFIG", PUSH)
    books = await bench.open()
    made = Office(books)
    au = {"entity": "acme-au", "currency": "AUD"}
    await made.told([
        sale(1), sale(2, lines=NO_ACCOUNT), sale(3, lines=NO_ACCOUNT), sale(4, **au), sale(5, lines=NO_ACCOUNT, **au),
    ])  # fmt: skip
    yield made
    await books.close()


async def test_postings_are_listed_newest_first_in_pages(office):
    """Each once, by state, flow, company and external id."""
    key, seen, after = await office.key("read"), [], None
    while True:
        page = await office.get(f"/v1/postings?limit=2{f'&after={after}' if after else ''}", key)
        seen += [one["external_id"] for one in page["postings"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ["order-5", "order-4", "order-3", "order-2", "order-1"]

    async def found(query):
        page = await office.get(f"/v1/postings?{query}", key)
        return [one["external_id"] for one in page["postings"]]

    assert await found("state=planned") == ["order-4", "order-1"]
    assert await found("state=planned&state=rejected&entity=acme-au") == ["order-5", "order-4"]
    assert await found("external_id=order-2&flow=shop") == ["order-2"]


@pytest.mark.parametrize(
    "query",
    ["state=posted2", "flow=nope", "entity=nope", "after=0", "after=99999999999999999999", "limit=-1", "stat=x"],
)
async def test_a_filter_that_cannot_be_is_refused(office, query):
    """A misspelt one would list everything."""
    answer = await ask(office.api, "GET", f"/v1/postings?{query}", await office.key("read"))
    assert (answer.status, answer.json["code"]) == (422, "fix-input")
    assert answer.json["fields"][0]["field"] == query.partition("=")[0]


async def test_a_posting_tells_its_whole_story(office, bench):
    """As `why` does: the record, what was predicted, what was sent and answered."""
    await office.books.finish()
    key = await office.key("read")
    (listed,) = (await office.get("/v1/postings?external_id=order-1", key))["postings"]
    story = await office.get(f"/v1/postings/{listed['id']}", key)
    assert story["posting"]["state"] == "posted"
    assert story["contents"][0]["record"]["external_id"] == "order-1"
    assert story["sendings"][0]["answer"]["InvoiceNumber"] == "SHOP-acme-uk-1"


async def test_a_key_for_one_company_finds_nothing_of_the_other(office):
    """No posting, no problem, no record of a shared one, and no number that counts it."""
    every, own = await office.key("read"), await office.key("read", "acme-au")
    theirs = {one["external_id"]: one["id"] for one in (await office.get("/v1/postings", every))["postings"]}
    page = await office.get("/v1/postings", own)
    assert [one["external_id"] for one in page["postings"]] == ["order-5", "order-4"]
    hidden, absent = [await ask(office.api, "GET", f"/v1/postings/{one}", own) for one in (theirs["order-1"], 9999)]
    assert hidden.status == absent.status == 404
    assert hidden.body.replace(str(theirs["order-1"]).encode(), b"N") == absent.body.replace(b"9999", b"N")
    assert (await ask(office.api, "GET", "/v1/postings?entity=acme-uk", own)).status == 422
    (whole,), (part,) = [(await office.get("/v1/problems", key))["problems"] for key in (every, own)]
    assert (whole["n"], whole["count"]) == (part["n"], 3)
    assert (part["count"], part["amounts"].keys()) == (1, {"AUD"} & part["amounts"].keys())
    text = json.dumps(await office.get(f"/v1/problems/{part['n']}", own))
    assert "order-5" in text
    assert "acme-uk" not in text
    assert "order-2" not in text


async def test_a_problem_s_records_come_in_pages(office):
    """Each once."""
    key = await office.key("read")
    n = (await office.get("/v1/problems", key))["problems"][0]["n"]
    first = await office.get(f"/v1/problems/{n}?limit=2", key)
    rest = await office.get(f"/v1/problems/{n}?limit=2&after={first['next']}", key)
    assert [one["external_id"] for one in (*first["records"], *rest["records"])] == ["order-2", "order-3", "order-5"]
    assert rest["next"] is None
    assert (await ask(office.api, "GET", f"/v1/problems/{n}?after=x9", key)).status == 422


async def test_a_problem_is_fixed_retried_and_posted(office, bench):
    """In the key's name; of one company alone where the key is for it alone."""
    key = await office.key("admin", "acme-uk")
    n = (await office.get("/v1/problems", key))["problems"][0]["n"]
    fixed = await office.send(f"/v1/problems/{n}/fix", key, {"use": "200", "because": "old code"})
    assert (fixed.status, fixed.json["cured"]) == (200, 2), fixed.body
    retried = await office.send(f"/v1/problems/{n}/retry", key)
    assert retried.json == {"problem": n, "planned": 2}
    await office.books.finish()
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == [f"SHOP-acme-uk-{n}" for n in (1, 2, 3)]
    left = await office.books.database.read(lambda conn: postings.of_records(conn, "shop", ["order-5"]))
    assert left["order-5"].state == "rejected"
    entries = await office.books.database.read(lambda conn: audit.chain(conn, "acme-uk"))
    mine = f"api-key:{key.split('_')[1]}"
    assert {one.act for one in entries if one.actor == mine} >= {"fix stored", "problem retried"}


async def test_a_skip_needs_a_reason_that_is_kept(office):
    """And takes off one record, or all of what the key sees."""
    key = await office.key("admin", "acme-uk")
    n = (await office.get("/v1/problems", key))["problems"][0]["n"]
    for body in ({}, {"because": ""}, {"because": "  "}, {"because": 7}, {"because": "x", "onyl": "y"}):
        assert (await office.send(f"/v1/problems/{n}/skip", key, body)).status in (400, 422), body
    none = await office.send(f"/v1/problems/{n}/skip", key, {"because": "test", "only": "order-5"})
    assert none.status == 404
    one = await office.send(f"/v1/problems/{n}/skip", key, {"because": "test order", "only": "order-2"})
    assert one.json == {"problem": n, "skipped": 1}
    rest = await office.send(f"/v1/problems/{n}/skip", key, {"because": "test orders"})
    assert rest.json == {"problem": n, "skipped": 1}
    ids = ["order-2", "order-5"]
    found = await office.books.database.read(lambda conn: postings.of_records(conn, "shop", ids))
    assert {key: one.skipped for key, one in found.items()} == {"order-2": "test order", "order-5": None}


@pytest.mark.parametrize(("rights", "status"), [("read", 403), ("write", 403), ("admin", 404)])
async def test_cures_take_the_right_to_mend(office, rights, status):
    """A key that hands records over does not decide about them."""
    key = await office.key(rights)
    for act, body in (("retry", b""), ("skip", {"because": "x"}), ("fix", {"use": "x"})):
        assert (await office.send(f"/v1/problems/77/{act}", key, body)).status == status


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"use": None},
        {"set": {}},
        {"set": {"a": 1}},
        {"use": 7},
        {"date": "soon"},
        {"use": "x" * 501},
        b"[",
        b"[1]",
        b"{}{}",
    ],
)
async def test_a_fix_that_says_nothing_usable_is_refused(office, body):
    """Nothing is stored."""
    key = await office.key("admin")
    n = (await office.get("/v1/problems", key))["problems"][0]["n"]
    answer = await office.send(f"/v1/problems/{n}/fix", key, body)
    assert answer.status in (400, 422), answer.body
    assert await office.books.fixes() == []
