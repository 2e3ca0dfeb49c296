"""Only what was signed with one of our keys, byte for byte, is Xero's."""

import os
import random

import pytest

from counterfoil.settings import Secret
from counterfoil.webhooks import signature
from tests.webhooks.sender import INTENT, KEY, altered, body, event
from tests.webhooks.sender import signature as signed

KEYS = signature.keys_of([Secret(KEY)])


def test_xeros_own_bytes_have_their_known_signature():
    """By openssl for this key and Xero's own intent to receive: the key is text, not base64."""
    assert signature.made(b"testkey123", INTENT) == b"K812OaM1a8x4BONy9shoGv6lbruTzJqH8pPgs+lK2nA="


def test_every_key_is_tried():
    """While a key is rotated, both sign."""
    both = signature.keys_of([Secret("new"), Secret(KEY)])
    assert signature.is_right(both, INTENT, signed(INTENT).encode())
    assert signature.is_right(both, INTENT, signed(INTENT, "new").encode())
    assert not signature.is_right(both, INTENT, signed(INTENT, "old").encode())


def test_an_empty_key_is_no_key():
    """An empty variable must not let in whoever signs with nothing; white space around a key is not part of it."""
    assert signature.keys_of([Secret(""), Secret(" \n"), Secret(f"{KEY}\n"), Secret(KEY)]) == KEYS
    assert not signature.is_right(signature.keys_of([Secret("")]), INTENT, signed(INTENT, "").encode())
    assert not signature.is_right((), INTENT, signed(INTENT).encode())


def test_a_signature_with_any_character_changed_is_refused():
    """All 44 places, also the one of which base64 ignores bits."""
    right = signed(INTENT)
    for at in range(len(right)):
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=":
            wrong = right[:at] + letter + right[at + 1 :]
            assert signature.is_right(KEYS, INTENT, wrong.encode()) == (wrong == right)


def test_what_is_no_signature_is_refused():
    """Nothing, noise, the right one with something around it, bytes that are no text."""
    right = signed(INTENT).encode()
    for wrong in (
        b"",
        b"x" * 44,
        right + b"=",
        b" " + right,
        right[:-1],
        right.rstrip(b"="),
        b"\xff" * 44,
        right.lower(),
    ):
        assert not signature.is_right(KEYS, INTENT, wrong)


def forged(count, seed):
    """(body, signature) of which none is right: altered bodies, altered signatures, other keys, swapped ones."""
    dice = random.Random(seed)
    for n in range(count):
        whole = body(*(event(at=f"2026-11-22T09:00:{n % 60:02}.000") for _ in range(dice.randint(0, 3))), first=n + 1)
        right = signed(whole)
        match dice.randrange(5):
            case 0:
                yield whole, altered(right, dice.randrange(44))
            case 1:
                at = dice.randrange(len(whole))
                yield whole[:at] + bytes([whole[at] ^ (1 << dice.randrange(8))]) + whole[at + 1 :], right
            case 2:
                yield whole, signed(whole, KEY + dice.choice("xyz="))
            case 3:
                yield whole + dice.choice([b" ", b"\n", b"\0"]), right
            case _:
                yield whole.replace(b": ", b":"), right


@pytest.mark.soak
def test_what_is_forged_or_altered_is_refused():
    """A hundred thousand, in `make test` a fiftieth: none is accepted."""
    count = 100_000 if "SOAK" in os.environ else 2_000
    assert sum(signature.is_right(KEYS, whole, given.encode()) for whole, given in forged(count, 1)) == 0
