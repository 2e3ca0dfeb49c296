"""Who gets in, and what everybody else is told."""

import asyncio
import datetime
import gzip
import logging

import pytest

from counterfoil import errors
from counterfoil.app import api_keys
from counterfoil.service.api import gate
from counterfoil.store import api_keys as rows
from counterfoil.store import audit

REFUSED = "/v1/entities"


async def test_a_key_opens_what_it_is_for(house):
    """One of all entities sees all of them, one of some sees those."""
    everything = await house.get("/v1/entities", await house.key())
    one = await house.get("/v1/entities", await house.key("read", "acme-au"))
    assert everything.status == one.status == 200
    assert [found["entity"] for found in everything.json["entities"]] == ["acme-uk", "acme-au", "acme-nl"]
    assert [found["entity"] for found in one.json["entities"]] == ["acme-au"]
    assert one.json["entities"][0]["organisation"] == "Acme AU Pty"


@pytest.mark.parametrize(
    "given",
    [
        None, "", "Bearer", "Bearer ", "Bearer cf_", "Basic dXNlcjpw", "Bearer cf_aaaaaaaa_" + "a" * 52, "Bearer \xff",
        "Bearer " + "x" * 8_000,
    ],
)  # fmt: skip
async def test_nobody_gets_in_without_a_key(house, given):
    """Whatever is sent in its place: 401, how to send one, and the same at addresses that there are not."""
    headers = {} if given is None else {"authorization": given}
    for path in ("/v1/entities", "/v1/nothing", "/v1", "/v1/entities/acme-uk/invoices"):
        answer = await house.get(path, **headers)
        assert (answer.status, answer.json["code"]) == (401, "no-key")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "counterfoil api-keys create" in answer.json["remedy"]


async def test_an_altered_key_opens_nothing(house):
    """Another secret under a prefix that there is."""
    key = await house.key()
    altered = key[:-1] + ("a" if key[-1] != "a" else "b")
    answers = [await house.get(REFUSED, one) for one in (altered, key.upper(), key + "a", key[3:], key)]
    assert [one.status for one in answers] == [401, 401, 401, 401, 200]


async def test_a_revoked_key_opens_nothing_from_the_next_request_on(house):
    """And an expired one."""
    key = await house.key()
    assert (await house.get(REFUSED, key)).status == 200
    await api_keys.revoke(house.books, key.split("_")[1])
    assert (await house.get(REFUSED, key)).status == 401
    short = await house.key(expires="1h")
    await house.books.database.run(
        lambda conn: conn.execute(
            rows._T.update().values(expires_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        )
    )
    assert (await house.get(REFUSED, short)).status == 401


async def test_when_a_key_was_used_is_written_once_a_minute(house):
    """Not with each request."""
    key = await house.key()
    assert (await api_keys.listed(house.books))[0].last_used_at is None
    await house.get(REFUSED, key)
    first = (await api_keys.listed(house.books))[0].last_used_at
    await house.get(REFUSED, key)
    assert first is not None
    assert (await api_keys.listed(house.books))[0].last_used_at == first


async def test_what_is_kept_of_a_key_is_no_key(house):
    """Neither the database nor the audit log has it, and the log has its prefix alone."""
    key = await house.key()
    await api_keys.revoke(house.books, key)
    dump = await house.books.database.read(lambda conn: str(conn.exec_driver_sql("select * from api_keys").all()))
    entries = await house.books.database.read(lambda conn: audit.chain(conn, ""))
    prefix, secret = key.split("_")[1:]
    assert prefix in dump
    assert secret not in dump
    assert [one.act for one in entries] == ["api key made", "api key revoked"]
    assert all(prefix.encode() in one.data and b"a program" not in one.data for one in entries)


async def test_a_key_that_somebody_wrote_into_the_database_opens_nothing(house):
    """Its hash is keyed with a root that only the master key opens: copying another row's fields makes no key."""
    key = await house.key()

    def forge(conn):
        row = rows.by_prefix(conn, key.split("_")[1])
        import hashlib

        text = "b" * 8, "c" * 52
        made = hashlib.sha256(" ".join(text).encode()).digest()
        values = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("id", "prefix", "hash")}
        rows.add(conn, prefix=text[0], hash=made, **values)

    await house.books.database.run(forge)
    assert (await house.get(REFUSED, "cf_" + "b" * 8 + "_" + "c" * 52)).status == 401


async def test_another_host_name_is_refused_before_anything(house):
    """A page whose name leads to this machine gets nothing, with a key as without."""
    answer = await house.get(REFUSED, await house.key(), host="evil.example")
    assert (answer.status, answer.json["code"]) == (421, "misdirected")


async def test_what_every_answer_carries(house):
    """It is kept by nobody, read as nothing else, and open to no page of another origin."""
    for answer in (
        await house.get(REFUSED, await house.key(), origin="https://evil.example"),
        await house.get(REFUSED),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not any(name.startswith("access-control") for name in answer.headers)


async def test_methods(house):
    """HEAD is GET, OPTIONS and a wrong method say what there is."""
    key = await house.key("admin")
    head = await house.ask("HEAD", REFUSED, key)
    options = await house.ask("OPTIONS", REFUSED, key)
    wrong = await house.ask("DELETE", REFUSED, key)
    nothing = await house.get("/v1/nothing", key)
    assert head.status == 200
    assert (options.status, set(options.headers["allow"].split(", "))) == (204, {"GET", "OPTIONS"})
    assert (wrong.status, wrong.json["code"]) == (405, "method")
    assert "GET" in wrong.headers["allow"]
    assert (nothing.status, nothing.json["code"]) == (404, "not-found")


async def test_a_query_that_nobody_knows(house):
    """A misspelt filter is refused with the right name, and without its value."""
    answer = await house.get(REFUSED + "?limt=5", await house.key())
    assert (answer.status, answer.json["fields"][0]["field"]) == (422, "limt")


@pytest.mark.parametrize("query", ["limit=1&limit=500", "entity=acme-uk&entity=acme-au", "after=1&after=1"])
async def test_what_is_asked_for_twice_is_refused(house, query):
    """One of the two would be answered in silence; a list may come several times."""
    key = await house.key()
    answer = await house.get(f"/v1/postings?{query}", key)
    assert (answer.status, answer.json["fields"][0]["field"]) == (422, query.partition("=")[0])
    assert (await house.get("/v1/postings?state=posted&state=held", key)).status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP, identity", "x" * 500])
async def test_a_body_in_another_encoding_is_refused_unread(house, coding):
    """A few bytes may be gigabytes: 415, with what is taken; `identity` is the body as it is."""
    key = await house.key("admin")
    answer = await house.ask(
        "POST", "/v1/problems/1/skip", key, gzip.compress(b'{"because":"x"}'), content_encoding=coding
    )
    assert (answer.status, answer.json["code"], answer.headers["accept-encoding"]) == (415, "media-type", "identity")
    plain = await house.ask("POST", "/v1/problems/1/skip", key, {"because": "x"}, content_encoding="identity")
    assert plain.status == 404


async def test_a_body_of_two_lengths_is_refused(house):
    """Where a proxy goes by the other one, the rest of it would be somebody's next request."""
    key = await house.key("admin")
    answer = await house.ask("POST", "/v1/problems/1/skip", key, {"because": "x"}, transfer_encoding="chunked")
    assert (answer.status, answer.json["code"], answer.headers["connection"]) == (400, "bad-request", "close")


async def test_sizes(house):
    """A body that says it is too large, one that is, and a query without end."""
    key = await house.key("admin")
    said = await house.ask("POST", REFUSED, key, b"{}", content_length=str(gate.BODY_BYTES_MAX + 1))
    large = await house.ask("POST", REFUSED, key, b" " * (gate.BODY_BYTES_MAX + 1), content_length="")
    query = await house.get(REFUSED + "?" + "a=b&" * 300, key)
    kind = await house.ask("POST", REFUSED, key, b"a=b", content_type="application/x-www-form-urlencoded")
    assert [one.status for one in (said, large, query, kind)] == [413, 413, 400, 415]


async def test_requests_of_one_key_at_once_are_bounded(house, monkeypatch):
    """The next one is told to come again, and another key does not notice."""
    monkeypatch.setattr(gate, "KEY_REQUESTS_MAX", 1)
    first, second = await house.key(), await house.key()
    enough, inside = asyncio.Event(), asyncio.Event()
    framework = house.api._app

    async def slow(scope, receive, send):
        inside.set()
        await enough.wait()
        await framework(scope, receive, send)

    house.api._app = slow
    running = asyncio.create_task(house.get(REFUSED, first))
    await inside.wait()
    refused = await house.get(REFUSED, first)
    house.api._app = framework
    other = await house.get(REFUSED, second)
    enough.set()
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert other.status == 200
    assert (await running).status == 200
    assert not house.api._running


async def test_the_log_has_no_values_of_a_query(house, caplog):
    """One line for a request: what, how it ended, by which key."""
    caplog.set_level(logging.INFO, "counterfoil.api")
    key = await house.key()
    await house.get(REFUSED + "?contact=Blue+Fern", key)
    [line] = [one for one in caplog.records if one.name == "counterfoil.api"]
    assert line.getMessage() == "GET /v1/entities ?contact: 422"
    assert line.key == key.split("_")[1]
    assert "Fern" not in str(vars(line))
    assert key not in str(vars(line))


async def test_what_nobody_foresaw_is_told_to_nobody(house, caplog):
    """500 with our words; the log has what happened."""

    async def broken(_scope, _receive, _send):
        raise RuntimeError("inner words")

    house.api._app = broken
    answer = await house.get(REFUSED, await house.key())
    assert (answer.status, answer.json["code"]) == (500, "unforeseen")
    assert b"inner words" not in answer.body
    assert "inner words" in caplog.text


async def test_what_no_text_of_ours_has_is_refused_at_the_gate(house):
    """A NUL, which Postgres keeps in no text, in an address or a query; and a body that is nested without end."""
    key = await house.key("admin")
    assert (await house.get("/v1/entities/\0", key)).status == 400
    nul = await house.get("/v1/changes?wait=1&after=4%00", key)
    assert (nul.status, nul.json["fields"][0]["field"]) == (422, "after")
    for body in (b"[" * 200_000, b'{"a":' * 100_000, b"\xff\xfe", b"[NaN]"):
        answer = await house.ask("POST", "/v1/problems/1/skip", key, body)
        assert (answer.status, answer.json["code"]) == (400, "bad-request")
    assert (await house.ask("POST", "/v1/problems/1/skip", key)).json["fields"][0] == {
        "field": "body",
        "detail": "It is missing.",
        "where": "body",
    }


async def test_a_stranger_is_not_told_what_is_wrong_with_the_master_key(house, monkeypatch):
    """Only that keys cannot be looked at; where the file should be, the log says."""

    async def without(_books, _text):
        raise errors.MasterKeyError("There is no file /secret/place.", remedy="Put it back to /secret/place.")

    monkeypatch.setattr(api_keys, "caller", without)
    answer = await house.get(REFUSED, "cf_x")
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "stop", "30")
    assert b"secret" not in answer.body


async def test_a_full_disk_keeps_nobody_from_reading(house, monkeypatch):
    """That the key was used is not written then."""
    key = await house.key()

    async def full(_work):
        raise errors.StoreError("The disk is full.")

    monkeypatch.setattr(house.books.database, "run", full)
    assert (await house.get(REFUSED, key)).status == 200
    assert (await api_keys.listed(house.books))[0].last_used_at is None


async def test_bodies_that_are_here_at_once_are_bounded(house, monkeypatch):
    """The next one is told to come again; when one is done its room is free."""
    monkeypatch.setattr(gate, "BODIES_BYTES_MAX", 1_000)
    key = await house.key("admin")
    refused = await house.ask("POST", "/v1/problems/1/skip", key, b"[" + b" " * 1_000 + b"]")
    assert (refused.status, refused.json["code"]) == (429, "too-many")
    assert (await house.ask("POST", "/v1/problems/1/skip", key, b"[" + b" " * 900 + b"]")).status == 422
    assert house.api._bytes == 0
