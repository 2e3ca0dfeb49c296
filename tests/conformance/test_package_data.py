"""What the sandbox carries of Xero's OpenAPI files is what they say."""

import json

import pytest

from tests.conformance import package_data

pytestmark = pytest.mark.skipif(
    not package_data.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi"
)


def test_the_operations_are_those_of_the_files():
    """Every operation of every API with its path and parameters."""
    assert json.loads(package_data.OPERATIONS.read_text()) == package_data.operations()


def test_the_fields_are_those_of_the_files():
    """Every field of every list that `where` may name, with its type."""
    assert json.loads(package_data.FIELDS.read_text()) == package_data.fields()
