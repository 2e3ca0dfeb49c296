"""doctor: what is paused, and how old the newest backup is."""

WEEK_US = 8 * 86_400 * 1_000_000


def test_a_pause_is_a_warning_until_it_is_ended(firm):
    """Who, since when, why, and the command that ends it."""
    assert firm("pause", "--entity", "acme-uk", "--because", "the auditor is here").code == 0
    found = firm("doctor", "--offline", "--json").value
    (told,) = [one for one in found["checks"] if one["check"] == "pauses"]
    assert (told["level"], told["subject"]) == ("warning", "acme-uk")
    assert "the auditor is here" in told["message"]
    assert "counterfoil resume --entity acme-uk" in told["remedy"]
    assert firm("resume", "--entity", "acme-uk").code == 0
    found = firm("doctor", "--offline", "--json").value
    assert [one["level"] for one in found["checks"] if one["check"] == "pauses"] == ["ok"]


def _backup(firm):
    found = firm("doctor", "--offline", "--json").value
    (told,) = [one for one in found["checks"] if one["check"] == "backup"]
    return told["level"], told["code"]


def test_a_backup_that_is_old_or_was_never_made_is_a_warning(firm):
    """A firm of a day needs none yet; one of a week does; a fresh one is well; after a week it is old."""
    assert _backup(firm) == ("ok", "ok")
    firm.sql("UPDATE runs SET started = started - ?", WEEK_US)
    assert _backup(firm) == ("warning", "none")
    assert firm("backup", "day.backup").code == 0
    assert _backup(firm) == ("ok", "ok")
    firm.sql("UPDATE meta SET value = '2020-01-01T00:00:00+00:00 day.backup' WHERE key = 'last_backup'")
    assert _backup(firm) == ("warning", "old")
