"""What a person does at Xero's own screen: the handlers behind `control`'s routes for organisations and documents."""

from aiohttp import web

from counterfoil.sandbox import control_forms, edits, person, wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.door import Door
from counterfoil.sandbox.journal import Journal
from counterfoil.sandbox.world import World

_PERSON_FIELDS = frozenset({"method", "path", "body"})


class Screen:
    """The handlers over one world; each raises Refusal for what cannot be."""

    def __init__(self, world: World, journal: Journal, door: Door) -> None:
        self._world = world
        self._journal = journal
        self._door = door

    async def organisation(self, request: web.Request) -> Answer:
        """POST: name, locks, what the plan allows, a reset, a disconnection."""
        given = await control_forms.given(request)
        unknown = given.keys() - person.ORGANISATION_FIELDS
        if unknown:
            control_forms.bad(f"unknown field {min(unknown)!r}", known=sorted(person.ORGANISATION_FIELDS))
        try:
            books = person.changed_organisation(self._world, control_forms.books_of(self._world, request), given)
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))
        if given.get("reset"):
            self._door.commit()
            self._journal.rewrite(self._world)
        return control_forms.answered({"tenant_id": books.tenant_id, "organisation": books.organisation})

    async def person(self, request: web.Request) -> Answer:
        """{"method", "path", "body"?}: a person does it by Xero's rules; {"status", "answer"} is what came of it."""
        given = await control_forms.given(request)
        unknown = given.keys() - _PERSON_FIELDS
        if unknown or not all(isinstance(given.get(field), str) for field in ("method", "path")):
            control_forms.bad("the body is {method, path, body}", known=sorted(_PERSON_FIELDS))
        try:
            answer = person.acted(
                self._world,
                control_forms.books_of(self._world, request),
                given["method"].upper(),
                given["path"],
                given.get("body"),
            )
        except ValueError as error:
            control_forms.bad(str(error))
        is_json = answer.content_type == wire.JSON
        return control_forms.answered(
            {"status": answer.status, "answer": wire.decode(answer.body) if is_json else None}
        )

    async def new_documents(self, request: web.Request) -> Answer:
        """{"Invoices": […]}, {"Payments": […]} …: a person makes documents; 400 as Xero would."""
        try:
            answer = person.made_documents(
                self._world, control_forms.books_of(self._world, request), await control_forms.given(request)
            )
        except ValueError as error:
            control_forms.bad(str(error))
        if answer.status >= 400:
            raise Refusal(answer)
        return answer

    async def document(self, request: web.Request) -> Answer:
        """{"set": {…}}: a person edits a document, without the API's rules."""
        given = await control_forms.given(request)
        if given.keys() != {"set"} or not isinstance(given["set"], dict):
            control_forms.bad('the body is {"set": {…}}')
        try:
            row = edits.edited_document(
                self._world, control_forms.books_of(self._world, request), request.match_info["id"], given["set"]
            )
        except (ValueError, TypeError) as error:
            control_forms.bad(str(error))
        if row is None:
            raise Refusal(control_forms.answered({"error": "no such document"}, 404))
        return control_forms.answered(row)
