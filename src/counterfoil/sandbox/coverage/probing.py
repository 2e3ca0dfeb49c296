"""Calls every published operation on books of its own and notes what came of it. Called through this folder.

An operation is `not` there if its resource is unknown or answers 501; `partly` if it never looks at a published parameter
or refuses a kind of document with 501; else `done`. What a `done` operation does is the business of the tests.
"""

import re
from functools import cache
from importlib import resources as files
from typing import Any, Final

import msgspec

from counterfoil.sandbox import person, resources, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.coverage import examples
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.world import CLIENT_ID, World

DONE, PARTLY, NOT = "done", "partly", "not"
# Played by the door for every call, or by the identity server.
_OF_THE_DOOR: Final = frozenset({"idempotency-key"})
# A file is answered with the type that it came with, whatever is asked; there are no report layouts but the standard one.
_CHANGES_NOTHING: Final = frozenset({"contenttype", "standardlayout"})
_OF_IDENTITY: Final = frozenset({"getConnections", "deleteConnection"})
_FILE: Final = "probe.txt"
_REFERENCE: Final = re.compile(r"^\$(\w+)$")


class _Watched(dict[str, str]):
    """A query or headers without anything in it, which remembers what was looked for."""

    def __init__(self, **given: str) -> None:
        super().__init__(given)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key.lower())
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key).lower())
        return super().__contains__(key)


@cache
def coverage() -> dict[str, list[dict[str, Any]]]:
    """API -> its operations in Xero's order: {"operation", "method", "path", "state", "missing": [words]}."""
    listed: dict[str, list[Any]] = msgspec.json.decode(
        files.files("counterfoil.sandbox.coverage").joinpath("operations.json").read_bytes()
    )
    probe = _Probe()
    found: dict[str, list[dict[str, Any]]] = {}
    for api, operations in listed.items():
        found[api] = []
        for name, method, path, parameters in operations:
            if api == "accounting":
                state, missing = probe.judged(name, method, path, parameters)
            else:
                state, missing = (DONE if name in _OF_IDENTITY else NOT), []
            found[api].append({"operation": name, "method": method, "path": path, "state": state, "missing": missing})
    return found


class _Probe:
    """One British organisation with a document of every kind that can be made."""

    def __init__(self) -> None:
        self._world = World(Options(organisations=1, no_limits=True), 1)
        self._world.renew(1)
        (self._books,) = self._world.organisations()
        for plural, body in examples.SEEDS.items():
            self._made(plural, body)
        self._made_by_hand()
        table = self._books.table("TrackingCategories")
        archived = next(reversed(table.rows))
        table.put(archived, {**table.rows[archived], "Status": "ARCHIVED"})
        self._world.commit()  # the ledger is posted

    def _made_by_hand(self) -> None:
        """What hangs on what the examples made, and what a person sets up."""
        self._made("BankTransactions", examples.EXPENSE)
        spent = list(self._books.table("BankTransactions"))[-1]
        source = {
            "SourceTransactionID": spent["BankTransactionID"],
            "SourceLineItemID": spent["LineItems"][0]["LineItemID"],
        }
        self._made("LinkedTransactions", source)
        for body in (examples.PREPAYMENT, examples.OVERPAYMENT, examples.SEEDS["BankTransactions"]):
            self._made("BankTransactions", body)
        self._made("ExpenseClaims", examples.CLAIM)
        self._made("Receipts", examples.SEEDS["Receipts"])  # a draft, after the one that is claimed
        member = self._encoded({"ContactID": "$Contacts"})
        self._asked(
            "PUT", self._filled(["ContactGroups", "{ContactGroupID}", "Contacts"]), member, _Watched(), _Watched()
        )
        person.changed_organisation(self._world, self._books, self._resolved(examples.ORGANISATION))

    def judged(self, name: str, method: str, path: str, parameters: list[str]) -> tuple[str, list[str]]:
        """The state of one operation and what is missing of it."""
        parts = [part for part in path.split("/") if part]
        mark = self._world.changes.mark()
        query, headers = self._query(parameters), _Watched()
        answer = self._asked(method, self._filled(parts), self._body(parts, method), query, headers)
        self._world.changes.roll_back(mark)
        if answer is None or answer.status in {404, 501}:
            return NOT, []
        assert answer.status < 500, (name, answer)
        looked = query.read | headers.read | _OF_THE_DOOR | _CHANGES_NOTHING
        if "page" in parameters:  # a page is shown by other code than a whole list
            paged = _Watched(page="1")
            self._asked(method, self._filled(parts), b"", paged, _Watched())
            looked |= paged.read
        missing = [parameter for parameter in parameters if parameter.lower() not in looked]
        missing += [
            words
            for names, words, body in examples.VARIANTS
            if name in names and self._is_refused(parts[0], method, body)
        ]
        return (PARTLY if missing else DONE), missing

    def _query(self, parameters: list[str]) -> _Watched:
        """What a call must have to be looked at at all: reports of a contact name one."""
        asks_contact = any(name.lower() == "contactid" for name in parameters)
        return _Watched(contactid=self._row_id(self._books, "Contacts", "")) if asks_contact else _Watched()

    def _is_refused(self, plural: str, method: str, body: Any) -> bool:
        mark = self._world.changes.mark()
        answer = self._asked(method, [plural], self._encoded(body), _Watched(), _Watched())
        self._world.changes.roll_back(mark)
        return answer is None or answer.status == 501

    def _made(self, plural: str, body: Any) -> None:
        """A row of this resource, if the sandbox has it."""
        for method in ("PUT", "POST"):
            answer = self._asked(method, [plural], self._encoded(body), _Watched(), _Watched())
            if answer is not None and answer.status == 200:
                return

    def _asked(self, method: str, parts: list[str], body: bytes, query: _Watched, headers: _Watched) -> Answer | None:
        """What the resource answers; None: there is no such resource."""
        resource = resources.named(parts[0])
        if resource is None:
            return None
        plural = resource.plural
        call = Call(self._world, self._books, CLIENT_ID, method, tuple(parts[1:]), query, headers, body, plural=plural)
        mark = self._world.changes.mark()
        try:
            return resource.handle(call)
        except Refusal as refusal:
            self._world.changes.roll_back(mark)
            return refusal.answer

    def _filled(self, parts: list[str]) -> list[str]:
        """The path with ids of rows that are there in place of its braces."""
        filled: list[str] = []
        for part in parts:
            if not part.startswith("{"):
                filled.append(part)
                continue
            filled.append(self._id(filled, part[1:-1]))
        return filled

    def _id(self, before: list[str], name: str) -> str:
        parent = before[-1]
        match parent:
            case "Attachments":
                self._asked("PUT", [*before, _FILE], b"probe", _Watched(), _Watched(**{"content-type": "text/plain"}))
                return _FILE if name == "FileName" else self._attachment(before)
            case "Options":
                rows = self._books.table("TrackingCategories").rows
                option: str = rows[before[-2]]["Options"][0]["TrackingOptionID"]
                return option
            case "Allocations":
                made = self._asked("PUT", before, self._encoded(examples.ALLOCATION), _Watched(), _Watched())
                found = re.search(rb'"AllocationID": ?"([^"]+)"', b"" if made is None else made.body)
                return wire.ZERO_GUID if found is None else found[1].decode()
            case _:
                return self._row_id(self._books, parent, name)

    def _attachment(self, before: list[str]) -> str:
        listed = self._asked("GET", before, b"", _Watched(), _Watched())
        found = re.search(rb'"AttachmentID": ?"([^"]+)"', b"" if listed is None else listed.body)
        return wire.ZERO_GUID if found is None else found[1].decode()

    def _row_id(self, books: Books, parent: str, name: str) -> str:
        """The key of the last row, or what it calls itself by this name, e.g. ContactNumber."""
        resource = resources.named(parent)
        table = books.tables.get(parent if resource is None else resource.plural)
        if table is None or not len(table):
            return self._listed_id(parent, name)
        key = list(table.rows)[-1]
        return str(table.rows[key].get(name, key)) if name.endswith("Number") else key

    def _listed_id(self, parent: str, name: str) -> str:
        """The id of the first that a list shows, of what has no table of its own."""
        listed = self._asked("GET", [parent], b"", _Watched(), _Watched())
        found = re.search(rb'"%s": ?"?([^",]+)' % name.encode(), b"" if listed is None else listed.body)
        return wire.ZERO_GUID if found is None else found[1].decode()

    def _body(self, parts: list[str], method: str) -> bytes:
        if method not in {"PUT", "POST"}:
            return b""
        match parts[-1] if len(parts) < 3 or not parts[-1].startswith("{") else parts[-2]:
            case "Attachments":
                return b"probe"
            case "History":
                return self._encoded(examples.NOTE)
            case "Allocations":
                return self._encoded(examples.ALLOCATION)
            case "Options":
                return self._encoded({"Name": "Blue"})
            case _:
                return self._encoded(examples.SEEDS.get(parts[0], {}))

    def _encoded(self, body: Any) -> bytes:
        return wire.compact(self._resolved(body))

    def _resolved(self, value: Any) -> Any:
        """The example with ids in place of $Plural."""
        if isinstance(value, dict):
            return {self._resolved(key): self._resolved(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        if value == "$Users":
            return self._world.user().user_id
        reference = _REFERENCE.match(value) if isinstance(value, str) else None
        return value if reference is None else self._row_id(self._books, reference[1], "")
