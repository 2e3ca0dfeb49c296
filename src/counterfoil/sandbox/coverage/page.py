"""The coverage as a page of Markdown. Called through this folder, by the test that writes docs/sandbox-coverage.md."""

from collections import Counter
from itertools import groupby
from typing import Any, Final

from counterfoil.sandbox.coverage.probing import DONE, NOT, PARTLY

_STATES: Final = (DONE, PARTLY, NOT)
_HEAD: Final = """\
# What the sandbox plays of Xero's API

Every operation of Xero's OpenAPI files (16.1.0). This page is written by the code: each operation is called on a small
organisation, and what it answers and which parameters it looks at stands here. `GET /_sandbox/coverage` says the same as
JSON. What stands behind a resource in more words: [coverage](coverage.md).

`done`: it answers, and looks at every published parameter. `partly`: what is named is ignored, or refused with 501.
`not`: 501 or 404.
"""
_NAMES: Final = {
    "accounting": "Accounting",
    "identity": "Identity (connections)",
    "app-store": "App Store subscriptions",
    "finance": "Finance",
    "payroll-au": "Payroll Australia",
    "payroll-nz": "Payroll New Zealand",
    "payroll-uk": "Payroll United Kingdom",
    "projects": "Projects",
    "assets": "Assets",
    "bankfeeds": "Bank Feeds",
    "files": "Files",
}


def markdown(found: dict[str, list[dict[str, Any]]]) -> str:
    """The whole page: a table of APIs, then the Accounting API resource by resource."""
    lines = [_HEAD, "| API | operations | done | partly | not |", "|---|---|---|---|---|"]
    for api in _NAMES:
        counts = Counter(row["state"] for row in found[api])
        lines.append(
            f"| {_NAMES[api]} | {len(found[api])} | " + " | ".join(str(counts[state]) for state in _STATES) + " |"
        )
    lines += ["", "## Accounting"]
    by_resource = sorted(found["accounting"], key=_resource)
    for resource, rows in groupby(by_resource, key=_resource):
        lines += ["", f"### {resource}", "", "| operation | call | | missing |", "|---|---|---|---|"]
        lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _resource(row: dict[str, Any]) -> str:
    name: str = row["path"].split("/")[1]
    return name


def _line(row: dict[str, Any]) -> str:
    missing = ", ".join(row["missing"])
    return f"| {row['operation']} | `{row['method']} {row['path']}` | {row['state']} | {missing} |"
