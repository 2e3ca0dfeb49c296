"""A write of several elements: each refused or saved by itself, and summarizeErrors in both modes (facts 3.4).

Called by the resources that take more than one element.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call
from counterfoil.sandbox.tables import Row


@dataclass(slots=True)
class Outcome:
    """What became of one element: `element` as it is answered, with Xero's messages."""

    element: Row
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def written(
    call: Call, plural: str, elements: list[Row], write: Callable[[Row], Outcome], *, summarize: bool
) -> Answer:
    """Write the elements in order and answer in their order.

    `summarize`: any refusal makes the whole answer 400, lists the refused ones only and saves nothing (a switch lets
    the good ones stay); otherwise 200, with each element's own status.
    """
    changes = call.world.changes
    start = changes.mark()
    outcomes = []
    for element in elements:
        mark = changes.mark()
        outcome = write(element)
        if outcome.errors:
            changes.roll_back(mark)
        outcomes.append(outcome)
    refused = [outcome for outcome in outcomes if outcome.errors]
    if refused and summarize:
        if call.world.unknowns.plays("refused-batch", "saves-nothing"):
            changes.roll_back(start)
        return answers.validation([_marked(outcome, status=False) for outcome in refused])
    shown = [_marked(outcome, status=not summarize) for outcome in outcomes]
    return answers.envelope(call.world, call.client_id, plural, shown)


def _marked(outcome: Outcome, *, status: bool) -> Row:
    element = outcome.element
    if status:
        element["StatusAttributeString"] = "ERROR" if outcome.errors else "WARNING" if outcome.warnings else "OK"
    if outcome.errors:
        element["ValidationErrors"] = messages(outcome.errors)
    if outcome.warnings:
        element["Warnings"] = messages(outcome.warnings)
    return element


def messages(texts: list[str]) -> list[Row]:
    """Xero's form of a list of messages."""
    return [{"Message": text} for text in texts]
