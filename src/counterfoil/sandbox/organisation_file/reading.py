"""Reading an organisation file: from bytes to a checked `File`, and an error that a person can act on.

Called by `journal` through the folder.
"""

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil.sandbox.charts import Chart
from counterfoil.sandbox.organisation_file import chart, checks
from counterfoil.sandbox.organisation_file.schema import File

BYTES_MAX: Final = 64 * 1024 * 1024
SHOWN_MAX: Final = 80
_HELP: Final = (
    "docs/organisation-file.schema.json says what the file may hold; `counterfoil entities export` writes one."
)
_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<place>[^`]*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"unknown field `(.*)`")
_MISSING: Final = re.compile(r"missing required field `(.*)`")
_ALLOWED: Final = re.compile(r"Invalid enum value")


class OrganisationFileError(Exception):
    """A file that cannot be used. The message names file, field and value, and says what to do."""

    def __init__(self, path: Path, what: str, remedy: str = _HELP) -> None:
        super().__init__(f"{path}: {what}. {remedy}")


def read(path: Path) -> Chart:
    """The organisation of a file, ready for `world`. Raises OrganisationFileError for what cannot be used."""
    body = _body(path)
    try:
        file = msgspec.json.decode(body, type=File)
    except msgspec.ValidationError as error:
        raise OrganisationFileError(path, *_told(str(error), msgspec.json.decode(body))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OrganisationFileError(path, f"it is not JSON: {error}") from error
    trouble = checks.first_trouble(file)
    if trouble is not None:
        raise OrganisationFileError(path, f"{trouble.place} is {_shown(trouble.value)}: {trouble.what}", trouble.remedy)
    return chart.of(file)


def _body(path: Path) -> bytes:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise OrganisationFileError(path, f"it is larger than {BYTES_MAX:,} bytes", "Leave contacts out.")
        return path.read_bytes()
    except OSError as error:
        raise OrganisationFileError(
            path, f"it cannot be read: {error.strerror}", "Name a file that is there."
        ) from error


def _told(message: str, document: Any) -> tuple[str, str]:
    """What msgspec says, with the place in the file's own words, the value there, and a remedy."""
    found = _PLACE.match(message)
    assert found is not None
    what, place = found["what"], found["place"] or ""
    unknown, missing = _UNKNOWN.search(what), _MISSING.search(what)
    if unknown is not None:
        return f"{_joined(place, unknown[1])} is no field that it may have", f"Take it out. {_HELP}"
    if missing is not None:
        return f"{_joined(place, missing[1])} is missing", f"Write it. {_HELP}"
    value = _shown(_at(document, place))
    if _ALLOWED.search(what):
        what = "it is none of the words that may stand there"
    return f"{place or 'the file'} is {value}: {what[:1].lower()}{what[1:]}", _HELP


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _at(document: Any, place: str) -> Any:
    """The value at a place such as Accounts[3].Code; None if it cannot be found."""
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", place):
        try:
            document = document[name] if name else document[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
