"""What the mirror saw is named and kept in one step."""

import datetime

import msgspec

from counterfoil.mirror.meaning import recording
from counterfoil.model.observed import Observed
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import happenings
from counterfoil.store.database import Database

NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


def look(before, after, stamp=NOW):
    return Observed(
        tenant_id="t", resource="Accounts", document_id="d", before=before, after=after, stamp=stamp, seen_at=NOW
    )


async def test_the_same_look_recorded_twice_is_one_change(tmp_path):
    """Two processes that catch up at once, and one that is killed and begins again, leave each change once."""
    database = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", SystemClock(), alone=True)
    await database.open()
    looks = (look(None, {"Status": "ACTIVE"}), look({"Status": "ACTIVE"}, {"Status": "ARCHIVED"}))
    first = await database.run(lambda conn: recording.record(conn, looks))
    again = await database.run(lambda conn: recording.record(conn, looks))
    kept = await database.read(lambda conn: happenings.after(conn, 0, None, 10))
    await database.close()
    assert ([one.id for one in kept], again) == (first, [])
    assert [one.name for one in kept] == ["account.created", "account.archived"]
    assert msgspec.json.decode(kept[-1].body)["after"] == {"Status": "ARCHIVED"}


async def test_what_happens_again_to_a_record_without_a_stamp_is_another_change(tmp_path):
    """Archived, restored, archived once more, and the last of it seen twice: three changes."""
    database = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", SystemClock(), alone=True)
    await database.open()
    archived = look({"Status": "ACTIVE"}, {"Status": "ARCHIVED"}, stamp=None)
    restored = look({"Status": "ARCHIVED"}, {"Status": "ACTIVE"}, stamp=None)
    for one in (archived, archived, restored, archived, archived):
        await database.run(lambda conn, one=one: recording.record(conn, [one]))
    kept = await database.read(lambda conn: happenings.after(conn, 0, None, 10))
    await database.close()
    assert [one.name for one in kept] == ["account.archived", "account.restored", "account.archived"]
    assert len({one.id for one in kept}) == len(kept)
