"""/p/{marker}: what a link on a document at Xero leads to: which of our postings made it.

Called by application. The marker stands in the document's Url; who may see the page is as for /connect.
"""

import re
from typing import Any, Final

from litestar import Response

from counterfoil import errors
from counterfoil.app import telling
from counterfoil.service import answers
from counterfoil.service.visitors import Asked, Visitors
from counterfoil.store import stories

MARKER: Final = re.compile(r"[a-z2-7]{16}")
KINDS: Final = {
    "invoice": "Invoice", "contact": "Contact", "payment": "Payment", "credit_note": "Credit note", "allocation": "Allocation",
}  # fmt: skip


class PostingPage:
    """The page."""

    def __init__(self, books: Any, visitors: Visitors) -> None:
        self._books = books
        self._visitors = visitors

    async def show(self, request: Asked, marker: str) -> Response[bytes]:
        """GET /p/{marker}. A stranger learns nothing, not even whether there is such a marker."""
        turned_away = self._visitors.turned_away(request)
        if turned_away is not None:
            return turned_away
        story = await self._story(marker)
        return answers.page(
            "posting.html", story=story, posting=story.posting, kind=KINDS.get(story.posting.kind, "Document")
        )

    async def _story(self, marker: str) -> telling.Story:
        """The posting that carries the marker. Raises NotFound."""
        if MARKER.fullmatch(marker):
            found = await self._books.database.read(lambda conn: stories.marked(conn, marker))
            if found is not None:
                story: telling.Story = await self._books.story(found)
                return story
        raise errors.NotFound("No posting of this installation has this mark.", remedy="Was it made by another one?")
