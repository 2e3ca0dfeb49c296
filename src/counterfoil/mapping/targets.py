"""The fields of a record as a mapping sees them: read off the record's own declaration, so there is no second list.

Called by compiling and guessing. Pure.
"""

import functools
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect

Kind = Literal["text", "amount", "whole", "day", "yes_no", "table", "names", "list"]
IN_WORDS: Final = {
    "text": "a text", "amount": "a number", "whole": "a whole number", "day": "a date", "yes_no": "yes or no",
    "table": "a table such as { name = … }", "names": "a table of names and values", "list": "a list of tables",
}  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """What stands in one field. `fields` of a table by name, in the record's order; `item` of a list or of names.

    `choices` are the only texts that are allowed, () when any may be. A table without `fields` takes whatever it gets.
    """

    kind: Kind
    required: bool = False
    fields: "dict[str, Target]" = {}
    item: "Target | None" = None
    choices: tuple[str, ...] = ()


@functools.cache
def of_record(record: Any) -> Target:
    """The target that a record's type is."""
    return _target(inspect.type_info(record), required=True)


def _target(info: inspect.Type, *, required: bool) -> Target:
    match info:
        case inspect.Metadata():
            return _target(info.type, required=required)
        case inspect.UnionType():
            members = [member for member in info.types if not isinstance(member, inspect.NoneType)]
            return _target(members[0], required=required)
        case inspect.StructType():
            fields = {field.encode_name: _target(field.type, required=field.required) for field in info.fields}
            return Target("table", required, fields)
        case inspect.DictType():
            if isinstance(info.value_type, inspect.AnyType):
                return Target("table", required)
            return Target("names", required, item=_target(info.value_type, required=True))
        case inspect.VarTupleType() | inspect.ListType():
            return Target("list", required, item=_target(info.item_type, required=True))
        case inspect.LiteralType():
            return Target("text", required, choices=tuple(map(str, info.values)))
        case inspect.DecimalType():
            return Target("amount", required)
        case inspect.IntType():
            return Target("whole", required)
        case inspect.DateType():
            return Target("day", required)
        case inspect.BoolType():
            return Target("yes_no", required)
        case _:
            return Target("text", required)
