"""Column types: instants as UTC microseconds, amounts as exact text, dates as ISO text, JSON as bytes.

Called by schema. Amounts are text because neither SQLite nor a float holds a decimal exactly.
"""

import datetime
import functools
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)


class Direct:
    """A column type whose values `prepared` writes and reads by two plain functions, never with None."""

    written: Any  # the value as the driver takes it
    read: Any  # the value again


class Instant(Direct, sa.TypeDecorator[datetime.datetime]):
    """An aware UTC instant; a naive one is a mistake of ours and is refused."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Any) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Microseconds since 1970."""
        return None if value is None else self.written(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime.datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The instant again."""
        return None if value is None else self.read(value)

    @staticmethod
    @functools.lru_cache(16)  # all rows of a batch have the same
    def written(value: datetime.datetime) -> int:
        """Microseconds since 1970."""
        assert value.tzinfo is not None, "an instant is aware"
        return (value - EPOCH) // MICROSECOND

    @staticmethod
    def read(value: int) -> datetime.datetime:
        """The instant again."""
        return EPOCH + datetime.timedelta(microseconds=value)


class Amount(Direct, sa.TypeDecorator[Decimal]):
    """An exact decimal."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Its digits."""
        return None if value is None else str(value)

    written = staticmethod(str)
    read = staticmethod(Decimal)

    def process_result_value(self, value: str | None, dialect: Any) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The decimal again."""
        return None if value is None else Decimal(value)


class Day(Direct, sa.TypeDecorator[datetime.date]):
    """A document date: a plain calendar day."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime.date | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """ISO text, which sorts as days do."""
        return None if value is None else value.isoformat()

    written = staticmethod(datetime.date.isoformat)
    read = staticmethod(datetime.date.fromisoformat)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime.date | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The day again."""
        return None if value is None else datetime.date.fromisoformat(value)


class Json(Direct, sa.TypeDecorator[Any]):
    """A JSON value as bytes; decimals inside are written as strings."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> bytes | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Encoded; bytes are taken as JSON already."""
        return None if value is None else self.written(value)

    @staticmethod
    def written(value: Any) -> bytes:
        """Encoded; bytes are taken as JSON already."""
        return value if isinstance(value, bytes) else msgspec.json.encode(value)

    read = staticmethod(msgspec.json.decode)

    def process_result_value(self, value: bytes | None, dialect: Any) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Decoded to plain Python values."""
        return None if value is None else msgspec.json.decode(value)
