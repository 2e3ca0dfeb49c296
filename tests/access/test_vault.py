import base64
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.access import key_file
from counterfoil.access.key_source import FileSource, TextSource
from counterfoil.access.master_key import MasterKey
from counterfoil.access.sealing import Sealer

KEY = MasterKey(bytes(32))
OTHER = MasterKey(bytes(31) + b"\x01")
SECRET = b'{"refresh_token": "very-secret"}'


@given(st.binary(max_size=3000), st.lists(st.text(), max_size=3))
def test_what_goes_in_comes_out(content, ids):
    """Any content under any ids opens again."""
    assert Sealer(KEY).open(Sealer(KEY).seal(content, *ids), *ids) == content


def test_each_entry_differs():
    """The same content twice shares no key, nonce or ciphertext."""
    first, second = Sealer(KEY).seal(SECRET, "a"), Sealer(KEY).seal(SECRET, "a")
    assert (first[5:] != second[5:], SECRET in first) == (True, False)


def test_an_entry_is_bound_to_its_ids():
    """An entry that was copied to another row, or whose ids were joined differently, does not open."""
    sealed = Sealer(KEY).seal(SECRET, "grant", "ab")
    for ids in (("grant", "x"), ("grant", "a", "b"), ("granta", "b"), ()):
        with pytest.raises(errors.MasterKeyError, match="damaged, or changed"):
            Sealer(KEY).open(sealed, *ids)


@given(st.integers(0, 200), st.integers(1, 255))
def test_no_bit_may_change(at, flip):
    """Any changed byte is noticed."""
    sealed = bytearray(Sealer(KEY).seal(SECRET, "a"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(errors.MasterKeyError):
        Sealer(KEY).open(bytes(sealed), "a")


@pytest.mark.parametrize("length", [0, 1, 50, 100])
def test_a_cut_entry(length):
    """A cut entry is damaged, not an IndexError."""
    with pytest.raises(errors.MasterKeyError):
        Sealer(KEY).open(Sealer(KEY).seal(SECRET, "a")[:length], "a")


def test_another_master_key():
    """A wrong key is called a wrong key, with what to do."""
    with pytest.raises(errors.MasterKeyError, match="another master key") as caught:
        Sealer(OTHER).open(Sealer(KEY).seal(SECRET, "a"), "a")
    assert caught.value.remedy


def test_a_new_key_file(tmp_path):
    """Only its owner may read it, it loads, and it is never overwritten."""
    path = tmp_path / "counterfoil.key"
    key_file.new(path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = Sealer(FileSource(path).load()[0]).seal(SECRET, "a")
    assert Sealer(FileSource(path).load()[0]).open(sealed, "a") == SECRET
    with pytest.raises(errors.MasterKeyError, match="already"):
        key_file.new(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path):
    """A key that cannot be written is said."""
    with pytest.raises(errors.MasterKeyError, match="cannot be written"):
        key_file.new(tmp_path / "no" / "key")


def test_no_key_file(tmp_path):
    """A missing key file is named, with what to do."""
    with pytest.raises(errors.MasterKeyError, match="There is no master key at") as caught:
        FileSource(tmp_path / "none").load()
    assert "init" in caught.value.remedy


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620])
def test_a_key_that_others_can_read(tmp_path, mode):
    """Any right of group or others is refused, with the command that mends it."""
    path = tmp_path / "key"
    key_file.new(path)
    path.chmod(mode)
    with pytest.raises(errors.MasterKeyError, match="Other users") as caught:
        FileSource(path).load()
    assert "chmod 600" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "short", "AAAA", base64.b64encode(bytes(31)).decode(), "é" * 44, "!" * 44])
def test_a_key_of_the_wrong_form(tmp_path, text):
    """Wrong size or no base64, from file or environment, is a MasterKeyError that shows no part of it."""
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    for load in (lambda: FileSource(path).load(), lambda: TextSource(text).load()):
        with pytest.raises(errors.MasterKeyError) as caught:
            load()
        assert not text or text not in str(caught.value)


def test_a_key_from_the_environment():
    """Both base64 alphabets are taken, and a line's end."""
    key = bytes([251, 255] * 16)
    sealed = Sealer(MasterKey(key)).seal(SECRET, "a")
    for encode in (base64.urlsafe_b64encode, base64.b64encode):
        (loaded,) = TextSource(encode(key).decode() + "\n").load()
        assert Sealer(loaded).open(sealed, "a") == SECRET


def test_a_directory_is_no_key(tmp_path):
    """Anything but a plain file is refused."""
    with pytest.raises(errors.MasterKeyError, match="is no file"):
        FileSource(tmp_path).load()


def test_nothing_is_shown():
    """Neither repr shows a byte, and a key cannot be pickled or copied."""
    assert f"{KEY!r} {Sealer(KEY)!r}" == "<MasterKey> <Sealer>"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(KEY)


def test_keys_for_other_uses_differ():
    """Each purpose has its own key; the same words give the same one."""
    assert KEY.derive("a") == KEY.derive("a")
    assert len({KEY.derive("a"), KEY.derive("b"), OTHER.derive("a")}) == 3
