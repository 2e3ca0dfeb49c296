"""on_change = "reissue", and which content counts: mappings that changed, versions, and a database that was emptied."""

from typing import Any

import msgspec
import pytest

from counterfoil.posting import planning
from tests.posting.test_changes import line, only
from tests.posting.test_people import causes, edit, retry
from tests.posting.workbench import Workbench, sale

REISSUE = 'on_change = "reissue"'


def by_number(bench: Workbench) -> dict[str, tuple[str, Any]]:
    """Number → (status, reference)."""
    return {one["InvoiceNumber"]: (one["Status"], one["Reference"]) for one in bench.invoices()}


@pytest.mark.parametrize(
    ("status", "ended"), [("DRAFT", "DELETED"), ("SUBMITTED", "DELETED"), ("AUTHORISED", "VOIDED")]
)
def test_a_changed_record_gets_a_new_document_after_the_old_one_ended(
    bench: Workbench, status: str, ended: str
) -> None:
    """The old one first; the new one bears the number with its issue; the next change makes the third."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1, status=status)])
    report = bench.run([sale(1, status=status, reference="PO 2")])
    number = "SHOP-acme-uk-1"
    assert (report.updated, report.unchanged, report.exit_code) == (1, 0, 0)
    assert by_number(bench) == {number: (ended, "PO 1"), f"{number}-2": (status, "PO 2")}
    assert bench.run().unchanged == 1
    bench.run([sale(1, status=status, reference="PO 3")])
    assert by_number(bench)[f"{number}-3"] == (status, "PO 3")
    assert len(bench.living()) == 1


@pytest.mark.parametrize("what", [{"Reference": "Ask Mary"}, {"Status": "VOIDED"}])
def test_what_would_lose_a_persons_work_is_held(bench: Workbench, what: dict[str, Any]) -> None:
    """Nothing is ended, nothing is made."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    edit(bench, only(bench), **what)
    report = bench.run([sale(1, due_date="2026-12-31")])
    assert (report.held, len(bench.invoices()), len(bench.writes())) == (1, 1, 1)


@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("key_life_s", [360, 1])
def test_an_unclear_reissue_ends_with_one_living_document(
    bench: Workbench, fault: str, method: str, key_life_s: float
) -> None:
    """Whichever half was lost."""
    bench.configure(flow=REISSUE, key_life_s=key_life_s)
    bench.run([sale(1)])
    bench.sandbox.fault(fault, method=method, path="/api.xro/2.0/Invoices", count=1)
    report = bench.run([sale(1, reference="PO 2")])
    assert (report.updated, report.exit_code) == (1, 0)
    assert by_number(bench) == {"SHOP-acme-uk-1": ("VOIDED", "PO 1"), "SHOP-acme-uk-1-2": ("AUTHORISED", "PO 2")}


# ---- two hashes


def one_source(monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[Any]:
    """From now on all records come from the same rows: what differs is the mapping. → the plans that were made."""
    decide, plans = planning.decide_batch, []

    def same_rows(connection: Any, plan: Any, items: Any) -> Any:
        for name, value in more.items():
            setattr(plan, name, value)
        plans.append(plan)
        return decide(connection, plan, [msgspec.structs.replace(item, content_hash="rows") for item in items])

    monkeypatch.setattr(planning, "decide_batch", same_rows)
    return plans


def test_a_changed_mapping_leaves_what_is_posted_alone(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows: unchanged, counted; only new rows, or --remap, apply it."""
    bench.configure(flow='on_change = "update"')
    plans = one_source(monkeypatch)
    bench.run([sale(1)])
    report = bench.run([sale(1, reference="mapped otherwise")])
    assert (report.unchanged, plans[-1].remapped, causes(bench)) == (1, 1, [])
    assert only(bench)["Reference"] == "PO 1"
    one_source(monkeypatch, remap=True)
    assert bench.run().updated == 1
    assert only(bench)["Reference"] == "mapped otherwise"


# ---- versions


def versioned(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """The records of the next runs bear this version."""
    decide = planning.decide_batch

    def with_version(connection: Any, plan: Any, items: Any) -> Any:
        replaced = [
            msgspec.structs.replace(item, prepared=msgspec.structs.replace(item.prepared, version=version))
            for item in items
        ]
        return decide(connection, plan, replaced)

    monkeypatch.setattr(planning, "decide_batch", with_version)


def test_an_older_version_never_replaces_a_newer_one(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday's file after today's: left alone and counted."""
    bench.configure(flow='on_change = "update"')
    with monkeypatch.context() as at:
        versioned(at, 2)
        bench.run([sale(1, reference="today")])
    with monkeypatch.context() as at:
        versioned(at, 1)
        report = bench.run([sale(1, reference="yesterday")])
        assert (report.unchanged, report.exit_code) == (1, 0)
    assert only(bench)["Reference"] == "today"
    with monkeypatch.context() as at:
        versioned(at, 3)
        assert bench.run([sale(1, reference="tomorrow")]).updated == 1
    assert only(bench)["Reference"] == "tomorrow"


# ---- look-alikes


def typed_in(bench: Workbench, **fields: Any) -> dict[str, Any]:
    """Somebody types an invoice for Customer 1 over 25.20 by hand."""
    wanted = {
        "Type": "ACCREC", "Status": "AUTHORISED", "Date": "2026-11-04", "DueDate": "2026-12-04",
        "Contact": {"Name": "Customer 1"},
        "LineItems": [{"Description": "by hand", "Quantity": 1, "UnitAmount": 21, "AccountCode": "200", "TaxType": "OUTPUT2"}],
    }  # fmt: skip
    return bench.sandbox.make(bench.sandbox.tenant(1), "Invoices", wanted | fields)[0]


def test_a_sale_that_a_person_seems_to_have_typed_in_is_held(bench: Workbench) -> None:
    """The same customer, total and currency within three days; a person's word posts it all the same."""
    bench.run([sale(8)])
    made = typed_in(bench)
    report = bench.run([sale(8), sale(1)])
    assert (report.held, report.posted, causes(bench)) == (1, 0, ["look-alike"])
    assert bench.run([sale(8), sale(1)]).held == 1
    retry(bench)
    assert bench.finish().posted == 1
    assert len(bench.living()) == 3
    assert bench.run().unchanged == 2
    assert made["InvoiceID"] in {one["InvoiceID"] for one in bench.living()}


@pytest.mark.parametrize(
    "fields",
    [
        {"Date": "2026-11-06"},
        {"Status": "DRAFT", "LineItems": [line("by hand", "1", "20")]},
        {"Contact": {"Name": "Somebody else"}},
    ],
)
def test_what_only_resembles_it_holds_nothing(bench: Workbench, fields: dict[str, Any]) -> None:
    """Four days away, another total, another customer."""
    bench.run([sale(8)])
    if "LineItems" in fields:
        fields = {**fields, "LineItems": [{"Description": "x", "Quantity": 1, "UnitAmount": 20, "AccountCode": "200"}]}
    typed_in(bench, **fields)
    assert bench.run([sale(8), sale(1)]).posted == 1


def test_our_own_documents_are_no_look_alikes(bench: Workbench) -> None:
    """Two equal sales to one customer on one day are two sales."""
    assert bench.run([sale(1), sale(8)]).posted == 2
    assert bench.run([sale(1), sale(8), sale(15)]).posted == 1
