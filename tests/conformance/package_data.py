"""What the sandbox keeps of Xero's OpenAPI files (16.1.0, at ../shared/openapi): operations and the fields of lists.

The package may not read those files when it runs, so it carries two compact lists. `python -m
tests.conformance.package_data` writes them again; `test_package_data` holds them to the files, where these are at hand.
"""

import json
import re
from pathlib import Path

import yaml

OPENAPI = Path(__file__).parents[2].parent / "shared" / "openapi"
SANDBOX = Path(__file__).parents[2] / "src" / "counterfoil" / "sandbox"
OPERATIONS = SANDBOX / "coverage" / "operations.json"
FIELDS = SANDBOX / "where" / "fields.json"
METHODS = ("get", "put", "post", "patch", "delete")
_TYPES = {"number": "Decimal?", "integer": "Int32?", "boolean": "Boolean?", "array": "List"}


def loaded(file):
    """One of Xero's files."""
    return yaml.load((OPENAPI / file).read_text(), Loader=yaml.CSafeLoader)


def operations():
    """API -> [[operationId, METHOD, path, [parameters]]] in the order of the files."""
    found = {}
    for path in sorted(OPENAPI.glob("*.yaml")):
        spec = loaded(path.name)
        if path.name == "xero-webhooks.yaml":
            continue
        name = re.sub(r"^xero[-_]", "", path.stem)
        found[name] = [
            [operation["operationId"], method.upper(), at, _parameters(spec, item, operation)]
            for at, item in spec["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        ]
    return found


def _parameters(spec, item, operation):
    """Names of query parameters, and of headers but those that every call has."""
    names = []
    for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
        if "$ref" in parameter:
            parameter = spec["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]  # noqa: PLW2901 - followed
        if parameter["in"] in {"query", "header"} and parameter["name"].lower() != "xero-tenant-id":
            names.append(parameter["name"])
    return names


def fields():
    """{"lists": {plural: schema}, "schemas": {schema: {field: .NET type, or @schema}}} of what `where` may see."""
    spec = loaded("xero_accounting.yaml")
    schemas = spec["components"]["schemas"]
    lists = {}
    for at, item in spec["paths"].items():
        if "get" in item and at.count("/") == 1:
            plural = at[1:]
            of = schemas.get(plural, {}).get("properties", {}).get(plural, {}).get("items", {}).get("$ref", "")
            if of:
                lists[plural] = of.rpartition("/")[2]
    kept, todo = {}, sorted(set(lists.values()))
    while todo:
        name = todo.pop()
        if name not in kept:
            kept[name] = {field: _type(schemas, of) for field, of in schemas[name].get("properties", {}).items()}
            todo += [kind[1:] for kind in kept[name].values() if kind.startswith("@")]
    return {"lists": lists, "schemas": dict(sorted(kept.items()))}


def _type(schemas, schema):
    """The .NET type as Xero's messages name it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"@{name}" if "properties" in schemas[name] else "String"
    if schema.get("x-is-msdate") or schema.get("x-is-msdate-time") or schema.get("format") in {"date", "date-time"}:
        return "DateTime?"
    if schema.get("format") == "uuid":
        return "Guid?"
    return _TYPES.get(schema.get("type"), "String")


def operations_text(found):
    """An operation to a line."""
    parts = []
    for api, rows in found.items():
        lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        parts.append(f"{json.dumps(api)}: [\n{lines}\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def fields_text(found):
    """A schema to a line."""
    schemas = ",\n".join(f"  {json.dumps(name)}: {json.dumps(members)}" for name, members in found["schemas"].items())
    return '{\n"lists": ' + json.dumps(found["lists"]) + ',\n"schemas": {\n' + schemas + "\n}\n}\n"


if __name__ == "__main__":
    OPERATIONS.write_text(operations_text(operations()))
    FIELDS.write_text(fields_text(fields()))
