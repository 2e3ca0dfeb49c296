"""`counterfoil entities [list|bind|unbind|verify|export]`: which of your companies is which organisation of Xero."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import problem_exports, session, table

if TYPE_CHECKING:
    from counterfoil.access.bindings import Proposal, Verified
    from counterfoil.app import Books
    from counterfoil.app.exporting import Exported
    from counterfoil.model.binding import Binding
    from counterfoil.posting.stranded import Settled

app = session.app()
COUNTED = ("accounts", "tax rates", "currencies", "tracking categories", "contacts")
ENTITY_HELP = "Your own key of a company: a table of [entities]."


@app.callback(invoke_without_command=True)
def entities(context: typer.Context) -> None:
    """Which of your companies is which organisation: list, bind, unbind, verify, export."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context) -> None:
    """Every entity and its organisation; no call."""
    from counterfoil.app import connecting

    now = session.of(context)
    found = now.books(connecting.bound)
    now.screen.value([_value(entity, binding) for entity, binding in found.items()])
    rows = [
        [entity, *([binding.fingerprint.name, binding.fingerprint.short_code, binding.fingerprint.base_currency,
                    binding.fingerprint.country, binding.stopped or ""] if binding else ["not bound", "", "", "", ""])]
        for entity, binding in found.items()
    ]  # fmt: skip
    now.screen.table(("ENTITY", "ORGANISATION", "SHORT CODE", "CURRENCY", "COUNTRY", "WRITES STOPPED"), rows)
    now.screen.next("counterfoil status" if all(found.values()) else "counterfoil entities bind")


@app.command()
def bind(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help=ENTITY_HELP),
    tenant: str | None = typer.Argument(None, metavar="[TENANT]", help="A tenant id, a short code or an exact name."),
    yes: bool = typer.Option(False, "--yes", help="Bind the proposed pairs without asking."),
) -> None:
    """Bind an entity to an organisation; alone it proposes the pairs whose names agree."""
    now = session.of(context)
    if entity is not None and tenant is not None:
        binding, settled = now.books(lambda books: _bind(books, entity, tenant))
        now.screen.value(_value(entity, binding) | msgspec.structs.asdict(settled))
        name = table.harmless(binding.fingerprint.name)
        now.screen.line(f"{entity} is bound to {name} ({binding.fingerprint.base_currency}).")
        if settled.held:
            now.screen.note(
                f"{table.count(settled.held, 'posting')} for the former organisation: held, never sent here."
            )
        if settled.freed:
            now.screen.line(f"{table.count(settled.freed, 'posting')} for this organisation: go on.")
        now.screen.next("counterfoil problems" if settled.held else "counterfoil status")
        return
    pairs, bound = now.books(lambda books: _propose(books, now, entity, yes=yes))
    now.screen.value([msgspec.structs.asdict(pair) | {"bound": pair.entity in bound} for pair in pairs])
    if not pairs:
        now.screen.line("No names of unbound entities and organisations agree. `counterfoil connections` lists them.")
    for name in bound:
        now.screen.line(f"{name} is bound.")
    left = pairs and not bound
    now.screen.next("counterfoil entities bind --yes" if left else "counterfoil status")


@app.command()
def unbind(context: typer.Context, entity: str = typer.Argument(metavar="ENTITY", help=ENTITY_HELP)) -> None:
    """Forget a binding; what was posted stays posted, what is planned waits."""
    from counterfoil.app import connecting

    now = session.of(context)
    now.books(lambda books: connecting.unbind(books, entity))
    now.screen.value({"entity": entity, "bound": False})
    now.screen.line(f"{entity} is no longer bound.")
    now.screen.next("counterfoil entities bind")


@app.command()
def verify(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help=f"{ENTITY_HELP} Default: all that are bound."),
    accept: bool = typer.Option(False, "--accept", help="Take a changed name or short code over."),
) -> None:
    """Compare each organisation with what it was when it was bound; one call each."""
    now = session.of(context)
    found, trouble = now.books(lambda books: _verify(books, entity, accept=accept))
    now.screen.value([_verified(one) for one in found] + [_refused(*one) for one in trouble])
    for one in found:
        now.screen.line(f"{one.binding.entity}: {'; '.join(map(table.harmless, one.changes)) or 'as it was bound'}")
    changed = any(one.changes for one in found)
    if trouble:
        for name, refused in trouble:
            now.screen.note(f"{name}: {refused.message} {refused.remedy}".rstrip())
        now.screen.next("counterfoil status")
        raise typer.Exit(trouble[0][1].exit_code)
    now.screen.next("counterfoil entities verify --accept" if changed else "counterfoil status")
    raise typer.Exit(1 if changed else 0)


@app.command()
def export(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help=f"{ENTITY_HELP} Default: the only one bound."),
    out: Path | None = typer.Option(None, help="The file to write [default: organisation-ENTITY.json]; - is stdout."),
    contacts: bool = typer.Option(
        False, "--contacts", help="Contacts with names, numbers and addresses: personal data."
    ),
) -> None:
    """Write an organisation as a file for `counterfoil sandbox --organisation-file`.

    Costs 5 calls and one for each 1,000 contacts, which keep only ids and defaults unless --contacts says otherwise.
    """
    now = session.of(context)
    name, exported = now.books(lambda books: _export(books, entity, personal=contacts))
    path = str(out or Path(f"organisation-{name}.json"))
    text = _laid_out(exported.document)
    counts = {key: len(value) for key, value in exported.document.items() if isinstance(value, list)}
    summary = {"entity": name, "file": path, "calls": exported.calls, "bytes_in": exported.bytes_in, **counts}
    if path == problem_exports.STDOUT:
        now.screen.value(summary | {"document": exported.document})
        now.screen.data(text.rstrip("\n"))
        return
    problem_exports.write(path, text)
    now.screen.value(summary)
    shown = ", ".join(f"{count:,} {words}" for words, count in zip(COUNTED, counts.values(), strict=True))
    now.screen.line(f"{path}: {shown}; {table.count(exported.calls, 'call')}.")
    if contacts:
        now.screen.note(f"{path} holds personal data of your contacts: give it to nobody who may not have them.")
    now.screen.next(f"counterfoil sandbox --auto-consent --organisation-file {path}")


def _laid_out(document: dict[str, Any]) -> str:
    """JSON for people, too; amounts and rates as numbers."""
    encoded = msgspec.json.Encoder(decimal_format="number").encode(document)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


async def _export(books: "Books", entity: str | None, *, personal: bool) -> "tuple[str, Exported]":
    """The entity's name and its organisation."""
    from counterfoil.app import connecting, exporting

    if entity is None:
        bound = [name for name, binding in (await connecting.bound(books)).items() if binding]
        if len(bound) != 1:
            raise errors.NoBinding(
                f"{len(bound)} entities are bound.", remedy=f"Name one: {', '.join(bound) or 'none is bound yet'}."
            )
        (entity,) = bound
    connecting.known(books, entity)
    return entity, await exporting.organisation_file(books, entity, personal=personal)


async def _bind(books: "Books", entity: str, tenant: str) -> "tuple[Binding, Settled]":
    from counterfoil.app import connecting

    return await connecting.bind(books, entity, tenant)


async def _propose(
    books: "Books", now: session.Session, entity: str | None, *, yes: bool
) -> "tuple[list[Proposal], list[str]]":
    """The pairs whose names agree, of one entity or of all, and those that were bound, as asked."""
    from counterfoil.app import connecting

    if entity is not None:
        connecting.known(books, entity)
    pairs = [pair for pair in await connecting.propose(books) if entity in (None, pair.entity)]
    if entity is not None and not pairs and (await connecting.bound(books)).get(entity) is None:
        raise errors.NoBinding(
            f"No connected organisation, or more than one, has the name of {entity} in the configuration.",
            remedy=f"Name one: `counterfoil entities bind {entity} TENANT`; `counterfoil connections` lists them.",
        )
    now.screen.table(("ENTITY", "ORGANISATION", "TENANT"), [[one.entity, one.name, one.tenant_id] for one in pairs])
    asked = now.screen.is_terminal and sys.stdin.isatty() and not yes and pairs
    if entity is not None or yes or (asked and typer.confirm("Bind these?")):
        for pair in pairs:
            await connecting.bind(books, pair.entity, pair.tenant_id)
        return pairs, [pair.entity for pair in pairs]
    return pairs, []


async def _verify(
    books: "Books", entity: str | None, *, accept: bool
) -> "tuple[list[Verified], list[tuple[str, errors.CounterfoilError]]]":
    """Each that is right, and each that is not, with its error."""
    from counterfoil.app import connecting

    names = [entity] if entity else [name for name, binding in (await connecting.bound(books)).items() if binding]
    if not names:
        raise errors.NoBinding("No entity is bound yet.", remedy="Run `counterfoil entities bind`.")
    found: list[Verified] = []
    trouble: list[tuple[str, errors.CounterfoilError]] = []
    for name in names:
        try:
            found.append(await connecting.verify(books, name, accept=accept))
        except (errors.Reconnect, errors.RunAgain) as error:
            trouble.append((name, error))
    return found, trouble


def _verified(one: "Verified") -> dict[str, Any]:
    """One organisation that is still the one that was bound, for programs; `code` only if its name or short code changed."""
    from counterfoil.access import fingerprints

    code = fingerprints.RENAMED if one.changes else None
    return _value(one.binding.entity, one.binding) | {"changes": one.changes, "code": code}


def _refused(entity: str, error: errors.CounterfoilError) -> dict[str, Any]:
    """One that is not, or that could not be asked."""
    told = {"code": error.code, "message": error.message, "remedy": error.remedy}
    return {"entity": entity, "changes": [], "code": error.code, "error": told}


def _value(entity: str, binding: "Binding | None") -> dict[str, Any]:
    """One entity for programs."""
    print_ = binding.fingerprint if binding else None
    return {
        "entity": entity,
        "tenant_id": binding.tenant_id if binding else None,
        "organisation": print_.name if print_ else None,
        "short_code": print_.short_code if print_ else None,
        "base_currency": print_.base_currency if print_ else None,
        "country": print_.country if print_ else None,
        "stopped": binding.stopped if binding else None,
    }
