from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from counterfoil.model import shape


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """A part."""

    size: Annotated[int, msgspec.Meta(ge=1, le=9)]


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """One field of each type that is declared anywhere."""

    name: str
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    price: Annotated[Decimal, msgspec.Meta(extra={"places": 1, "digits": 2, "places_rule": "Round it."})] = Decimal(0)
    wait_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 1
    free: dict[str, Any] = {}
    either: int | str | None = None


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ({}, "name", "is missing"),
        ({"name": 1}, "name", "must be text"),
        ({"name": "a", "inner": {"size": 0}}, "inner.size", "must be 1 or more"),
        ({"name": "a", "inner": {"sise": 3, "size": 3}}, "inner.sise", "is not a known key"),
        ({"name": "a", "inner": 3}, "inner", "must be an object with keys"),
        ({"name": "a", "many": [{"size": 1}, {"size": 10}]}, "many[1].size", "must be 9 or less"),
        ({"name": "a", "price": "1.25"}, "price", "has 2 decimals; at most 1 are allowed"),
        ({"name": "a", "price": "100"}, "price", "is too large: at most 2 digits before the decimal point"),
        ({"name": "a", "wait_s": 0}, "wait_s", "must be more than 0"),
        ({"name": "a", "wait_s": 6}, "wait_s", "must be 5 or less"),
        ({"name": "a", "wait_s": True}, "wait_s", "must be a number"),
        ({"name": "a", "either": []}, "either", "must be a whole number"),
    ],
)
def test_one_misfit(value, path, reason):
    """Each mistake is found at its place and said in plain words."""
    (misfit,) = shape.misfits(value, Outer)
    assert (shape.written(misfit.path), misfit.reason) == (path, reason)


@pytest.mark.parametrize("value", [{"name": "a"}, {"name": "a", "either": "x", "free": {"b": [1]}, "inner": None}])
def test_what_fits(value):
    """A value that fits has no misfits."""
    assert shape.misfits(value, Outer) == ()


def test_the_rule_is_the_remedy():
    """What the declaration says about too many decimals is what the user reads."""
    (misfit,) = shape.misfits({"name": "a", "price": "1.25"}, Outer)
    assert (misfit.cause, misfit.remedy, misfit.value) == ("too-many-decimals", "Round it.", "1.25")


def test_misfits_are_bounded():
    """A thousand mistakes are told as the first fifty."""
    assert len(shape.misfits({"name": "a", "many": [{}] * 1_000}, Outer)) == shape.MISFITS_MAX


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\x1b[31m\n", "a�[31m�"),
        ("x" * 100, "x" * 59 + "…"),
        (None, "null"),
        (True, "true"),
        ({"a": 1}, "{…}"),
        ([], "[]"),
        ([1], "[…]"),
    ],
)
def test_values_as_shown(value, text):
    """A shown value is short, on one line, and cannot steer a terminal."""
    assert shape.shown(value) == text
