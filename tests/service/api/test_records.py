"""Records over HTTP: each one posting however often it is sent, told in its place, and on disk before the answer."""

import asyncio
import json

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.app import api_keys
from counterfoil.app.handing import planning
from counterfoil.service import guard
from counterfoil.service.api import application
from counterfoil.store import handed, postings, runs, schema
from tests.posting import workbench
from tests.posting.conftest import bench, sandbox
from tests.posting.test_surroundings import pragma
from tests.posting.workbench import sale
from tests.service.api.conftest import ask

__all__ = ["bench", "sandbox"]
PATH = "/v1/flows/shop/records"
PUSH = workbench.CONFIG.replace('source = {{ jsonl = "sales.jsonl" }}', "source = {{ push = true }}")


class Desk:
    """A program with a key, and the API before the books."""

    def __init__(self, books):
        self.books = books
        self.api = application.made(books, guard.known_hosts(()))

    async def key(self, rights="write", *entities):
        """A new key's text."""
        return (await api_keys.create(self.books, "till", rights=rights, entities=entities)).api_key

    async def post(self, body, key=None, path=PATH, **headers):
        """Hand something over."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await ask(self.api, "POST", path, key or await self.key(), raw, **headers)

    async def told(self, body, *args, **more):
        """What became of each record."""
        answer = await self.post(body, *args, **more)
        assert answer.status == 202, answer.body
        return answer.json["records"]

    async def all_postings(self):
        """Every posting of the flow's records, by external id."""
        ids = [f"order-{n}" for n in range(50)]
        return await self.books.database.read(lambda conn: postings.of_records(conn, "shop", ids))


@pytest.fixture
async def desk(bench, monkeypatch):
    """A flow whose records programs hand over, of three companies."""
    monkeypatch.setattr(workbench, "CONFIG", PUSH)
    books = await bench.open()
    yield Desk(books)
    await books.close()


async def test_records_become_postings_in_their_order_and_are_posted_once(desk, bench):
    """Two good ones around three bad ones; sent again they are the same postings, and Xero has each once."""
    wrong = sale(
        9, lines=[{"description": "x", "quantity": "1", "unit_amount": "1", "account_code": "nope", "tax_type": "NONE"}]
    )
    body = [sale(1), 7, wrong, sale(2, lines=[]), sale(3)]
    first = await desk.told(body)
    assert [one["n"] for one in first] == [0, 1, 2, 3, 4]
    assert [one["state"] for one in first] == ["planned", "refused", "rejected", "rejected", "planned"]
    assert "account_code" in first[2]["problems"][0]["field"]
    assert first[2]["problems"][0]["remedy"]
    await desk.books.finish()
    again = await desk.told(body)
    assert [one["id"] for one in again] == [one["id"] for one in first]
    assert [one["state"] for one in again] == ["posted", "refused", "rejected", "rejected", "posted"]
    assert again[0]["document"]["number"] == "SHOP-acme-uk-1"
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == ["SHOP-acme-uk-1", "SHOP-acme-uk-3"]


async def test_two_identical_requests_at_once_make_one_posting_each(desk, bench):
    """Ten at the same time, of the same three records."""
    key = await desk.key()
    answers = await asyncio.gather(*(desk.told([sale(n) for n in range(3)], key) for _ in range(10)))
    assert len({tuple(one["id"] for one in answer) for answer in answers}) == 1
    await desk.books.finish()
    assert len(bench.living()) == 3
    assert set(bench.marks().values()) == {1}


async def test_many_small_requests_share_what_is_asked_of_xero(desk, bench):
    """Twenty tills at once cost no more calls than three plans, and each plans its own record."""
    key = await desk.key()
    await desk.told([sale(40)], key)
    before = len(bench.sandbox.requests())
    waiting = [asyncio.create_task(desk.told([sale(n)], key)) for n in range(16)]
    found = await asyncio.gather(*waiting)
    assert [one[0]["state"] for one in found] == ["planned"] * 16
    assert len(bench.sandbox.requests()) - before <= 9


async def test_a_changed_record_that_was_not_sent_is_a_revision_of_its_posting(desk, bench):
    """And one that Xero has is treated as the flow's on_change says: held."""
    (first,) = await desk.told([sale(1)])
    (changed,) = await desk.told([sale(1, reference="PO other")])
    assert (changed["id"], changed["state"]) == (first["id"], "planned")
    await desk.books.finish()
    (held,) = await desk.told([sale(1, reference="PO third")])
    assert held["id"] == first["id"]
    assert held["problems"]
    assert [one["Reference"] for one in bench.living()] == ["PO other"]


async def test_one_request_that_contradicts_itself_sends_neither(desk):
    """The same external id twice with other content."""
    told = await desk.told([sale(1), sale(1, reference="other"), sale(2)])
    assert [one["state"] for one in told] == ["held", "held", "planned"]
    assert told[0]["problems"][0]["code"] == "twice-with-different-content"


async def test_json_lines_are_taken_too(desk):
    """One record per line; a broken line is told in its place."""
    body = "\n".join([json.dumps(sale(1)), "{", "", json.dumps(sale(2))]).encode()
    told = await desk.told(body, content_type="application/x-ndjson")
    assert [one["state"] for one in told] == ["planned", "refused", "planned"]


async def test_a_record_for_another_company_is_refused_and_the_good_ones_go_on(desk):
    """A key for one company hands nothing over for another, nor touches a record of it."""
    (theirs,) = await desk.told([sale(7, entity="acme-au", currency="AUD")])
    assert theirs["state"] == "planned", theirs
    key = await desk.key("write", "acme-uk")
    nameless = {name: value for name, value in sale(3).items() if name != "entity"}
    told = await desk.told([sale(1), sale(2, entity="acme-au"), nameless, sale(7), sale(4) | {"entity": "nobody"}], key)
    assert [one["state"] for one in told] == ["planned", "refused", "refused", "refused", "refused"]
    assert [one["problems"][0]["code"] for one in told[1:]] == [
        "not-yours",
        "no-entity",
        "taken-by-another",
        "not-yours",
    ]
    assert not any("acme-au" in json.dumps(one) for one in (told[2], told[3]))
    kept = (await desk.all_postings())["order-7"]
    assert (kept.state, kept.entity, kept.id) == ("planned", "acme-au", theirs["id"])


async def test_a_key_that_may_only_read_hands_nothing_over(desk):
    """403, and nothing is kept."""
    answer = await desk.post([sale(1)], await desk.key("read"))
    assert (answer.status, answer.json["code"]) == (403, "rights")
    assert await desk.books.database.read(handed.flows) == set()
    assert await desk.all_postings() == {}


async def test_a_flow_that_there_is_not_is_not_found(desk):
    """With the nearest one."""
    answer = await desk.post([sale(1)], path="/v1/flows/shpo/records")
    assert (answer.status, answer.json["code"]) == (404, "not-found")
    assert "shop" in answer.json["remedy"]


DEEP = b"[" * 20_000 + b"]" * 20_000


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"{}", b"7", b"null", b'"x"', b"[", b"[NaN]", b"\xff", b'{"records":[]}', b'{"records":[{}],"rows":[{}]}',
        b'{"record":[{}]}', b'{"rows":[{"a":1}]}', b"[" + b"{}," * 1000 + b"{}]", DEEP, b'{"records":{}}', b" ",
    ],
)  # fmt: skip
async def test_a_body_that_holds_no_records_is_refused_whole(desk, body):
    """422 with what to send; nothing is kept."""
    answer = await desk.post(body)
    assert (answer.status, answer.json["code"]) == (422, "fix-input"), answer.body
    assert answer.json["remedy"]
    assert body.strip() or answer.json["detail"] == "There is no record in the body."
    assert await desk.books.database.read(handed.flows) == set()


@pytest.mark.parametrize(
    "raw",
    [
        b'{"external_id":"a","external_id":"b"}', b"[1]", b"null", b'"x"', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"external_id":"order-1","amount":NaN}', b'{"external_id":"\\ud800"}',
    ],
)  # fmt: skip
async def test_what_is_no_record_is_told_in_its_place(desk, raw):
    """A key twice, a list, depth without end, a number that is none: refused, or the whole body is no JSON."""
    answer = await desk.post(b"[" + raw + b"," + json.dumps(sale(2)).encode() + b"]")
    if answer.status == 422:
        assert await desk.all_postings() == {}
        return
    assert [one["state"] for one in answer.json["records"]] == ["refused", "planned"]


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": "many"}, {"external_id": 7}, {"date": "yesterday"}, {"expected_total": 1e300}, {"currency": "GB\x00"},
        {"lines": [{"description": "x", "quantity": "9" * 400, "unit_amount": "1"}]}, {"unknown": 1}, {"external_id": "a,b"},
        {"contact": None}, {"external_id": ""},
    ],
)  # fmt: skip
async def test_a_record_of_the_wrong_form_is_kept_as_a_problem_and_not_posted(desk, changes):
    """Whatever stands in it: never a 500, never planned, always a reason and a remedy; the next one goes on."""
    told = await desk.told([sale(1, **changes), sale(2)])
    assert told[0]["state"] in ("rejected", "held"), told
    assert told[0]["problems"][0]["reason"]
    assert told[0]["problems"][0]["remedy"]
    assert told[1]["state"] == "planned"


async def test_ten_megabytes_are_refused_before_they_are_read(desk):
    """413."""
    answer = await desk.post(b"[" + b" " * (10 << 20) + b"]")
    assert (answer.status, answer.json["code"]) == (413, "too-large")


async def test_what_was_taken_is_planned_after_a_kill(desk, bench, monkeypatch):
    """The process ends after the records are on disk and before they are planned: the service plans them, once."""
    original = planning.plan

    async def killed(*_args):
        raise asyncio.CancelledError

    monkeypatch.setattr(planning, "plan", killed)
    with pytest.raises(asyncio.CancelledError):
        await desk.post([sale(1), sale(2)])
    assert await desk.books.database.read(handed.flows) == {"shop"}
    assert await desk.all_postings() == {}
    monkeypatch.setattr(planning, "plan", original)
    await asyncio.gather(*(planning.plan(desk.books, desk.books.flow("shop")) for _ in range(3)))
    assert sorted(await desk.all_postings()) == ["order-1", "order-2"]
    assert await desk.books.database.read(handed.flows) == set()
    await desk.books.finish()
    assert len(bench.living()) == 2


async def test_a_full_disk_takes_all_of_a_request_or_nothing(desk, bench):
    """No page is left for it: 503, nothing of it kept; with room the same is sent again and is there once."""
    key = await desk.key()
    many = [sale(n, reference="x" * 200) for n in range(1, 41)]
    await desk.told([sale(0)], key)  # what a key's first use and a plan write is there
    pages = await pragma(desk.books, "PRAGMA page_count")
    for left in (0, 1, 3):
        await pragma(desk.books, f"PRAGMA max_page_count = {pages + left}")
        answer = await desk.post(many, key)
        assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json"), answer.body
        assert answer.json["remedy"]
        assert await desk.books.database.read(handed.flows) == set()
    await pragma(desk.books, "PRAGMA max_page_count = 1000000000")
    assert {one["state"] for one in await desk.told(many, key)} == {"planned"}
    await desk.books.finish()
    assert len(bench.living()) == 41


async def test_what_was_kept_is_not_refused_when_its_plan_fails(desk, monkeypatch):
    """202 and why it waits: a program that was told otherwise would think that nobody has it."""

    async def failing(*_args):
        raise errors.StoreError("The disk is full.", remedy="Make room.")

    with monkeypatch.context() as patched:
        patched.setattr(planning, "plan", failing)
        told = await desk.told([sale(1), 7])
    assert [one["state"] for one in told] == ["received", "refused"]
    assert told[0]["problems"][0]["reason"] == "The disk is full."
    assert not await planning.plan(desk.books, desk.books.flow("shop"))
    assert sorted(await desk.all_postings()) == ["order-1"]


async def test_what_xero_cannot_be_asked_about_is_received_and_waits(desk, bench):
    """No plan without the ledger; when Xero is back it is planned and nothing has to be sent again."""
    bench.sandbox.fault("503", path="/api.xro", count=1000)
    told = await desk.told([sale(1)])
    assert [(one["state"], one["id"]) for one in told] == [("received", None)]
    assert await planning.plan(desk.books, desk.books.flow("shop"))
    bench.sandbox.clear_faults()
    await asyncio.sleep(0.02)  # the client's own pause after an outage
    assert not await planning.plan(desk.books, desk.books.flow("shop"))
    assert sorted(await desk.all_postings()) == ["order-1"]


async def test_wait_tells_when_it_is_posted(desk):
    """The answer comes when Xero has it."""
    key = await desk.key()
    asked = asyncio.create_task(desk.told([sale(1)], key, path=f"{PATH}?wait=30"))
    while not await desk.all_postings():  # noqa: ASYNC110 - what happens in the database sets no event
        await asyncio.sleep(0.01)
    await desk.books.finish()
    (told,) = await asked
    assert (told["state"], told["document"]["number"]) == ("posted", "SHOP-acme-uk-1")


async def test_what_became_of_a_record_is_forgotten_after_a_day(desk, monkeypatch):
    """Its posting stays; what is kept beside it for the answer does not."""
    await desk.told([sale(1)])
    monkeypatch.setattr(planning, "KEPT", -planning.KEPT)
    await desk.told([sale(2)])
    left = await desk.books.database.read(
        lambda conn: conn.execute(sa.select(sa.func.count(schema.handed.c.id))).scalar()
    )
    assert left == 0
    assert sorted(await desk.all_postings()) == ["order-1", "order-2"]


async def test_a_request_is_a_run_that_can_be_proved_and_taken_back(desk, bench):
    """As a run of a file is."""
    await desk.told([sale(1), sale(2)])
    await desk.books.finish()
    runs_made = await desk.books.database.read(lambda conn: runs.latest(conn, 5))
    (run,) = [one.id for one in runs_made if one.command == "records"]
    assert (await desk.books.prove("shop")).holds
    plan = await desk.books.undo_plan(run)
    assert len(plan.lines) == 2
    await desk.books.undo(run)
    assert bench.living() == []


async def test_the_run_is_in_the_key_s_name_and_no_record_stays_in_the_waiting_room(desk):
    """Who did it; what is planned is kept by its posting alone."""
    key = await desk.key()
    await desk.told([sale(1)], key)
    (run,) = await desk.books.database.read(lambda conn: runs.latest(conn, 1))
    assert (run.actor, run.command) == (f"api-key:{key.split('_')[1]}", "records")
    kept = await desk.books.database.read(lambda conn: handed.of_request(conn, handed_request(conn)))
    assert [one.record for one in kept] == [None]


def handed_request(conn):
    """The request that was kept last."""
    return conn.execute(sa.select(schema.handed.c.request).order_by(schema.handed.c.id.desc())).scalars().first()
