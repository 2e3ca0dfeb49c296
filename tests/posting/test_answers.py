"""The pure parts of the engine: what an answer means, what an unclear request needs next, marks, and the sentinel."""

import datetime
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.prepared import ContactWanted, Predicted, PredictedLine, Prepared
from counterfoil.posting import deciding, deciding_contacts, identity, judging, kinds, rules
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.posting.judging import Judgement
from counterfoil.posting.rules import Rules
from counterfoil.posting.sentinel import SIZE, Mark, Sentinel, is_restored
from counterfoil.store import postings
from counterfoil.store.documents import Document, KnownContact
from counterfoil.store.postings import Posting
from counterfoil.store.requests import Request, Sent
from counterfoil.xero.answers import Answer

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 2)
MONEY = {"sub_total": "21.00", "total_tax": "4.20", "total": "25.20"}


def posting(n: int = 1, **changes: Any) -> Posting:
    """A planned invoice posting."""
    row = postings.row(
        id=n, flow_id="shop", kind="invoice", external_id=f"order-{n}", scope="", entity="acme-uk", tenant_id="t",
        resource="Invoices", marker=identity.marker("shop", "invoice", f"order-{n}", 1), state="sending",
        record_hash="h", source="sales.jsonl:1", number=f"SHOP-{n}", own_number=True, run_id=1, last_run_id=1,
        planned_at=NOW, changed_at=NOW,
    )  # fmt: skip
    return Posting(**row | changes)


def predicted() -> Predicted:
    """What `sale()` of the workbench would come to."""
    line = PredictedLine("200", "OUTPUT2", *map(_decimal, ("21.00", "4.20")))
    amounts = {name: _decimal(value) for name, value in MONEY.items()}
    return Predicted(status="DRAFT", date=DAY, due_date=None, currency="GBP", lines=(line,), **amounts)


def _decimal(text: str) -> Any:
    return msgspec.convert(text, __import__("decimal").Decimal)


def stored(one: Posting, **changes: Any) -> dict[str, Any]:
    """Xero's element for a posting that it took."""
    element = {
        "InvoiceID": f"00000000-0000-4000-8000-{one.id:012}", "InvoiceNumber": one.number, "Status": "DRAFT",
        "Url": f"http://localhost/p/{one.marker}", "Contact": {"ContactID": "c"}, "Date": "/Date(1793577600000+0000)/",
        "CurrencyCode": "GBP", "SubTotal": 21, "TotalTax": 4.2, "Total": 25.2, "StatusAttributeString": "OK",
        "LineItems": [{"AccountCode": "200", "TaxType": "OUTPUT2"}],
    }  # fmt: skip
    return element | changes


def refused(*messages: str) -> dict[str, Any]:
    """Xero's element for one that it refused."""
    errors = [{"Message": message} for message in messages]
    return {"InvoiceID": kinds.ZERO_ID, "StatusAttributeString": "ERROR", "ValidationErrors": errors}


def answer(*elements: dict[str, Any], status: int = 200) -> Answer:
    """An answer with elements."""
    body = json.dumps({"Status": "OK", "Invoices": list(elements)}).encode()
    return Answer(status=status, body=body, content_type="application/json")


def problem(status: int, body: str, content_type: str = "application/json", **headers: str) -> Answer:
    """An answer without elements."""
    return Answer(status=status, body=body.encode(), content_type=content_type, headers=headers)


def sent(*found: Posting) -> list[Sent]:
    """These postings, as frozen."""
    return [Sent(n, one, msgspec.json.encode(predicted()), "c") for n, one in enumerate(found)]


def judged(reply: Answer, *found: Posting, unclear_before: bool = False) -> Judgement:
    """The engine's judgement of an answer."""
    return judging.judge(kinds.INVOICE, reply, sent(*found), unclear_before=unclear_before)


# ---- elements


def test_elements_are_matched_by_position() -> None:
    """Each with its own mark, number and id; one that Xero refused does not stain the others."""
    one, two = posting(1), posting(2)
    found = judged(answer(stored(one), refused("No.")), one, two)
    assert found.verdict == "answered"
    assert [(item.position, item.outcome) for item in found.items] == [(0, "posted"), (1, "rejected")]
    assert found.items[0].differences == ()


@given(order=st.permutations(range(4)))
def test_elements_in_another_order_make_the_whole_answer_unclear(order: list[int]) -> None:
    """A mark at another's position: no element is believed."""
    found = [posting(n) for n in range(1, 5)]
    verdict = judged(answer(*(stored(found[n]) for n in order)), *found).verdict
    assert verdict == ("answered" if order == sorted(order) else "unclear")


@pytest.mark.parametrize(
    "change",
    [{"Url": None}, {"Url": "http://localhost/p/aaaaaaaaaaaaaaaa"}, {"InvoiceID": kinds.ZERO_ID}, {"InvoiceID": None}],
)
def test_an_accepted_element_without_our_mark_or_an_id_makes_the_answer_unclear(change: dict[str, Any]) -> None:
    """It may be anybody's."""
    one = posting()
    assert judged(answer(stored(one, **change)), one).verdict == "unclear"


@given(cut=st.integers(0, 400))
def test_an_answer_that_breaks_off_is_unclear(cut: int) -> None:
    """Wherever it is cut."""
    one = posting()
    whole = answer(stored(one))
    part = msgspec.structs.replace(whole, body=whole.body[: min(cut, len(whole.body) - 1)])
    assert judged(part, one).verdict == "unclear"


def test_what_xero_stored_otherwise_is_posted_and_told() -> None:
    """In a bookkeeper's words, with both values."""
    one = posting()
    line = {"AccountCode": "260", "TaxType": "OUTPUT2"}
    [item] = judged(answer(stored(one, Total=30, CurrencyCode="USD", LineItems=[line])), one).items
    assert item.outcome == "posted"
    assert item.differences == (
        "currency: we expected GBP, Xero stored USD", "total: we expected 25.20, Xero stored 30",
        "line 1 account: we expected 200, Xero stored 260",
    )  # fmt: skip


def test_a_uniqueness_refusal_is_looked_at_first() -> None:
    """Never a rejection by itself."""
    one = posting()
    assert judged(answer(refused("Invoice # must be unique.")), one).items[0].outcome == "look"


def test_after_an_unclear_attempt_every_refused_element_is_looked_at() -> None:
    """The refusal speaks of the second attempt only."""
    one = posting()
    assert judged(answer(refused("No.")), one, unclear_before=True).items[0].outcome == "look"


# ---- whole answers

KEY_CLASH = '{"Message": "Idempotency Key: k is used with a different request."}'
WHOLE = [
    (problem(401, '{"Detail": "TokenExpired: …"}'), "again"),
    (problem(403, '{"Detail": "AuthenticationUnsuccessful"}'), "again"),
    (problem(429, "", **{"retry-after": "9", "x-rate-limit-problem": "minute"}), "again"),
    (problem(400, '{"Type": "ValidationException", "Message": "Bad body"}'), "split"),
    (problem(404, "The resource you're looking for cannot be found", "text/html"), "split"),
    (problem(413, ""), "split"),
    (problem(400, KEY_CLASH), "unclear"),
    (problem(500, ""), "unclear"),
    (problem(503, "The Organisation is offline", "text/plain"), "unclear"),
    (problem(302, ""), "unclear"),
    (problem(201, "{}"), "unclear"),
    (problem(200, "<html>", "text/html"), "unclear"),
]


@pytest.mark.parametrize(("reply", "verdict"), WHOLE)
def test_what_a_whole_answer_means(reply: Answer, verdict: str) -> None:
    """Refused before processing, a bad element inside, or nobody knows."""
    assert judged(reply, posting()).verdict == verdict


@pytest.mark.parametrize("reply", [reply for reply, _verdict in WHOLE])
def test_no_refusal_clears_an_earlier_unclear_attempt(reply: Answer) -> None:
    """Whatever the second attempt is told, the first may have arrived."""
    assert judged(reply, posting(), unclear_before=True).verdict == "unclear"


# ---- what comes next


def request(**changes: Any) -> Request:
    """A request whose first attempt began at NOW and is unclear."""
    values: dict[str, Any] = dict.fromkeys(Request.__struct_fields__)
    values |= {
        "id": 1, "own_number": True, "state": "unclear", "attempts": 1, "unclear_attempts": 1, "looks": 0,
        "first_started": NOW, "last_started": NOW, "frozen_at": NOW,
    }  # fmt: skip
    return Request(**values | changes)


@given(
    attempts=st.integers(1, 4), unclear=st.integers(0, 4), looks=st.integers(0, 4), own=st.booleans(),
    age_s=st.floats(0, 2000), key_life_s=st.floats(1, 1000), quiet_s=st.floats(1, 400),
)  # fmt: skip
def test_a_key_is_used_twice_at_most_and_never_after_its_life(
    attempts: int, unclear: int, looks: int, own: bool, age_s: float, key_life_s: float, quiet_s: float
) -> None:
    """A resend is the second attempt, within the key's life; a look at an unclear one waits out the quiet period."""
    timed = Rules(key_life_s=key_life_s, quiet_s=quiet_s)
    one = request(attempts=attempts, unclear_attempts=unclear, looks=looks, own_number=own)
    now = NOW + datetime.timedelta(seconds=age_s)
    step = rules.next_step(one, timed, now)
    assert step.when >= now
    if step.action == "resend":
        assert (attempts, unclear) == (1, 1)
        assert (step.when - NOW).total_seconds() <= key_life_s - timed.request_timeout_s - rules.KEY_MARGIN_S
        assert own or step.when >= NOW + timed.lease
    elif unclear:
        assert step.when >= NOW + timed.lease


# ---- deciding


def document(**changes: Any) -> Document:
    """A document of the mirror that agrees with `predicted()` but for its mark."""
    values: dict[str, Any] = {
        "tenant_id": "t", "resource": "Invoices", "document_id": "d", "number_key": "shop-1", "number": "SHOP-1",
        "marker": None, "status": "DRAFT", "contact_id": "c", "date": DAY, "currency": "GBP",
        "sub_total": _decimal("21"), "total_tax": _decimal("4.2"), "total": _decimal("25.2"), "reference": None,
        "updated_at": NOW,
    }  # fmt: skip
    return Document(**values | changes)


def prepared(entity: str = "acme-uk") -> Prepared:
    """A checked record."""
    wanted = ContactWanted("cust-1", "Customer 1", None, {})
    return Prepared(
        external_id="order-1", entity=entity, contact=wanted, number="SHOP-1", reference="", element={},
        predicted=predicted(), warnings=(),
    )  # fmt: skip


KNOWN = ContactDecision("known", "c")


@given(
    state=st.sampled_from(["planned", "sending", "posted", "rejected", "uncertain", "held", "cancelled"]),
    same=st.booleans(), marked=st.lists(st.sampled_from(["DRAFT", "AUTHORISED", "VOIDED", "DELETED"]), max_size=3),
    numbered=st.lists(st.tuples(st.sampled_from(["DRAFT", "VOIDED"]), st.booleans()), max_size=2),
    skipped=st.booleans(), known=st.booleans(),
)  # fmt: skip
def test_nothing_is_created_while_something_of_it_exists(
    state: str, same: bool, marked: list[str], numbered: list[tuple[str, bool]], skipped: bool, known: bool
) -> None:
    """Whatever we and Xero know: created only if no posting is on its way or done, no mark of ours and no number stands."""
    existing = posting(state=state, skipped="because" if skipped else None) if known else None
    ours = [document(document_id=f"m{n}", status=status) for n, status in enumerate(marked)]
    there = [document(document_id=f"n{n}", status=status, marker="x" if mark else None)
             for n, (status, mark) in enumerate(numbered)]  # fmt: skip
    decision = deciding.decide(prepared(), "h" if same else "other", existing, ours, there, KNOWN)
    if decision.action == "create":
        assert not ours
        assert not there
        assert existing is None or existing.state not in ("posted", "sending", "uncertain")
        assert not (skipped and same and known)
    if decision.action == "adopt":
        assert decision.document is not None
        assert decision.document.status not in deciding.GONE
    if decision.action in ("hold", "refuse", "change"):
        assert decision.finding is not None
        assert decision.finding.remedy


def test_a_strangers_document_is_adopted_only_when_all_agrees() -> None:
    """Contact, date, currency and total; one that differs is held."""
    agreeing = deciding.decide(prepared(), "h", None, [], [document()], KNOWN)
    assert agreeing.action == "adopt"
    for change in ({"contact_id": "other"}, {"date": NOW.date()}, {"currency": "EUR"}, {"total": _decimal("25.21")},
                   {"status": "VOIDED"}):  # fmt: skip
        assert deciding.decide(prepared(), "h", None, [], [document(**change)], KNOWN).action == "hold"
    assert deciding.decide(prepared(), "h", None, [], [document(), document(document_id="e")], KNOWN).action == "hold"


def test_a_record_never_changes_its_entity() -> None:
    """Named with both, whatever became of the posting."""
    for state in ("planned", "posted", "held", "uncertain"):
        decision = deciding.decide(prepared("acme-au"), "h", posting(state=state), [], [], KNOWN)
        assert decision.action == "hold"
        assert "acme-uk and now names acme-au" in (decision.finding.reason if decision.finding else "")


def known_contact(**changes: Any) -> KnownContact:
    """A contact of the mirror."""
    values: dict[str, Any] = {
        "tenant_id": "t", "contact_id": "c", "number": None, "name": "Customer 1", "name_key": "customer 1",
        "email_key": None, "status": "ACTIVE", "merged_to": None, "updated_at": NOW,
    }  # fmt: skip
    return KnownContact(**values | changes)


@pytest.mark.parametrize(
    ("by_number", "by_name", "policy", "action"),
    [
        ([], [], "hold", "create"),
        ([known_contact(number="cust-1")], [], "hold", "link"),
        ([known_contact(number="cust-1", name_key="other", email_key="a@b.example")], [], "hold", "link"),
        ([known_contact(number="cust-1", name_key="other")], [], "hold", "hold"),
        ([known_contact(number="cust-1", status="ARCHIVED")], [], "hold", "hold"),
        ([], [known_contact()], "hold", "hold"),
        ([], [known_contact()], "link", "link"),
        ([], [known_contact(), known_contact(contact_id="d")], "link", "hold"),
        ([], [known_contact(number="another")], "link", "hold"),
        ([], [known_contact()], "new", "create"),
        ([], [known_contact(status="ARCHIVED")], "hold", "create"),
    ],
)
def test_the_fate_of_a_customer(
    by_number: list[KnownContact], by_name: list[KnownContact], policy: str, action: str
) -> None:
    """Its number first, then a namesake by the flow's policy, then a new contact."""
    wanted = ContactWanted("cust-1", "Customer 1", "A@b.example", {})
    assert deciding_contacts.decide_contact(wanted, None, by_number, by_name, [], policy).action == action


# ---- marks

TEXT = st.text(max_size=40)


@given(a=st.tuples(TEXT, TEXT, TEXT, st.integers(1, 99)), b=st.tuples(TEXT, TEXT, TEXT, st.integers(1, 99)))
def test_a_mark_is_of_its_identity_alone(a: tuple[str, str, str, int], b: tuple[str, str, str, int]) -> None:
    """The same for the same, another for another, also when the parts only meet elsewhere."""
    assert (identity.marker(*a) == identity.marker(*b)) == (a == b)


def test_the_form_of_a_mark_never_changes() -> None:
    """Documents carry it for years."""
    assert identity.marker("f7k2m9", "invoice", "order-1001", 1) == "ngprvfmfuli4rsiw"


@given(base=st.sampled_from(["http://localhost:8321", "https://books.example/a/", "https://x.example/p"]), name=TEXT)
def test_a_mark_is_found_again_wherever_our_links_begin(base: str, name: str) -> None:
    """In the link, with what browsers append; and at the end of a Reference of any length."""
    mark = identity.marker("shop", "invoice", name, 1)
    url = identity.marker_url(base, mark)
    assert identity.find_marker(url, None) == identity.find_marker(f"{url}?x=1", "other") == mark
    reference = identity.with_marker(name * 20, mark, 255)
    assert len(reference) <= 255
    assert identity.find_marker(None, reference) == mark


# ---- the sentinel


def test_an_older_copy_another_file_and_another_installation_are_noticed() -> None:
    """And the same database is not, whether the sentinel is behind by a kill or not."""
    mark = Mark("i", 10, NOW, 77)
    assert [is_restored(mark, "i", 10, 77), is_restored(mark, "i", 11, 77), is_restored(None, "i", 0, 77)] == [
        False
    ] * 3
    assert [is_restored(mark, "i", 9, 77), is_restored(mark, "i", 10, 78), is_restored(mark, "j", 10, 77)] == [True] * 3
    assert is_restored(None, "i", 3, 77), "attempts were made, and their sentinel is gone"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"installation_id": 5}'])
def test_a_sentinel_that_cannot_be_read_counts_as_a_restored_database(tmp_path: Path, content: bytes) -> None:
    """Better one reading too many than a second invoice."""
    path = tmp_path / "db.sentinel"
    path.write_bytes(content)
    assert is_restored(Sentinel(path, None).read(), "i", 5, 0)


def test_a_sentinel_never_goes_back(tmp_path: Path) -> None:
    """Two processes write it: the later count stays, whoever writes last."""
    path = tmp_path / "db.sentinel"
    first, second = Sentinel(path, None), Sentinel(path, None)
    first.move("i", 5, NOW)
    second.move("i", 7, NOW)
    first.move("i", 6, NOW)
    mark = first.read()
    assert mark is not None
    assert mark.sequence == 7


def test_a_sentinel_is_moved_in_place(tmp_path: Path) -> None:
    """A shorter mark leaves nothing of a longer one behind, and the file stays the same one."""
    path = tmp_path / "db.sentinel"
    sentinel = Sentinel(path, None)
    sentinel.move("an installation with a long name", 5, NOW)
    file = path.stat().st_ino
    Sentinel(path, None).move("i", 6, NOW)
    assert sentinel.read() == Mark("i", 6, NOW)
    assert (path.stat().st_ino, path.stat().st_size) == (file, SIZE)


@pytest.mark.parametrize("content", [b"", b"{", b'{"installation_id":"i","sequence":4}', b"x" * SIZE])
def test_a_sentinel_of_another_form_is_written_anew(tmp_path: Path, content: bytes) -> None:
    """One of an earlier version, or a torn one: the next attempt's mark stands there whole."""
    path = tmp_path / "db.sentinel"
    path.write_bytes(content)
    sentinel = Sentinel(path, None)
    sentinel.move("i", 5, NOW)
    assert sentinel.read() == Mark("i", 5, NOW)
