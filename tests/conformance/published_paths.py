"""What a feed's `map` may name of Xero's documents: every field of each resource, with what it holds (OpenAPI 16.1.0).

`python -m tests.conformance.published_paths` writes it again; tests/mapping/test_documents holds it to the file, where
that is at hand, and its words to the names that changes have.
"""

import json
from pathlib import Path

from counterfoil.mirror import described
from counterfoil.mirror.meaning import words
from tests.conformance.package_data import loaded
from tests.conformance.published_fields import SCHEMAS

PATHS = Path(__file__).parents[2] / "src" / "counterfoil" / "mapping" / "documents.json"
WHOLE = frozenset({"Day", "FinancialYearEndDay", "FinancialYearEndMonth"})  # as model/whole
ON_THE_WIRE = {"Invoice": {"InvoicePaymentServices": "json"}}  # sent, and not published: as mirror/drifting
OF_ANSWERS = frozenset({"HasErrors", "HasValidationErrors", "StatusAttributeString", "ValidationErrors", "Warnings"})
ID_OF_ITS_OWN = frozenset({"Currencies", "TaxRates"})  # whose ids another organisation has as well


def published():
    """{"resources": {name: {"type", "id", "words", "shared"}}, "types": {type: {field: what it holds}}}.

    What a field holds: text, amount, whole, day, instant, yes_no, json, a type, or [a type] of a list.
    """
    schemas = loaded("xero_accounting.yaml")["components"]["schemas"]
    resources, types = {}, {}
    todo = []
    for one in described.ALL:
        kind = words.KINDS[one.name]
        resources[one.name] = {
            "type": SCHEMAS[one.name], "id": one.id, "words": [kind.word, *kind.by_type.values()],
            "shared": one.name in ID_OF_ITS_OWN,
        }  # fmt: skip
        todo.append(SCHEMAS[one.name])
    while todo:
        name = todo.pop()
        if name not in types:
            types[name] = _fields(schemas, name)
            todo += [kind.strip("[]") for kind in types[name].values() if kind.strip("[]")[0].isupper()]
    for one in described.ALL:  # what is never kept cannot be mapped
        types[SCHEMAS[one.name]] = {
            key: kind for key, kind in types[SCHEMAS[one.name]].items() if key not in one.unkept
        }
    return {"resources": resources, "types": dict(sorted(types.items()))}


def _fields(schemas, name):
    fields = schemas[name]["properties"]
    kept = {
        key: _kind(schemas, key, of)
        for key, of in fields.items()
        if key not in OF_ANSWERS and not (key.endswith("String") and key.removesuffix("String") in fields)
    }
    return kept | ON_THE_WIRE.get(name, {})


def _kind(schemas, key, schema):
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if "properties" in schemas[name] else "text"
    if schema.get("x-is-msdate") or schema.get("x-is-msdate-time"):
        return "instant" if key.endswith("UTC") else "day"
    if schema["type"] == "array":
        inside = _kind(schemas, key, schema["items"])
        return f"[{inside}]" if inside[0].isupper() else "json"
    if schema["type"] == "integer":
        return "whole" if key in WHOLE else "amount"
    return {"number": "amount", "boolean": "yes_no", "object": "json"}.get(schema["type"], "text")


def text():
    """The file's text: a type to a line."""
    parts = []
    for part, rows in published().items():
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in rows.items())
        parts.append(f"{json.dumps(part)}: {{\n{lines}\n}}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    PATHS.write_text(text())
