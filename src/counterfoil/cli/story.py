"""The whole story of a posting for people: record, checks, what was sent, what Xero said, how it ended.

Called by postings and why.
"""

from typing import TYPE_CHECKING

import msgspec

from counterfoil.cli import table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app import telling

INDENT = "    "
ROWS_MAX = 20  # rows of one record on a screen
SALES_MAX = 50  # sales of one day on a screen


def show(screen: Screen, story: "telling.Story") -> None:
    """One story."""
    one = story.posting
    screen.line(
        table.harmless(f"{one.kind} {one.external_id} of {one.entity} (posting {one.id}, flow {one.flow}): {one.state}")
    )
    screen.line(
        f"  planned   {story.planned_at:%Y-%m-%d %H:%M:%S} UTC, last changed {story.changed_at:%Y-%m-%d %H:%M:%S}"
    )
    screen.line(f"  from      {table.harmless(one.source)}")
    if story.total is not None:
        screen.line(f"  total     {table.money(story.total, story.currency)}")
    screen.line(f"  mark      {story.marker}")
    _ended(screen, story)
    for content in story.contents:
        screen.line(
            f"  record    revision {content.revision}, {content.at:%Y-%m-%d %H:%M:%S} UTC, from {table.harmless(content.source)}"
        )
        _rows(screen, content)
        if content.record is not None:
            screen.line(f"{INDENT}{_json(content.record)}")
        for note in (content.predicted or {}).get("notes", ()):
            screen.line(f"{INDENT}{table.harmless(note)}")
    for sending in story.sendings:
        _sending(screen, sending)


def _rows(screen: Screen, content: "telling.Content") -> None:
    """What a mapping was given, and what was added up."""
    if content.dropped is not None:
        screen.line(f"{INDENT}the raw record was dropped on {content.dropped:%Y-%m-%d} by [retention]")
    for row in content.rows[:ROWS_MAX]:
        screen.line(f"{INDENT}{table.harmless(row.source)}")
        screen.line(f"{INDENT}  {' | '.join(f'{name}: {table.harmless(cell)}' for name, cell in row.cells.items())}")
    if len(content.rows) > ROWS_MAX:
        screen.line(f"{INDENT}and {len(content.rows) - ROWS_MAX} more rows; --json has them all")
    if content.sales:
        more = f" and {len(content.sales) - SALES_MAX} more" if len(content.sales) > SALES_MAX else ""
        shown = table.harmless(", ".join(content.sales[:SALES_MAX]))
        screen.line(f"{INDENT}{table.count(len(content.sales), 'sale')}: {shown}{more}")


def _ended(screen: Screen, story: "telling.Story") -> None:
    one = story.posting
    if one.document is not None:
        how = f" ({story.how})" if story.how else ""
        screen.line(f"  document  {table.harmless(one.document.number)}{how}: {one.document.url}")
    if one.reason:
        screen.line(f"  why       {table.harmless(one.reason)}")
    for message in one.xero_messages or ():
        screen.line(f"  Xero said {table.harmless(message)}")
    if one.remedy:
        screen.line(f"  what next {table.harmless(one.remedy)}")
    if story.skipped:
        screen.line(f"  skipped   {table.harmless(story.skipped)}")
    if story.contact is not None:
        contact = story.contact.document
        number = table.harmless(f"{story.contact.external_id}: {story.contact.state}")
        screen.line(f"  contact   {number}{f', {contact.url}' if contact else ''}")


def _sending(screen: Screen, sending: "telling.Sending") -> None:
    screen.line(
        f"  request   {sending.request}, element {sending.position + 1}, key {sending.idempotency_key}: {sending.outcome or 'open'}"
    )
    for attempt in sending.tries:
        status = f", HTTP {attempt.status}" if attempt.status else ""
        said = f", correlation {attempt.correlation_id}" if attempt.correlation_id else ""
        screen.line(
            f"    attempt {attempt.n} at {attempt.started:%H:%M:%S}: {attempt.outcome or 'no answer'}{status}{said}"
        )
    if sending.dropped is not None:
        screen.line(f"    bytes were dropped on {sending.dropped:%Y-%m-%d} by [retention]")
        return
    screen.line(f"    sent     {_json(sending.element)}")
    if sending.answer is not None:
        screen.line(f"    answered {_json(sending.answer)}")


def _json(value: object) -> str:
    if isinstance(value, bytes):
        return table.harmless(value.decode(errors="replace"))
    return table.harmless(value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode())
