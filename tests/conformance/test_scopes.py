"""Our table of scopes against the sandbox's own judgement and against Xero's published file: three who never met."""

import datetime

import pytest
import yaml

from counterfoil.sandbox import resources
from counterfoil.sandbox.identity import scopes as theirs
from counterfoil.xero import scopes
from tests.conformance import package_data

FILE = package_data.OPENAPI / "xero_accounting.yaml"
TODAY = scopes.BROAD_END - datetime.timedelta(days=1)
HELD = sorted({*theirs.GRANULAR, *theirs.BROAD})
METHODS = {"get": False, "post": True, "put": True, "delete": True}


PLAYED = [name for name in sorted(scopes.OPENED_BY) if resources.named(name) is not None and name != "Journals"]


@pytest.mark.parametrize("resource", PLAYED)
@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_each_scope_opens_what_the_sandbox_lets_it_open(resource, writing):
    """One scope at a time, granular and broad, for every resource that both know."""
    need = scopes.Need(resource, writing, "x")
    wanted = theirs.needed(resource, [], resources.named(resource).scope)
    ours = [held for held in HELD if not scopes.lacking({held}, [need], TODAY)]
    assert ours == [held for held in HELD if theirs.suffices([held], wanted, writing=writing)]


@pytest.mark.skipif(not FILE.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_each_scope_belongs_to_what_xero_publishes():
    """The published file has broad scopes only: whatever opens a resource there, opens it here as well."""
    checked = set()
    for path, operations in yaml.safe_load(FILE.read_text(encoding="utf-8"))["paths"].items():
        parts = path.strip("/").split("/")
        resource = "Attachments" if "Attachments" in parts else parts[0]
        if resource not in scopes.OPENED_BY or "PaymentServices" in parts or "CISSettings" in parts:
            continue
        for method, writing in METHODS.items():
            published = {
                scope
                for one in operations.get(method, {}).get("security", [])
                for some in one.values()
                for scope in some
            }
            need = scopes.Need(resource, writing, "x")
            if published:
                checked.add((resource, writing))
                assert [scope for scope in published if scopes.lacking({scope}, [need], TODAY)] == [], (path, method)
    assert len(checked) > 30
