"""The public surface: exactly these names, and importing the package loads nothing."""

import subprocess
import sys

import pytest

import counterfoil


def test_the_public_names_are_these_and_all_load():
    """A new name is a promise: add it here on purpose."""
    assert sorted(counterfoil.__all__) == ["Books", "__version__", "errors", "on", "open_books"]
    assert dir(counterfoil) == sorted(counterfoil.__all__)
    from counterfoil import app, errors

    assert (counterfoil.open_books, counterfoil.Books) == (app.open_books, app.Books)
    assert counterfoil.errors is errors


def test_a_name_that_is_not_public_is_refused():
    """As Python refuses any unknown attribute."""
    with pytest.raises(AttributeError, match="no attribute 'Settings'"):
        _ = counterfoil.Settings


def test_importing_the_package_costs_nothing():
    """No heavy module is loaded before a name is used."""
    code = "import sys, counterfoil; print([m for m in sys.modules if m.startswith('counterfoil.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
