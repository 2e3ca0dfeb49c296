"""[pacing]: what each lane leaves to those above it, with its defaults and its mistakes."""

import pytest

from counterfoil import errors, settings
from counterfoil.settings.show import redacted

GOOD = '[xero]\nclient_id = "abc"\n'


def load(folder, text):
    """The settings of this text."""
    path = folder / "counterfoil.toml"
    path.write_text(text)
    return settings.load(path, None, {})


@pytest.mark.parametrize(("tier", "day", "bulk"), [("starter", 1_000, 40), ("core", 5_000, 200), ("plus", 5_000, 200)])
def test_the_day_is_that_of_the_tier(tmp_path, tier, day, bulk):
    """1,000 calls on Starter, 5,000 on the others; the lanes keep their part of it."""
    found = load(tmp_path, GOOD + f'tier = "{tier}"\n').pacing
    assert (found.day_limit, found.day_kept[-1]) == (day, bulk)
    assert found.minute_kept == (0, 0, 1, 2, 6)
    assert found.bulk_window is None


def test_what_is_written_counts(tmp_path):
    """A lane that is not named leaves at least as much as the one above it."""
    text = (
        GOOD
        + '[pacing]\nday_limit = 900\nminute_kept = { sync = 9 }\nday_kept = { bulk = 700 }\nbulk_window = "22:00-06:00"\n'
    )
    found = load(tmp_path, text)
    assert found.pacing.day_limit == 900
    assert found.pacing.minute_kept == (0, 0, 1, 9, 9)
    assert found.pacing.day_kept[-1] == 700
    assert redacted(found)["pacing"]["bulk_window"] == "22:00-06:00"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("minute_kept = { bulk = 60 }", "counterfoil.toml:4: [pacing.minute_kept] `bulk` must be less than 60"),
        ("slots_kept = { sync = 5 }", "counterfoil.toml:4: [pacing.slots_kept] `sync` must be less than 5"),
        ("day_kept = { bulk = 5000 }", "counterfoil.toml:4: [pacing.day_kept] `bulk` must be less than 5000"),
        ("minute_kept = { sync = 20, bulk = 3 }", "counterfoil.toml:4: [pacing.minute_kept] `bulk` must be 20 or more, as much as `sync`"),
        ("minute_kept = { bluk = 3 }", "counterfoil.toml:4: [pacing.minute_kept] unknown key `bluk`; did you mean `bulk`?"),
        ("minute_kept = { bulk = -1 }", "counterfoil.toml:4: [pacing.minute_kept] `bulk` must be 0 or more: -1."),
        ("minute_kept = 6", "counterfoil.toml:4: [pacing] `minute_kept` must be an object"),
        ("day_limit = 0", "counterfoil.toml:4: [pacing] `day_limit` must be 1 or more: 0."),
        ("day_limt = 10", "counterfoil.toml:4: [pacing] unknown key `day_limt`; did you mean `day_limit`?"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, line, problem):
    """Each is told with its line and what would be right."""
    with pytest.raises(errors.ConfigurationError) as caught:
        load(tmp_path, f"{GOOD}[pacing]\n{line}\n")
    assert any(found.startswith(problem) for found in caught.value.problems), caught.value.problems


def test_a_small_day_needs_small_reserves(tmp_path):
    """A reserve that is larger than the day of the tier is found, although no single number is wrong."""
    with pytest.raises(errors.ConfigurationError, match="less than 1000"):
        load(tmp_path, GOOD + 'tier = "starter"\n[pacing]\nday_kept = { bulk = 1000 }\n')
