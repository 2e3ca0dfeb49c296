"""Every column of text or bytes says whether a person's words may stand in it; every personal one is swept; every tenant's table is purged."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.removing import classes, purging, texts
from counterfoil.store.types import Amount, Day, Json

GUIDE = (Path(__file__).parents[3] / "docs/howto/privacy.md").read_text(encoding="utf-8")
TABLES = schema.tables.sorted_tables
# Of a tenant or an entity, and not purged: identities, what people decided, what is kept for ever, what ends by itself.
STAYS = {
    "audit", "audit_heads", "bindings", "connections", "contact_links", "fixes", "notices", "postings", "removals",
    "requests", "usage",
}  # fmt: skip


def of_text(column):
    """Whether letters can stand in a column."""
    return isinstance(column.type, sa.Text | sa.LargeBinary | Json) and not isinstance(column.type, Amount | Day)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_of_text_is_classified(table):
    """As personal or maybe by its name, or with its whole table as none of either; nothing is named that is not there."""
    known = {column.name for column in table.columns if of_text(column)}
    personal, maybe = (set(names.split()) for names in classes.TEXTS.get(table.name, ("", "")))
    assert (table.name in classes.TEXTS) != (table.name in classes.NONE), "put the new table's columns under a class"
    assert personal | maybe <= known
    assert not personal & maybe
    ours = {one.partition(".")[2] for one in classes.OURS if one.startswith(f"{table.name}.")}
    assert ours <= known
    unsaid = known - personal - maybe - ours - classes.IMPERSONAL
    assert not unsaid, f"which class do {sorted(unsaid)} of {table.name} have?"


def test_what_is_personal_is_swept_and_what_may_be_is_searched_or_kept_for_a_reason():
    """No class without its consequence."""
    for name, (personal, maybe) in classes.TEXTS.items():
        assert bool(personal) == (name in classes.SWEPT)
        searched = {*texts.PLACES.get(name, ((), ()))[0], *texts.PLACES.get(name, ((), ()))[1]}
        for column in maybe.split():
            assert (column in searched) != (f"{name}.{column}" in classes.KEPT), f"{name}.{column}"


def test_every_table_of_a_tenant_is_purged_or_stays_for_a_reason():
    """A new table with a tenant's or an entity's rows is in the registry, or among what stays."""
    owned = {one.name for one in TABLES if {"tenant_id", "entity"} & set(one.columns.keys())}
    assert owned == {one.table for one in purging.REGISTRY if not one.through} | STAYS


def test_the_guide_names_every_table_that_may_hold_a_persons_words():
    """docs/howto/privacy.md says of each what becomes of it."""
    assert [name for name in classes.TEXTS if f"`{name}`" not in GUIDE] == []
