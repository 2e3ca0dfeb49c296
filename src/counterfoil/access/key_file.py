"""The master key's file: read only when nobody else may, written whole or not at all, changed by one rotation at a time.

Called by key_source, rotation and `init`. It holds one key a line in base64: the one that seals from now on, and during a
rotation the one before it.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from counterfoil import errors
from counterfoil.access.file_rights import open_to_others
from counterfoil.access.master_key import MAKE_ONE, TEXT_BYTES_MAX, MasterKey, read_keys
from counterfoil.model.hidden import HiddenBytes

OWNER_ONLY: Final = 0o600


def read(path: Path) -> tuple[MasterKey, ...]:
    """The keys of a file. Raises MasterKeyError when there is none, or others on this machine can read or change it."""
    return read_keys(_bytes(path), str(path))


def _bytes(path: Path) -> HiddenBytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise errors.MasterKeyError(f"There is no master key at {path}.", remedy=MAKE_ONE) from None
    except OSError as cause:
        raise _unreadable(path, cause) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise errors.MasterKeyError(f"The master key {path} is no file.", remedy=MAKE_ONE)
        if open_to_others(handle, mode):
            raise errors.MasterKeyError(
                f"Other users of this machine may read the master key {path}.", remedy=f"Run: chmod 600 {path}"
            )
        return HiddenBytes(os.read(handle, TEXT_BYTES_MAX + 1))
    except OSError as cause:
        raise _unreadable(path, cause) from None
    finally:
        os.close(handle)


def _unreadable(path: Path, cause: OSError) -> errors.MasterKeyError:
    return errors.MasterKeyError(
        f"The master key {path} cannot be read: {cause.strerror}.", remedy="Check the rights of the file."
    )


def new(path: Path) -> None:
    """Write a fresh random key that only its owner can read. Raises MasterKeyError rather than overwrite anything."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, OWNER_ONLY)
    except FileExistsError:
        raise errors.MasterKeyError(
            f"There is a master key at {path} already.", remedy="Keep it: the stored consents need it."
        ) from None
    except OSError as cause:
        raise _unwritable(path, cause) from None
    try:
        _fill(handle, MasterKey.random().text())
        _sync_folder(path.parent)
    except OSError as cause:
        path.unlink()  # half a key would be taken for one that must be kept
        raise _unwritable(path, cause) from None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else on this machine changes keys in the file's folder while inside; a killed process holds nothing.

    Raises MasterKeyError when somebody does already.
    """
    folder = os.open(_target(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise errors.MasterKeyError(
            f"The master key {path} is being changed by another process just now.", remedy="Wait until it has ended."
        ) from None
    finally:
        os.close(folder)


def _target(path: Path) -> Path:
    """The file that a link leads to; links that lead in a circle are left to whoever opens them, and says so."""
    return Path(os.path.realpath(path))


def replace(path: Path, keys: tuple[MasterKey, ...], point: Callable[[str], None]) -> None:
    """Put these keys in the file's place, inside `locked`: a crash leaves the old file or the new one, both whole.

    A link is followed; owner and mode stay. Raises MasterKeyError when the folder does not allow it.
    """
    target = _target(path)
    beside = target.with_name(f".{target.name}.new")
    try:
        owner = target.stat()
        beside.unlink(missing_ok=True)  # left by a process that was killed; we hold the lock
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, OWNER_ONLY)
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(handle, owner.st_uid, owner.st_gid)  # changed by root for a service's own user
        _fill(handle, HiddenBytes(b"".join(key.text() for key in keys)))
        point("key file written beside")
        beside.replace(target)
        _sync_folder(target.parent)
    except OSError as cause:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise _unwritable(path, cause) from None


def _fill(handle: int, text: HiddenBytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, cause: OSError) -> errors.MasterKeyError:
    return errors.MasterKeyError(
        f"The master key {path} cannot be written: {cause.strerror}.", remedy="Check the rights of its folder."
    )
