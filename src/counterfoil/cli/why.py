"""`counterfoil why CLUE`: the whole story of a document number, record, id, mark or pasted link; no call to Xero."""

import typer

from counterfoil.cli import session, story

app = session.app()


@app.command()
def why(
    context: typer.Context,
    clue: str = typer.Argument(metavar="CLUE", help="An invoice number, a record's external id, an id, or a link."),
) -> None:
    """The whole story of a number, an id or a pasted link."""
    now = session.of(context)
    found = now.books(lambda books: books.why(clue))
    now.screen.value(found)
    for index, one in enumerate(found):
        if index:
            now.screen.line()
        story.show(now.screen, one)
    now.screen.next("counterfoil problems" if any(one.posting.reason for one in found) else "counterfoil status")
