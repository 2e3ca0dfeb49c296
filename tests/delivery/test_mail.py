"""A message by e-mail, against real mail servers on this machine: TLS, STARTTLS, login, refusals, silence, injection."""

import base64
import datetime
import email
import email.policy

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from counterfoil import settings
from counterfoil.delivery import mail, message
from counterfoil.delivery.outcome import NotDelivered
from tests.delivery.receivers import Post, nobody

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
TRIAL = message.trial(NOW, installation="i", environment="default")
LOGIN = ', user = "us", password = "pass-word"'


def target(tmp_path, table):
    path = tmp_path / "counterfoil.toml"
    path.write_text(f'[xero]\nclient_id = "abc"\n{table}')
    return settings.load(path, None, {}).notify[0].to


async def failure(tmp_path, table, within_s=5.0):
    with pytest.raises(NotDelivered) as caught:
        await mail.send(target(tmp_path, table), TRIAL, within_s=within_s)
    assert "pass-word" not in str(caught.value)
    return caught.value.reason, caught.value.may_have_arrived, caught.value.target_is_down


def read(post):
    (letter,) = post.letters
    return email.message_from_bytes(letter, policy=email.policy.default)


async def test_a_letter(tmp_path, post):
    """Plain text with a subject, to one address from one address, by the message's own id."""
    await mail.send(target(tmp_path, post.table()), TRIAL, within_s=5)
    letter = read(post)
    assert (letter["To"], letter["From"]) == ("books@example.com", "us@sender.example")
    assert letter["Subject"] == "[Counterfoil] test: This is a test of Counterfoil's notifications. Nothing is wrong."
    assert letter["Message-ID"] == f"<{TRIAL.id}@sender.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert "This is a test" in letter.get_content()
    assert [line for line in post.heard if line.lower().startswith("rcpt")] == ["rcpt TO:<books@example.com>"]


async def test_a_lone_dot_ends_no_letter(tmp_path, post):
    """What would end the letter on the wire arrives as it was written."""
    told = msgspec.structs.replace(TRIAL, message=".", remedy=".")
    await mail.send(target(tmp_path, post.table()), told, within_s=5)
    assert read(post).get_content().splitlines()[:3] == [".", "", "."]
    assert post.heard[-1].upper() == "QUIT"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_encrypted_letter_with_a_login(tmp_path, certificate, trusted, security):
    """The password leaves over TLS only, whichever way TLS begins."""
    post = Post(certificate, wrapped=security == "tls")
    try:
        table = post.table(host="localhost", security=security, more=LOGIN)
        await mail.send(target(tmp_path, table), TRIAL, within_s=5)
    finally:
        post.close()
    assert read(post)["To"] == "books@example.com"
    secret = base64.b64encode(b"\0us\0pass-word").decode()
    logins = [line for line in post.heard if secret in line]
    assert len(logins) == 1
    if security == "starttls":
        assert post.heard.index("STARTTLS") < post.heard.index(logins[0])


async def test_without_starttls_nothing_is_said(tmp_path, post):
    """A server that offers no encryption gets neither the password nor the message."""
    table = post.table(security="starttls", more=LOGIN)
    assert await failure(tmp_path, table) == (
        "the mail server offers no STARTTLS, or no login that we know", False, True,
    )  # fmt: skip
    assert [line for line in post.heard if "AUTH" in line.upper()] == []


async def test_a_certificate_that_is_not_valid(tmp_path, certificate):
    """A server that nobody vouches for gets nothing either."""
    post = Post(certificate)
    try:
        found = await failure(tmp_path, post.table(security="starttls", more=LOGIN))
    finally:
        post.close()
    assert found == ("the mail server's certificate is not valid for its name", False, True)
    assert [line for line in post.heard if "AUTH" in line.upper()] == []


@pytest.mark.parametrize(
    ("verb", "said", "expected"),
    [
        ("RCPT", "550 books@example.com is unknown", ("the mail server refused: 550", False, False)),
        ("RCPT", "451 later", ("the mail server refused: 451", False, True)),
        ("MAIL", "553 no", ("the mail server refused: 553", False, False)),
        ("DATA", "554 no", ("the mail server refused: 554", False, False)),
        ("END", "554 spam", ("the mail server refused: 554", False, False)),
        ("END", "250 taken", None),
        ("QUIT", "500 what", None),
    ],
)
async def test_what_the_server_says_counts(tmp_path, post, verb, said, expected):
    """A refusal is surely no delivery and is told by its number alone; after the yes nothing counts any more."""
    post.answers[verb] = said
    if expected is None:
        await mail.send(target(tmp_path, post.table()), TRIAL, within_s=5)
        assert len(post.letters) == 1
    else:
        assert await failure(tmp_path, post.table()) == expected


async def test_a_wrong_password(tmp_path, certificate, trusted):
    """Is the target's trouble, not the message's."""
    post = Post(certificate)
    post.answers["AUTH"] = "535 wrong password"
    try:
        table = post.table(host="localhost", security="starttls", more=LOGIN)
        assert await failure(tmp_path, table) == ("the mail server refused: 535", False, True)
    finally:
        post.close()


@pytest.mark.parametrize(("verb", "may_have_arrived"), [("EHLO", False), ("RCPT", False), ("END", True)])
async def test_silence_has_an_end(tmp_path, post, verb, may_have_arrived):
    """However slow the server, we wait no longer than we said; once the letter is handed over it may have arrived."""
    post.silent_at = verb
    assert await failure(tmp_path, post.table(), 0.3) == ("no answer within 0 s", may_have_arrived, True)


async def test_an_answer_without_an_end(tmp_path, post):
    """A server that only ever says that more follows is not listened to until the memory is full."""
    post.answers["EHLO"] = "250-more\r\n" * 20_000 + "250 end"
    assert await failure(tmp_path, post.table(), 60) == ("the mail server cannot be reached", False, True)


async def test_nobody_listens(tmp_path, post):
    """A refused connection says why."""
    table = post.table().replace(str(post.port), str(nobody()))
    assert await failure(tmp_path, table) == ("the mail server cannot be reached: Connection refused", False, True)


HOSTILE = st.text(st.sampled_from("ab\r\n\0\x85\u2028:. éBcc@"), max_size=60)


@given(HOSTILE, HOSTILE, HOSTILE)
@hypothesis_settings(max_examples=40)
def test_no_text_becomes_a_header(words, remedy, entity):
    """Line breaks in whatever a message says make no header and no second address."""
    told = msgspec.structs.replace(
        TRIAL, state="standing", message=message.plain(words, 500), remedy=remedy, entity=entity, environment=words
    )
    to = settings.Target(key="k", label="l", way="email", email="books@example.com", sender="us@sender.example")
    written = mail.letter(to, told).as_bytes()
    read_again = email.message_from_bytes(written, policy=email.policy.default)
    assert set(read_again.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert read_again["To"] == "books@example.com"
