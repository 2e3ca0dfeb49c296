"""Whether other users of this machine may read or change a file: by its mode, and by its access list where it has one.

Called by key_file and app/doctor. Reads rights, never content. An access list (POSIX.1e) shows its mask in the place of the
group's rights: systemd hands a credential to its service by such a list, so that the mode reads 0440 though nobody else may read
it. The list's form is the kernel's (linux/posix_acl_xattr.h): a version, then tag, rights and id of each entry.
"""

import errno
import os
import stat
import struct
from pathlib import Path
from typing import Final

_LIST: Final = "system.posix_acl_access"
_VERSION: Final = struct.pack("<I", 2)
_ENTRY: Final = struct.Struct("<HHI")
_OWNER, _USER, _MASK = 0x01, 0x02, 0x10
_NONE: Final = frozenset({errno.ENODATA, errno.ENOTSUP, errno.ENOSYS})


def open_to_others(file: int | Path, mode: int) -> bool:
    """Whether anybody but the owner, ourselves and root has a right to a file. `mode`: as `stat` says of it. Raises OSError."""
    if mode & stat.S_IRWXO:
        return True
    if not mode & stat.S_IRWXG:
        return False
    try:
        found = os.getxattr(file, _LIST)
    except OSError as cause:
        if cause.errno in _NONE:
            return True
        raise
    return _gives_to_others(found)


def _gives_to_others(found: bytes) -> bool:
    """The same of an access list; one that cannot be read gives everything."""
    if not found.startswith(_VERSION) or (len(found) - len(_VERSION)) % _ENTRY.size:
        return True
    entries = list(_ENTRY.iter_unpack(found[len(_VERSION) :]))
    most = next((rights for tag, rights, _id in entries if tag == _MASK), 0o7)
    ours = {0, os.geteuid()}
    return any(
        rights & most
        for tag, rights, who in entries
        if tag not in (_OWNER, _MASK) and not (tag == _USER and who in ours)
    )
