"""doctor: what is paused, how old the newest backup is, and which API keys nobody uses."""

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


def test_api_keys_that_nobody_uses_end_soon_or_were_lost(firm):
    """Each is named by its prefix, with what to do; one that was revoked is no matter."""
    made = [
        firm("api-keys", "create", "till", "--rights", "read", "--expires", "300d", "--json").value for _ in range(4)
    ]
    prefixes = [one["key"]["prefix"] for one in made]
    assert firm("api-keys", "revoke", prefixes[3]).code == 0
    soon, long_ago = 5 * 86_400 * 1_000_000, 100 * 86_400 * 1_000_000
    firm.sql("UPDATE api_keys SET expires_at = made_at + ? WHERE prefix = ?", soon, prefixes[0])
    firm.sql("UPDATE api_keys SET made_at = made_at - ? WHERE prefix IN (?, ?)", long_ago, prefixes[1], prefixes[3])
    firm.sql("UPDATE api_keys SET root_id = 'another' WHERE prefix = ?", prefixes[2])
    found = [one for one in firm("doctor", "--offline", "--json").value["checks"] if one["check"] == "api-keys"]
    assert [(one["code"], one["subject"]) for one in found] == list(
        zip(("ends", "unused", "lost"), prefixes, strict=False)
    )
    assert all("counterfoil api-keys" in one["remedy"] for one in found)
    assert [one["state"] for one in firm("api-keys", "--json").value] == ["usable", "usable", "lost", "revoked"]
