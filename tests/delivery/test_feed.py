"""delivery/feed: the feeds of a configuration, compiled; every mistake is told with its line."""

import textwrap

import pytest

from counterfoil import errors, settings
from counterfoil.delivery import feed

NAMES = ("contact.archived", "invoice.created", "invoice.paid", "invoice.updated")
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = f"""
[feeds.crm]
on = ["invoice.paid", "contact.*"]
entity = "uk"
to = {{ webhook = "https://crm.example/hooks", secret = "{SECRET}" }}
"""


def load(tmp_path, text):
    path = tmp_path / "counterfoil.toml"
    head = '[xero]\nclient_id = "C"\n[entities.uk]\n[entities.nl]\n'
    path.write_text(head + textwrap.dedent(text))
    return settings.load(path, environ={})


def compiled(tmp_path, text):
    return feed.compiled(load(tmp_path, text), NAMES)


def test_a_feed_says_what_it_wants_and_where_it_goes(tmp_path):
    """A table becomes a feed; its name is its id, it begins now, and snapshots are not for it."""
    found = compiled(tmp_path, GOOD)["crm"]
    assert (found.to, found.settings.id, found.settings.begins, found.settings.snapshot) == (
        "webhook",
        "crm",
        "now",
        False,
    )
    assert found.settings.entities == {"uk"}


def test_a_feed_may_keep_its_id_under_another_name(tmp_path):
    """`id` is what is remembered; two feeds with one id are a mistake."""
    text = GOOD.replace("[feeds.crm]", '[feeds.crm]\nid = "a1"')
    assert compiled(tmp_path, text)["crm"].settings.id == "a1"
    with pytest.raises(
        errors.ConfigurationError, match=r"\[feeds.two\] has the id a1, which \[feeds.crm\] has already"
    ):
        compiled(tmp_path, text + text.replace("feeds.crm", "feeds.two"))


MISTAKES = [
    ('"invoice.paid"', '"invoice.payed"', r"counterfoil.toml:7: \[feeds.crm.on\] `\[0\]` names no change that there is: invoice.payed. Did you mean `invoice.paid`\?"),
    ('"contact.*"', '"contracts.*"', r"Did you mean `contact.\*`\?"),
    ('"uk"', '"ukk"', r"counterfoil.toml:8: \[feeds.crm\] `entity` is unknown: ukk. Did you mean `uk`\?"),
    ("entity =", "entitty =", r"counterfoil.toml:8: \[feeds.crm\] unknown key `entitty`; did you mean `entity`\?"),
    ("webhook =", "webhok =", r"counterfoil.toml:9: \[feeds.crm\] `to` names none of .*Did you mean `webhook`\?"),
    ("secret =", "secrett =", r"counterfoil.toml:9: \[feeds.crm.to\] unknown key `secrett`; did you mean `secret`\?"),
    (f', secret = "{SECRET}"', "", r"\[feeds.crm.to\] `secret` is missing"),
    (SECRET, "c2hvcnQ=", r"\[feeds.crm.to\] `secret` stands for less than 24 bytes"),
    ("https://crm", "http://crm", r"\[feeds.crm.to\] `webhook` is no address that may be used"),
    ('on = ["invoice.paid", "contact.*"]\n', "", r"counterfoil.toml:6: \[feeds.crm\] `on` is missing"),
    ('on = ["invoice.paid", "contact.*"]', "on = []", r"`on` must have at least 1 item\(s\): \[\]"),
    ('on = ["invoice.paid", "contact.*"]', 'on = "invoice.paid"', r'must be a list: invoice.paid. Write it in brackets: \["…"\]'),
    ('entity = "uk"', "entities = []", r"`entities` must have at least 1 item"),
    ('entity = "uk"', 'entity = "uk"\nentities = ["nl"]', r"`entities` stands beside `entity`"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "instead", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_the_nearest_word(tmp_path, there, instead, said):
    """A typo in a feed is an error that names the line and what was probably meant."""
    assert there in GOOD
    with pytest.raises(errors.ConfigurationError, match=said):
        compiled(tmp_path, GOOD.replace(there, instead))


def test_no_mistake_tells_an_address_or_a_secret(tmp_path):
    """What stands in `to` may be a secret: no message repeats it."""
    wrong = GOOD.replace("https://crm.example/hooks", "http://crm.example/t0ken").replace(SECRET, "s3cr=t")
    with pytest.raises(errors.ConfigurationError) as found:
        compiled(tmp_path, wrong)
    assert "t0ken" not in str(found.value)
    assert "s3cr" not in str(found.value)


def test_secrets_come_from_a_file_and_are_not_shown(tmp_path):
    """`secret_file` holds one key a line, for the time in which a receiver changes to another; `config show` shows none."""
    (tmp_path / "keys").write_text(f"{SECRET}\n{SECRET[::-1]}\n")
    loaded = load(tmp_path, GOOD.replace(f'secret = "{SECRET}"', 'secret_file = "keys"'))
    assert feed.compiled(loaded, NAMES)["crm"].to == "webhook"
    shown = settings.redacted(loaded)["feeds"]["crm"]["to"]
    assert set(shown.values()) == {"…"}
