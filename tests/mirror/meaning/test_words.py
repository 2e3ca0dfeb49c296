"""The table of names agrees with what the mirror keeps and with what Xero publishes."""

import re
from pathlib import Path

import pytest

from counterfoil.mirror import described, drifting
from counterfoil.mirror.described import Described
from counterfoil.mirror.meaning import naming, words
from counterfoil.model.observed import Observed
from tests.mirror.meaning.test_recording import NOW

EACH = pytest.mark.parametrize("one", described.ALL, ids=lambda one: one.name)
# Seen on the wire though no file names it: xero-facts §4.8 (a merged or erased contact), §5.9.
UNPUBLISHED = {"GDPRREQUEST", "DELETED", "BILLED"}


def named(one: Described, before: dict[str, object] | None, after: dict[str, object] | None) -> list[str]:
    """What a difference of this resource is called."""
    found = naming.changes(
        Observed(tenant_id="t", resource=one.name, document_id="d", before=before, after=after, stamp=NOW, seen_at=NOW)
    )
    assert {each.name for each in found} <= set(words.names())
    return [each.name for each in found]


@EACH
def test_each_resource_of_the_mirror_has_a_word(one: Described) -> None:
    """Under the name that the mirror gives it: made, changed, gone."""
    word = words.KINDS[one.name].word
    assert named(one, None, {one.id: "d"}) == [f"{word}.created"]
    assert named(one, {"Name": "a"}, {"Name": "b"}) == [f"{word}.updated"]
    assert named(one, {"Name": "a"}, None) == [f"{word}.deleted"]


@EACH
def test_its_rules_read_fields_and_values_that_xero_has(one: Described) -> None:
    """A typo in the table would be a name that nobody ever gets."""
    published = drifting.published_values(one.name)
    for rule in words.KINDS[one.name].rules:
        assert rule.field in drifting.known_fields(one.name), rule.name
        values = {value for value in rule.to if isinstance(value, str)}
        assert values <= published.get(rule.field, values) | UNPUBLISHED, rule.name
        assert rule.explains <= drifting.known_fields(one.name) | words.SETTLING, rule.name


def test_no_word_is_of_a_resource_that_is_not_kept() -> None:
    """Nothing is promised that never comes."""
    assert set(words.KINDS) == set(described.NAMES)


def test_the_page_lists_every_name_and_no_other() -> None:
    """docs/howto/what-happened.md has the table that the code has."""
    page = (Path(__file__).parents[3] / "docs" / "howto" / "what-happened.md").read_text()
    listed = page.partition("## The names")[2].partition("`updated` is")[0]
    assert sorted(re.findall(r"`([a-z_]+\.[a-z_]+)`", listed)) == sorted(words.names())
