"""Global options are taken out of the command line wherever they stand."""

import pytest

from counterfoil.cli import switches
from counterfoil.cli.switches import Switches


@pytest.mark.parametrize(
    ("words", "expected", "left"),
    [
        ([], Switches(), []),
        (["run", "shop", "--json"], Switches(json=True), ["run", "shop"]),
        (["--config", "a.toml", "run", "--env=test", "shop"], Switches("a.toml", "test"), ["run", "shop"]),
        (["--config=a.toml", "status"], Switches("a.toml"), ["status"]),
        (
            ["problems", "skip", "3", "--because", "--json"],
            Switches(),
            ["problems", "skip", "3", "--because", "--json"],
        ),
        (["why", "--", "--json"], Switches(), ["why", "--", "--json"]),
        (["--version"], Switches(version=True), []),
    ],
)
def test_hoist(words, expected, left):
    """What is ours and what is left for the command."""
    assert switches.hoist(words) == (expected, left)


@pytest.mark.parametrize("words", [["--config"], ["run", "--env"], ["--config", "--json"]])
def test_an_option_without_its_value_is_a_usage_error(words):
    """Rather than swallowing the next option."""
    with pytest.raises(switches.UsageError, match="needs a value"):
        switches.hoist(words)


def test_a_word_that_is_no_text_is_refused():
    """Bytes of another encoding, which nothing could store or show; also after a `--`, and named without them."""
    for words in (["why", "f\udcfcr"], ["run", "--", "\udcff"], ["problems", "skip", "--because", "\udcff"]):
        with pytest.raises(switches.UsageError, match="no UTF-8 text") as caught:
            switches.hoist(words)
        assert str(caught.value).isprintable()
