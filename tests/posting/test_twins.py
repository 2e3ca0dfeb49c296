"""Two records of one external id in one source: the same again counts as unchanged, a contradiction is never guessed."""

import pytest

from tests.posting.workbench import Workbench, sale


def test_the_same_record_twice_is_posted_once(bench: Workbench) -> None:
    """The second counts as unchanged."""
    report = bench.run([sale(1), sale(2), sale(1)])
    assert (report.posted, report.unchanged, report.exit_code) == (2, 1, 0)
    assert len(bench.living()) == 2


@pytest.mark.parametrize("apart", [0, 300])
def test_contradicting_records_are_both_held(bench: Workbench, apart: int) -> None:
    """Neither is sent, also when the second comes batches later; the others are."""
    others = [sale(n) for n in range(10, 10 + apart)]
    report = bench.run([sale(1), *others, sale(1, reference="another")])
    assert (report.posted, report.held, report.exit_code) == (apart, 2, 1)
    assert len(bench.living()) == apart


@pytest.mark.parametrize("broken_first", [True, False])
def test_a_broken_twin_holds_the_good_one_too(bench: Workbench, broken_first: bool) -> None:
    """Which of the two is meant cannot be known, even if one of them could not be posted."""
    both = [sale(1, status="BOGUS"), sale(1)]
    report = bench.run(both if broken_first else both[::-1])
    assert report.posted == 0
    assert report.held + report.rejected == 2
    assert bench.living() == []


def test_a_corrected_file_posts_the_right_one(bench: Workbench) -> None:
    """Once the source has one record of the id, it is posted."""
    bench.run([sale(1), sale(1, reference="another")])
    report = bench.run([sale(1, reference="another")])
    assert (report.posted, report.exit_code) == (1, 0)
    assert [one["Reference"] for one in bench.living()] == ["another"]
