"""A person edits what we wrote before our answer is taken into the copy: each of the two is told once, and the edit stays."""

import asyncio
from typing import Any

import msgspec
import pytest

from counterfoil.app import syncing
from counterfoil.app.own_answers import OwnAnswers
from counterfoil.store import happenings
from tests.app.test_own_echo import looked, told
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import Workbench, sale

__all__ = ["bench", "sandbox", "wide"]


@pytest.mark.parametrize("is_seen_first", [True, False], ids=["a look saw the edit", "nobody looked"])
def test_an_edit_between_our_write_and_its_answer_is_somebody_elses_and_is_not_taken_back(
    wide: Workbench, monkeypatch: pytest.MonkeyPatch, is_seen_first: bool
) -> None:
    """Whether a look brought the edit before the answer came, or after it: the older of the two never overwrites the newer."""
    looked(wide)
    take = OwnAnswers.take

    async def late(self: OwnAnswers, request: Any, answer: Any) -> None:
        if request.resource == "Invoices":
            wide.sandbox.advance(2)
            wide.sandbox.edit(wide.sandbox.tenant(1), wide.living()[0]["InvoiceID"], Reference="BY-HAND")
            if is_seen_first:
                client = await self._books.client("acme-uk")
                await syncing.mirror(self._books).catch_up(client, "Invoices")
        await take(self, request, answer)

    with monkeypatch.context() as patch:
        patch.setattr(OwnAnswers, "take", late)
        assert wide.run([sale(1)]).posted == 1
    looked(wide)
    looked(wide)
    made = ["invoice.created", "invoice.approved"]
    if is_seen_first:
        assert told(wide, "Invoices") == [(name, "others") for name in made]
    else:
        assert told(wide, "Invoices") == [*((name, "invoice") for name in made), ("invoice.updated", "others")]

    async def last(books: Any) -> Any:
        found = await books.database.read(lambda conn: happenings.after(conn, 0, None, 100))
        return msgspec.json.decode([one for one in found if one.resource == "Invoices"][-1].body)["after"]

    assert asyncio.run(wide.use(last))["Reference"] == "BY-HAND"
