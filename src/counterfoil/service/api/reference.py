"""`/schema/reference`: the same document as `/schema` for people, one page without a script, from this service alone.

Called by application. Whoever wants a page with buttons gives /schema to a tool of their own.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from counterfoil.service import answers
from counterfoil.service.api import problems

METHODS: Final = ("get", "post", "put", "patch", "delete")


def page(document: Mapping[str, Any]) -> bytes:
    """The page of a document; made once."""
    return _page(json.dumps(document))


@functools.lru_cache(2)
def _page(document: str) -> bytes:
    found = json.loads(document)
    refusals = [
        {"code": code, "status": status, "title": title} for code, (status, title) in problems.TITLES.items()
    ]  # fmt: skip
    return answers.html(
        "reference.html", about=found["info"]["description"], openapi=found["openapi"],
        operations=list(_operations(found)), problems=refusals,
    )  # fmt: skip


def _operations(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, operations in found["paths"].items():
        for method in (one for one in METHODS if one in operations):
            operation = operations[method]
            answered = next(status for status in operation["responses"] if status.startswith("2"))
            yield {
                "method": method.upper(), "path": path, "summary": operation["summary"],
                "description": operation.get("description", ""), "parameters": operation.get("parameters", ()),
                "status": answered, "body": _shown(operation.get("requestBody", {})),
                "example": _shown(operation["responses"][answered]),
                "refusals": ", ".join(status for status in operation["responses"] if status != answered),
            }  # fmt: skip


def _shown(part: Mapping[str, Any]) -> str:
    example = part.get("content", {}).get("application/json", {}).get("example")
    return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
