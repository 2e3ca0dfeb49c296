"""A full disk: what could not be written whole is not there, so that the same command works when there is space again."""

import contextlib
import resource

import pytest

from counterfoil import errors, settings
from counterfoil.access import key_file
from counterfoil.cli import doctor


@contextlib.contextmanager
def full_disk():
    """No file of this process grows beyond eight bytes: the system says so as it does of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_half_a_master_key_is_none(tmp_path):
    """`init` would take an empty file for a key that must be kept, and never make one."""
    path = tmp_path / "counterfoil.key"
    with full_disk(), pytest.raises(errors.MasterKeyError, match="cannot be written"):
        key_file.new(path)
    assert list(tmp_path.iterdir()) == []
    key_file.new(path)
    assert len(key_file.read(path)) == 1


def test_half_an_overlay_is_none(tmp_path):
    """An empty overlay would let an environment share the other's database and key."""
    path = tmp_path / "counterfoil.toml"
    path.write_text('[xero]\nclient_id = "abc"\n')
    with full_disk(), pytest.raises(errors.ConfigurationError, match="cannot be written"):
        settings.begin_environment(path, "staging")
    assert [one.name for one in tmp_path.iterdir()] == ["counterfoil.toml"]
    assert "counterfoil-staging.db" in settings.begin_environment(path, "staging").read_text()


def test_half_a_bundle_is_none(tmp_path):
    """It can be written under the same name later."""
    path = tmp_path / "support.zip"
    with full_disk(), pytest.raises(errors.InputError, match="cannot be written"):
        doctor._write(path, b"x" * 100)
    doctor._write(path, b"x" * 100)
    assert path.stat().st_size == 100
