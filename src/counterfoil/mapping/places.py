"""Where a name in a feed's `map` points: into the change, a document before or after it, or one element of a list.

Called by outward, which finds mistakes, and by rows, which looks. Pure. Xero's fields begin with a capital, what a change says of
itself with a small letter; so the two cannot be taken for each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from counterfoil.mapping import documents
from counterfoil.mapping.documents import Astray, Kind
from counterfoil.model import spelling

Root = Literal["change", "before", "after", "document", "element"]
OF_THE_CHANGE: Final[Mapping[str, Kind]] = {
    "id": "text", "type": "text", "entity": "text", "tenant_id": "text", "resource": "text", "document_id": "text",
    "n": "whole", "turn": "whole", "stamp": "instant", "seen_at": "instant", "by": "text", "posting": "whole",
    "snapshot": "yes_no", "fields": "text", "gone": "yes_no",
}  # fmt: skip
DOCUMENTS: Final[tuple[Root, ...]] = ("after", "before", "document")
POSITION: Final = "position"
DELETED: Final = "DELETED"


class Place(msgspec.Struct, frozen=True):
    """Where a name points and what stands there. `steps` from `root` on."""

    root: Root
    steps: tuple[str, ...]
    kind: Kind


class Sight(msgspec.Struct, frozen=True):
    """What a map may name: documents of these types, and the elements' type of each when it makes a row of each."""

    types: tuple[str, ...]
    elements: tuple[str, ...] = ()  # none: a change is one row

    def find(self, name: str, *, of_row: bool) -> Place | Astray:
        """Where `name` points. `of_row`: a short name means the element's field, when there are elements."""
        first, _, rest = name.partition(".")
        if name in OF_THE_CHANGE:
            return Place("change", (name,), OF_THE_CHANGE[name])
        if name == POSITION and self.elements:
            return Place("element", (name,), "whole")
        if first in DOCUMENTS:
            return self._inside(_root(first), rest, self.types)
        if first[:1].islower():
            return self._unknown(first)
        if of_row and self.elements:
            return self._inside("element", name, self.elements)
        return self._inside("document", name, self.types)

    def _inside(self, root: Root, path: str, types: Sequence[str]) -> Place | Astray:
        if not path:
            return Place(root, (), "json")
        found = documents.kind(types, path)
        return found if isinstance(found, Astray) else Place(root, tuple(path.split(".")), found)

    def _unknown(self, name: str) -> Astray:
        if name == POSITION:
            return Astray("is the place of an element, and there are none", 'Write each = "LineItems", or take it out.')
        fields = [field for type_ in (*self.elements, *self.types) for field in documents.fields(type_)]
        near = spelling.nearest(name, [*OF_THE_CHANGE, *DOCUMENTS, *fields])
        known = ", ".join(OF_THE_CHANGE)
        told = f"Did you mean `{near}`?" if near else f"A change has {known}, before and after."
        return Astray(f"names `{name}`, which no change has", told)


def _root(name: str) -> Root:
    found: Root = msgspec.convert(name, Root)
    return found


def is_gone(after: Mapping[str, Any] | None) -> bool:
    """Whether a document is there no longer: Xero has it not, or says that it was deleted. A voided one is there."""
    return after is None or after.get("Status") == DELETED


def walked(value: Any, steps: Sequence[str]) -> Any:
    """What stands at the end of the steps; None: nothing."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
