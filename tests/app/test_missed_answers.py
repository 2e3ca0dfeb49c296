"""An answer to our own write goes into the copy and on to whoever is handed changes; where it cannot, a person is told until it is there."""

import asyncio
from typing import Any

import msgspec
import pytest

from counterfoil import errors
from counterfoil.app import missed_answers
from counterfoil.mirror.mirroring import Mirror
from counterfoil.store import notices
from tests.app.test_own_echo import looked, told
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import Workbench, sale

__all__ = ["bench", "sandbox", "wide"]


def said(bench: Workbench) -> list[str]:
    """What a person is told of answers now, after the service's housekeeping."""

    async def work(books: Any) -> list[str]:
        await missed_answers.settle(books)
        found = await books.database.read(lambda conn: notices.standing(conn, missed_answers.KIND))
        return [one.message for one in found if one.subject.startswith(missed_answers.SUBJECT)]

    found: list[str] = asyncio.run(bench.use(work))
    return found


@pytest.mark.parametrize("wrong", [errors.Unclear("Jane Doe."), msgspec.DecodeError("Jane Doe"), AttributeError("x")])
def test_an_answer_that_cannot_be_taken_is_told_until_the_copy_has_it(
    wide: Workbench, monkeypatch: pytest.MonkeyPatch, wrong: Exception
) -> None:
    """With its kind and place, and none of its words, which may be a customer's; the posting stands whatever it is."""
    looked(wide)

    async def fail(*_given: Any) -> None:
        raise wrong

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "apply", fail)
        report = wide.run([sale(1)])
    assert (report.posted, report.problems) == (1, 0)
    of_contacts, of_invoices = said(wide)
    begin = "What Xero answered to our own write of Invoices could not be taken into the copy:"
    assert of_invoices.startswith(f"{begin} {type(wrong).__name__} at test_missed_answers.py:")
    assert "Jane" not in of_contacts + of_invoices
    looked(wide, "Invoices")
    assert said(wide) == [of_contacts]
    looked(wide, "Contacts")
    assert said(wide) == []


def test_whoever_is_handed_changes_is_woken_by_our_own_write(wide: Workbench) -> None:
    """Once for the contact, once for the invoice; a run that writes nothing wakes nobody."""
    looked(wide)
    hints: list[tuple[str, str]] = []

    async def work(books: Any) -> None:
        async def wake(kind: str, key: str) -> None:
            hints.append((kind, key))

        books.wake = wake
        await books.run("shop")
        await books.run("shop")

    wide.write([sale(1)])
    asyncio.run(wide.use(work))
    assert hints == [("deliver", "*")] * 2
    assert [name for name, _by in told(wide)] == ["contact.created", "invoice.created", "invoice.approved"]
