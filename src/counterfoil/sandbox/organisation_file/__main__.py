"""`python -m counterfoil.sandbox.organisation_file`: the JSON Schema that docs/organisation-file.schema.json holds."""

import sys

import msgspec

from counterfoil.sandbox.organisation_file import schema

if __name__ == "__main__":
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(schema.published()), indent=2).decode() + "\n")
