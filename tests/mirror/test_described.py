"""What the mirror knows of each resource agrees with Xero's published file, with the sandbox, and with the configuration."""

import json
import typing
from pathlib import Path
from typing import Any

import pytest

from counterfoil import sandbox
from counterfoil.mirror import described, drifting
from counterfoil.mirror.described import Described
from counterfoil.sandbox import resources
from counterfoil.settings import tables
from counterfoil.xero import scopes
from tests.conformance import package_data, published_fields

OPERATIONS = Path(sandbox.__file__).parent / "coverage" / "operations.json"
EACH = pytest.mark.parametrize("one", described.ALL, ids=lambda one: one.name)


def parameters(one: Described) -> set[str]:
    """What Xero publishes of GET on the resource's path."""
    (found,) = [
        row for row in json.loads(OPERATIONS.read_text())["accounting"] if (row[1], row[2]) == ("GET", f"/{one.name}")
    ]
    return set(found[3])


@EACH
def test_every_parameter_that_is_sent_is_published(one: Described) -> None:
    """Paging, order, since, summaries and ids as its operation has them; what could be paged is."""
    published = parameters(one)
    assert set(one.params) <= published
    assert (one.page_size is not None) == ("page" in published)
    assert (one.page_size == described.PAGE_SIZE) == ("pageSize" in published)
    assert one.page_size is None or "order" in published
    assert not one.since or "If-Modified-Since" in published
    assert bool(one.summary) == ("summaryOnly" in published)
    assert bool(one.ids) == ("IDs" in published)
    assert ("includeArchived" in published) == ("includeArchived" in one.params)
    assert ("includeDeleted" in published) == ("includeDeleted" in one.params)
    assert ("unitdp" in published) == ("unitdp" in one.params)


@EACH
def test_its_fields_are_published(one: Described) -> None:
    """Id, status and stamp are fields of its documents; a resource with a stamp says so, and has a scope."""
    fields = drifting.known_fields(one.name)
    assert one.id in fields
    assert {one.status or one.id, one.stamp or one.id} <= fields
    assert (one.stamp is not None) == ("UpdatedDateUTC" in fields)
    assert one.since == (one.stamp is not None)
    assert scopes.OPENED_BY[one.name]


@EACH
def test_the_sandbox_plays_it(one: Described) -> None:
    """Under the same path, list and scope."""
    played: Any = resources.named(one.name)
    assert played is not None
    assert played.plural == one.list
    assert played.scope in scopes.OPENED_BY[one.name]


def test_the_configuration_may_name_each_of_them() -> None:
    """[mirror] resources knows the same names, in the same order."""
    assert typing.get_args(tables.Mirrorable) == described.NAMES


@pytest.mark.skipif(not package_data.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_what_is_published_is_what_the_file_says() -> None:
    """Fields and values of each resource."""
    assert published_fields.PUBLISHED.read_text() == published_fields.text()
