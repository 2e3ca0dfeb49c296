"""The secrets that the tests know, and where they turn up: called by conftest after every test, and by the story.

Known are the sandbox's client secret and webhook key, every token that its processes issued (tests/leaks/telling_sandbox),
and the master keys that lie in a test's folder. A JSON web token is recognised by its form, whoever issued it.
"""

import base64
import contextlib
import os
import re
import string
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from counterfoil.sandbox import world

FILE_BYTES_MAX = 64 << 20  # of one file that is looked through; larger ones are the soak's
FILES_MAX = 500
# What reading a zip raises that is none, or broken, or of a kind that nobody here opens: then the file itself was looked through.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
JWT = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}")
# What holds a refresh token, wherever it stands, is a word of these; every other byte parts words (twice as quick as re).
IN_TOKENS = (string.ascii_letters + string.digits + "-_").encode()
APART = bytes(byte if byte in IN_TOKENS else ord(" ") for byte in range(256))
ZIP_END = b"PK\x05\x06"  # stands in every zip
CONSTANT = {"the client secret": world.CLIENT_SECRET, "the webhook key": world.WEBHOOK_KEY}
_CONSTANTS = [(name, value.encode()) for name, value in CONSTANT.items()]
TOKENS = ("a JSON web token", "a refresh token")
KEYS = ("the master key", "the master key's bytes")
# Files that are there to hold some secrets, and which: nothing else belongs there either.
HOLDERS = (
    (re.compile(r"\.(toml|pem|py|key)$"), (*CONSTANT, *KEYS)),  # people and tests write configurations and keys
    (
        re.compile(r"(^|/)(state|xero)(\.jsonl?)?$|\.state$"),
        (*CONSTANT, *TOKENS),
    ),  # the sandbox's memory: it gave these out itself
    (re.compile(r"secret"), (*CONSTANT, *TOKENS, *KEYS)),  # a test's own, called so
)


class _Told:
    """What sandboxes told so far; the file only grows, and is read on from where it was read to."""

    def __init__(self) -> None:
        self.tokens: set[bytes] = set()
        self.plain: set[bytes] = set()  # those without a form of their own: refresh tokens
        self.lengths: set[int] = set()  # of these
        self.read_to = 0

    def read(self) -> None:
        """Take in what is new."""
        path = Path(os.environ.get("TOLD_TOKENS", "/nonexistent"))
        if path.exists() and path.stat().st_size > self.read_to:
            with path.open("rb") as file:
                file.seek(self.read_to)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.read_to += len(whole)
            self.tokens.update(whole.split())
            plain = {token for token in whole.split() if b"." not in token}
            self.plain |= plain
            self.lengths |= {len(token) for token in plain}


_told = _Told()


def tokens() -> set[bytes]:
    """Every token that sandboxes of this session issued so far."""
    _told.read()
    return _told.tokens


def refresh_tokens() -> set[bytes]:
    """Those of them that have no form of their own by which they could be recognised."""
    _told.read()
    return _told.plain


def in_bytes(data: bytes, more: Iterable[tuple[str, bytes]] = ()) -> list[str]:
    """Names of the secrets that stand in `data` as they are."""
    found = [TOKENS[0]] if b".eyJ" in data and JWT.search(data) else []
    found += [name for name, secret in (*_CONSTANTS, *more) if secret in data]
    known, lengths = refresh_tokens(), _told.lengths
    shortest = min(lengths, default=len(data) + 1)
    runs = [run for run in data.translate(APART).split() if len(run) >= shortest]  # nearly none is
    if any(run[at : at + size] in known for run in runs for size in lengths for at in range(len(run) - size + 1)):
        found.append(TOKENS[1])
    return found


def keys_in(folder: Path) -> list[tuple[str, bytes]]:
    """The master keys that lie in a test's folder, as they are written and as bytes."""
    keys = [(KEYS[0], text) for path in folder.glob("**/*.key") if path.is_file() for text in path.read_bytes().split()]
    return keys + [(KEYS[1], raw) for _name, text in keys if (raw := _decoded(text))]


def in_folder(folder: Path) -> list[str]:
    """Where in a test's folder a secret stands in a file that is not there to hold it."""
    keys = keys_in(folder)
    found = []
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if number >= FILES_MAX or not path.is_file() or path.is_symlink() or path.stat().st_size > FILE_BYTES_MAX:
            continue
        name = str(path.relative_to(folder))
        at_home = {secret for pattern, held in HOLDERS if pattern.search(name) for secret in held}
        leaks = {leak for data in contents(path) for leak in in_bytes(data, keys)} - at_home
        found += [f"{name}: {leak}" for leak in sorted(leaks)]
    return found


def contents(path: Path) -> Iterator[bytes]:
    """What a file says: itself, and the members of a zip, which are compressed; of a large one the beginning."""
    data = path.read_bytes()
    yield data
    if ZIP_END not in data:
        return
    with contextlib.suppress(*DAMAGED), zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            with contextlib.suppress(*DAMAGED), packed.open(name) as member:
                yield member.read(FILE_BYTES_MAX)


def _decoded(text: bytes) -> bytes:
    try:
        raw = base64.b64decode(text, altchars=b"-_")
    except ValueError:
        return b""
    return raw if len(raw) >= 16 else b""


def forms(secret: bytes) -> set[bytes]:
    """A secret as it may stand in something: as it is, in base64 of either alphabet, in hexadecimal, in a URL."""
    quoted = urllib.parse.quote(secret, safe="").encode()
    encoded = {encode(secret).rstrip(b"=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return {secret, secret.hex().encode(), secret.hex().upper().encode(), quoted} | encoded
