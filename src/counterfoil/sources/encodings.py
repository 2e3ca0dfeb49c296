"""Bytes become lines of text: any encoding, byte order marks, all three kinds of line ends; what does not fit is marked.

Called by delimited and sniffing. A byte that the encoding does not have must spoil its own row and no other, so it is
decoded to a mark, a lone surrogate that no good text holds, and the row that has one is refused where it is judged.
"""

import codecs
import functools
import io
import re
from typing import BinaryIO, Final, TextIO, cast

from counterfoil.errors import InputError
from counterfoil.model.prepared import Finding

BYTE_ORDER_MARKS: Final = (  # the longer ones first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK: Final = 0xDC00  # and the byte
MARKED: Final = re.compile("[\udc00-\udcff]")
_PLAIN_NAMES: Final = {"utf-8-sig": "utf-8", "utf_8_sig": "utf-8"}


def _marked(error: UnicodeError) -> tuple[str, int]:
    """Each byte that does not fit, as a mark that still says which byte it was."""
    assert isinstance(error, UnicodeDecodeError), "only decoding asks for this"
    return "".join(chr(_MARK + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("counterfoil.marked", _marked)


def byte_order_mark(head: bytes) -> tuple[bytes, str] | None:
    """The mark with which a file begins and the encoding that it means; None without one."""
    return next(((mark, name) for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)


def text_of(file: BinaryIO, encoding: str, name: str) -> TextIO:
    """The file's text with its line ends as they are, less a byte order mark; `name` is the file's, for errors.

    Raises InputError when the encoding is none of text, when the file begins with another encoding's mark, and when
    neither the encoding nor a mark says in which order the bytes of a UTF-16 stand.
    """
    head = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    codec = _codec(encoding, head, name)
    if (mark := byte_order_mark(head)) is not None:
        file.read(len(mark[0]))
    return cast("TextIO", io.TextIOWrapper(file, encoding=codec, errors="counterfoil.marked", newline=""))


def _codec(encoding: str, head: bytes, name: str) -> str:
    try:
        wanted = codecs.lookup(encoding).name
        "".encode(wanted)
    except (LookupError, ValueError, UnicodeError) as error:
        remedy = "Write one such as utf-8, cp1252, iso-8859-1 or utf-16."
        raise InputError(f"`encoding` is no encoding of text: {encoding}.", remedy=remedy) from error
    wanted = _PLAIN_NAMES.get(wanted, wanted)
    mark = byte_order_mark(head)
    if mark is None:
        if wanted in {"utf-16", "utf-32"}:
            raise InputError(
                f"{name}, line 1: the file has no byte order mark, and {encoding} does not say which byte comes first.",
                remedy=f'Write encoding = "{wanted}-le" (Windows) or "{wanted}-be".',
            )
        return wanted
    found = mark[1]
    if wanted not in {found, found.removesuffix("-le").removesuffix("-be")}:
        raise InputError(
            f"{name}, line 1: the file begins with the byte order mark of {found}, but `encoding` is {encoding}.",
            remedy=f'Write encoding = "{found}", or save the file as {encoding}.',
        )
    return found


@functools.cache
def is_single_byte(codec: str) -> bool:
    """Whether each byte is one character, as in cp1252 and its like: there every byte decodes, right or wrong."""
    try:
        return len(b"\xc3\xa9\xe2\x82\xac".decode(codec, "replace")) == 5  # two characters in UTF-8
    except (UnicodeError, LookupError):
        return False


def misfit(text: str, codec: str) -> Finding | None:
    """Why a text is not what its file's bytes mean; None when all is well. `codec` is the encoding it was read in."""
    if (mark := MARKED.search(text)) is not None:
        value = f"0x{ord(mark.group()) - _MARK:02x}"
        return Finding(
            "bad-utf8" if codec == "utf-8" else "bad-encoding",
            f"The byte {value} is not {codec}.",
            f"Save the file as {codec}, or write the encoding that it has in the flow's source.",
            value=value,
        )
    if is_single_byte(codec) and _is_utf8(text, codec):
        shown = text.strip()[:40]
        return Finding(
            "looks-like-utf8",
            f"`{shown}` is UTF-8 that was read as {codec}.",
            'Write encoding = "utf-8" in the flow\'s source; or correct the text where it was exported.',
            value=shown,
        )
    return None


def _is_utf8(text: str, codec: str) -> bool:
    """Whether all that is not ASCII makes UTF-8: texts of another encoding do so only when they were spoilt before."""
    try:
        text.encode(codec).decode("utf-8")
    except UnicodeError:
        return False
    return not text.isascii()
