"""Who may read the master key, where a file's mode alone does not say so."""

import os
import struct

import pytest

from counterfoil import errors
from counterfoil.access import key_file

OWNER, USER, GROUP, GROUPS, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF


@pytest.fixture
def key(tmp_path):
    """A key file; called, it gets an access list of (tag, rights, id)."""
    path = tmp_path / "key"
    key_file.new(path)

    def listed(*entries):
        whole = ((OWNER, 6, NOBODY), *entries, (OTHER, 0, NOBODY))
        found = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in whole)
        try:
            os.setxattr(path, "system.posix_acl_access", found)
        except OSError as cause:
            pytest.fail(f"this disk keeps no access lists, which this test needs: {cause}")
        return path

    return listed


def test_a_credential_of_systemd_is_nobody_elses(key):
    """It is handed to the service's user by an access list, whose mask stands in the mode as rights of a group: it is read all the same."""
    path = key((USER, 4, os.geteuid()), (GROUP, 0, NOBODY), (MASK, 4, NOBODY))
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(key_file.read(path)) == 1


@pytest.mark.parametrize("others", [(USER, 4, 4_242), (GROUPS, 4, 4_242)])
def test_a_list_that_lets_others_read_is_refused(key, others):
    """Another user or a group in it may read the key."""
    entries = sorted([(GROUP, 0, NOBODY), others])
    with pytest.raises(errors.MasterKeyError, match="Other users"):
        key_file.read(key(*entries, (MASK, 4, NOBODY)))


def test_a_group_without_a_list_is_refused(key):
    """The mode alone lets the file's group read."""
    path = key((GROUP, 0, NOBODY))
    path.chmod(0o640)
    with pytest.raises(errors.MasterKeyError, match="Other users"):
        key_file.read(path)
