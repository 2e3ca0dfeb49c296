"""A JSON file is walked value by value and never held: what is not wanted is skipped, what is wanted comes as bytes.

Called by documents and sniffing. Only brackets and strings are looked at here; whether a value is sound JSON is judged
by whoever decodes its bytes. Memory holds a chunk of the file and one value of at most ROW_BYTES_MAX bytes.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from counterfoil.sources import ROW_BYTES_MAX, files

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_BARE: Final = re.compile(rb"[^\s,:\[\]{}\"]*+")  # numbers and words
_INSIDE: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
# All that is no bracket, whole strings included: it stops at a bracket, or at a string that the chunk does not end.
_PLAIN: Final = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)


class BrokenError(ValueError):
    """The brackets of the file do not fit together from here on. `line` is where."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


class Piece(msgspec.Struct, frozen=True):
    """One value. `raw` None: it has more than ROW_BYTES_MAX bytes. `line` is where it begins, `digest` its SHA-256."""

    line: int
    raw: bytes | None
    length: int
    digest: str


class _Held:
    """What was read of a value, as long as it may be held."""

    def __init__(self) -> None:
        self.length = 0
        self._bytes = bytearray()
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self.length += len(data)
        self._digest.update(data)
        if self.length <= ROW_BYTES_MAX:
            self._bytes += data
        else:
            self._bytes.clear()

    def piece(self, line: int) -> Piece:
        raw = bytes(self._bytes) if self.length <= ROW_BYTES_MAX else None
        return Piece(line, raw, self.length, self._digest.hexdigest())


class Scanner:
    """Walks one file. Every method raises BrokenError when what it is asked for is not there."""

    def __init__(self, file: BinaryIO, head: bytes = b"") -> None:
        self._file = file
        self._buffer = head
        self._at = 0
        self.line = 1
        self.bytes_read = len(head)

    def peek(self) -> bytes:
        """The next byte that is no space, not taken; b"" at the end of the file."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None, "it matches nothing as well"
            self._pass(match.end())
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def take(self, *wanted: bytes) -> bytes:
        """The next byte, which is one of these."""
        found = self.peek()
        if found not in wanted:
            if not found:
                raise BrokenError("the file ends too early", self.line)
            there, right = found.decode("ascii", "replace"), wanted[0].decode()
            raise BrokenError(f"`{there}` stands where `{right}` should", self.line)
        self._at += 1
        return found

    def key(self) -> str:
        """A key with its colon."""
        if self.peek() != b'"':
            self.take(b'"')
        raw = self.value().raw
        self.take(b":")
        try:
            return msgspec.json.decode(raw or b"", type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BrokenError("a key is not readable text", self.line) from error

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; whoever asks takes each one's value before the next."""
        self.take(b"{")
        if self.peek() == b"}":
            self.take(b"}")
            return
        while True:
            yield self.key()
            if self.take(b",", b"}") == b"}":
                return

    def value(self) -> Piece:
        """The next value, whatever its size."""
        first = self.peek()
        line = self.line
        held = _Held()
        if first in {b"{", b"["}:
            self._container(held)
        elif first == b'"':
            self._string(held)
        else:
            self._bare(held)
        return held.piece(line)

    def _container(self, held: _Held) -> None:
        depth = 0
        at = self._at
        while True:
            match = _PLAIN.match(self._buffer, at)
            assert match is not None, "it matches nothing as well"
            at = match.end()
            mark = self._buffer[at : at + 1]
            if not mark or mark == b'"':
                self._keep(held, at)
                if mark:
                    self._string(held)
                elif not self._more():
                    raise BrokenError("the file ends inside an item", self.line)
                at = self._at
                continue
            depth += 1 if mark in b"{[" else -1
            at += 1
            if depth == 0:
                self._keep(held, at)
                return

    def _string(self, held: _Held) -> None:
        self._keep(held, self._at + 1)
        while True:
            match = _INSIDE.match(self._buffer, self._at)
            assert match is not None, "it matches nothing as well"
            self._keep(held, match.end())
            if self._buffer[self._at : self._at + 1] == b'"':
                self._keep(held, self._at + 1)
                return
            if not self._more():  # what is left of the chunk is nothing, or a backslash without what it escapes
                raise BrokenError("the file ends inside a text", self.line)

    def _bare(self, held: _Held) -> None:
        while True:
            match = _BARE.match(self._buffer, self._at)
            assert match is not None, "it matches nothing as well"
            self._keep(held, match.end())
            if self._at < len(self._buffer) or not self._more():
                break
        if not held.length:
            found = self._buffer[self._at : self._at + 1].decode("ascii", "replace")
            raise BrokenError(f"a value is missing before `{found}`" if found else "the file ends too early", self.line)

    def _keep(self, held: _Held, end: int) -> None:
        held.add(self._buffer[self._at : end])
        self._pass(end)

    def _pass(self, end: int) -> None:
        self.line += self._buffer.count(b"\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        chunk = self._file.read(files.CHUNK_BYTES)
        self.bytes_read += len(chunk)
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return bool(chunk)
