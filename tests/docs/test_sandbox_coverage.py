"""docs/sandbox-coverage.md is what the sandbox's code says of itself.

`python -m tests.docs.test_sandbox_coverage` writes the page again.
"""

from pathlib import Path

from counterfoil.sandbox import coverage
from tests import sandbox_process

PAGE = Path(__file__).parents[2] / "docs" / "sandbox-coverage.md"


def test_the_page_is_what_the_code_says():
    """Nobody claims more than there is, or less."""
    assert PAGE.read_text(encoding="utf-8") == coverage.markdown(coverage.coverage())


def test_the_control_says_the_same():
    """GET /_sandbox/coverage of a running sandbox, whatever its books hold."""
    with sandbox_process.start("--organisations", "1") as sandbox:
        assert sandbox.get("/_sandbox/coverage") == coverage.coverage()


def test_what_is_there_and_what_is_not_are_told_apart():
    """Some of each, so that a probe that sees nothing, or everything, shows."""
    states = {row["operation"]: row["state"] for row in coverage.coverage()["accounting"]}
    assert len(states) > 230
    assert states["getInvoice"] == states["deleteCreditNoteAllocations"] == "done"
    assert states["getReportFromId"] == "not"
    identity = {row["operation"]: row["state"] for row in coverage.coverage()["identity"]}
    assert identity == {"getConnections": "done", "deleteConnection": "done"}


if __name__ == "__main__":
    PAGE.write_text(coverage.markdown(coverage.coverage()), encoding="utf-8")
