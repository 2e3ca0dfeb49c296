"""What `/schema` says: OpenAPI 3.1, made from the routes' own types, with every refusal, the key and examples.

Called by application. The framework describes parameters, bodies and answers; what it would say wrongly of refusals (its own
form of them, and 400 for what is 422 here) is taken out, and ours put in.
"""

import functools
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from counterfoil import __version__
from counterfoil.service.api import problems
from counterfoil.service.api.registry import Told

METHODS: Final = ("get", "post", "put", "patch", "delete")
EVERYWHERE: Final = (400, 401, 403, 408, 421, 422, 429, 500, 503)
WITH_BODY: Final = (413, 415)
ABOUT: Final = (
    "What Counterfoil knows of your ledgers, and what it does for your records. Send a key as `Authorization: Bearer cf_…`; "
    "`counterfoil api-keys create` makes one. Amounts of ours are text, so that no reader makes floating-point numbers of "
    "them; documents of Xero's stand as Xero sends them. Every refusal is a problem document (RFC 9457) with a `code` for "
    "programs and a `remedy` for people. Pages go by `after` and `next`; `next` null: there is no more now."
)
# Its path is none of gate's, so that what the framework puts there is answered to nobody.
CONFIG: Final = OpenAPIConfig(
    title="Counterfoil", version=__version__, description=ABOUT, path="/unserved", render_plugins=[JsonRenderPlugin()],
    use_handler_docstrings=False,
)  # fmt: skip


class AsItIs(OpenAPISchemaPlugin):
    """Documents that pass through as the bytes that Xero sent: objects, of whose fields Xero's pages tell."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether it is such a type."""
        return value is msgspec.Raw

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ARG002 - the framework's signature
        """An object."""
        return Schema(type=OpenAPIType.OBJECT, description="A document as Xero has it.")


def document(app: Litestar) -> dict[str, Any]:
    """The whole document; made once for each application."""
    return _document(app)


@functools.lru_cache(4)
def _document(app: Litestar) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    found["security"] = [{"key": []}]
    parts = found.setdefault("components", {})
    parts["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of `counterfoil api-keys create`."}
    }
    schemas, refs = msgspec.json.schema_components([problems.Problem], ref_template="#/components/schemas/{name}")
    parts.setdefault("schemas", {}).update(refs)
    parts["responses"] = {str(status): _refusal(status, schemas[0]) for status in sorted(_statuses())}
    for told, has_body, operation in _operations(app, found):
        _complete(operation, told, has_body=has_body)
    return found


def _operations(app: Litestar, found: dict[str, Any]) -> Iterator[tuple[Told, bool, dict[str, Any]]]:
    told = {
        str(handler.operation_id): handler.opt["told"]
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "told" in handler.opt
    }
    for path in found["paths"].values():
        for method in METHODS:
            if method in path:
                own = told[path[method]["operationId"]]
                if own.body is not None:
                    content = {kind: {"schema": schema} for kind, schema in own.body.items()}
                    path[method]["requestBody"] = {"required": True, "content": content}
                yield own, "requestBody" in path[method], path[method]


def _complete(operation: dict[str, Any], told: Told, *, has_body: bool) -> None:
    answers = operation["responses"]
    answers.pop("400", None)  # what the framework says of wrong parameters: it is 422 here
    in_path = any(one["in"] == "path" for one in operation.get("parameters", ()))
    statuses = {*EVERYWHERE, *told.refusals, *(WITH_BODY if has_body else ()), *((404,) if in_path else ())}
    for status in sorted(statuses):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    for status, answer in answers.items():
        for header in answer.get("headers", {}).values():
            header.setdefault("schema", {"type": "string"})  # without one, which the framework forgets, it is no header
        if status.startswith("2") and told.example is not None:
            answer["content"]["application/json"]["example"] = told.example
    if has_body and told.body_example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = told.body_example


def _statuses() -> set[int]:
    return {status for status, _title in problems.TITLES.values()}


def _refusal(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    codes = [code for code, (of, _title) in problems.TITLES.items() if of == status]
    title = problems.TITLES[codes[0]][1]
    example = {
        "type": problems.anchor(codes[0]), "title": title, "status": status,
        "detail": f"{title}.", "code": codes[0],
    }  # fmt: skip
    answer: dict[str, Any] = {
        "description": "; ".join(problems.TITLES[code][1] for code in codes),
        "content": {problems.MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "required": True}
        }
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    return answer
