"""An older copy of the database is put back, which does not know that an invoice was credited and issued anew."""

import asyncio
from decimal import Decimal

from counterfoil.app.reports import Proof
from tests.posting.test_changes import only
from tests.posting.test_payments_restored import copy, put_back
from tests.posting.test_people import causes, edit
from tests.posting.test_reissue_by_credit import DEARER, NUMBER, REISSUE, balance, reissued, send
from tests.posting.workbench import Workbench, sale


def credited_and_put_back(bench: Workbench) -> None:
    """Sent, copied, credited and issued anew; then the copy."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    bench.run()  # so that the copy knows it as sent
    copy(bench)
    bench.run([sale(1, lines=DEARER)])
    reissued(bench)
    put_back(bench)


def test_a_forgotten_reissue_is_recognised(bench: Workbench) -> None:
    """The source still has the dearer sale: nothing is made twice, and nobody is asked."""
    credited_and_put_back(bench)
    report = bench.run([sale(1, lines=DEARER)])  # one: it ended with the new invoice still planned
    assert (report.updated, report.planned, report.exit_code, causes(bench)) == (1, 0, 0, [])
    [told] = report.credits  # it said that 25.20 stay with the customer, which were allocated
    assert told.startswith(f"{NUMBER}-CN was found in Xero: ")
    reissued(bench)
    assert balance(bench) == Decimal("49.20")
    assert proof(bench).duplicates == ()


def test_a_forgotten_reissue_whose_source_went_back_is_named_by_the_proof(bench: Workbench) -> None:
    """The proof said that source and ledger agree, while the customer owed another sum."""
    credited_and_put_back(bench)
    assert bench.run([sale(1)]).unchanged == 1
    [named] = proof(bench).duplicates
    assert named.startswith(f"{NUMBER}-2 stands in place of {NUMBER} (acme-uk order-1)")


def test_a_forgotten_credit_whose_successor_was_voided_is_named_by_the_proof(bench: Workbench) -> None:
    """Nothing stands in its place, and the proof said that all agrees, while the customer owed nothing."""
    credited_and_put_back(bench)
    edit(bench, next(one for one in bench.invoices() if one["InvoiceNumber"] == f"{NUMBER}-2"), Status="VOIDED")
    assert bench.run([sale(1)]).unchanged == 1
    [named] = proof(bench).duplicates
    assert named.startswith(f"{NUMBER}-CN credits {NUMBER} (acme-uk order-1)")


def test_what_a_copy_still_knows_of_a_reissue_is_not_named(bench: Workbench) -> None:
    """The same documents, nothing forgotten: the proof holds."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    bench.run([sale(1, lines=DEARER)])
    copy(bench)
    put_back(bench)
    bench.run()
    assert proof(bench).holds


def proof(bench: Workbench) -> Proof:
    """`counterfoil prove shop` in this process."""
    found: Proof = asyncio.run(bench.use(lambda books: books.prove("shop")))
    return found
