"""/p/{marker}: what the link on a document at Xero leads to."""

import re

from tests.cli.office import sale
from tests.service.conftest import serving
from tests.service.visitor import Browser, ask


async def test_the_link_on_the_document_leads_to_its_posting(firm, sandbox):
    """The very address that stands in the document's Url: which posting, flow and record, its state, and back to Xero."""
    firm.records(sale(7))
    assert firm.process("run", "shop", "--json").value["posted"] == 1
    (invoice,) = sandbox.ledger(sandbox.tenant(1))["Invoices"]
    marker = re.fullmatch(r"http://localhost:8321/p/([a-z2-7]{16})", invoice["Url"])[1]
    async with serving(firm) as (_books, door):
        page = await Browser(door.port).open(f"/p/{marker}")
    assert page.status == 200
    for said in ("order-7", "shop", "acme-uk", "posted", invoice["InvoiceID"], "sales.jsonl"):
        assert said in page.text
    assert "Customer 7" not in page.text


async def test_an_unknown_mark_is_not_found(firm):
    """Also one of another form, and the number of a posting in its place."""
    async with serving(firm) as (_books, door):
        for marker in ("aaaaaaaaaaaaaaaa", "order-7", "1", "AAAAAAAAAAAAAAAA", "%3Cscript%3E", "a" * 3000):
            page = await Browser(door.port).open(f"/p/{marker}")
            assert (page.status, "<script" in page.text) == (404, False)


async def test_strangers_learn_nothing(firm):
    """Where others can reach it, a mark that there is and one that there is not get the same answer."""
    config = firm.folder / "counterfoil.toml"
    config.write_text(config.read_text() + '[service]\npublic_url = "https://books.example"\n')
    async with serving(firm) as (_books, door):
        answers = {(await ask(door.port, path=f"/p/{marker}")).status for marker in ("aaaaaaaaaaaaaaaa", "order-7")}
    assert answers == {403}
