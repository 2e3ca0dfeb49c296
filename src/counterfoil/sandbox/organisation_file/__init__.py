"""Somebody's own organisation as a file (`--organisation-file`): read, checked, and made the start of an organisation.

What: `read` gives a `Chart` for `world`, or raises `OrganisationFileError` with file, field, value and remedy. `schema`
says what the file may hold, in Xero's words; `checks` what must fit together; `chart` fills in what Xero would. Who
calls it: `journal`, when a sandbox starts. May not import: `door`, `control`, `identity`, `pages`. The published schema,
docs/organisation-file.schema.json, is `schema.published()`.
"""

from counterfoil.sandbox.organisation_file.reading import OrganisationFileError, read

__all__ = ["OrganisationFileError", "read"]
